"""Several searches on one node use together what its owner allows, and no more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from bittrader.execution.sharing import Sharing, share

if TYPE_CHECKING:
    from pathlib import Path


@given(cores=st.integers(0, 200), count=st.integers(1, 30), turn=st.integers(0, 10**9))
def test_the_parts_are_the_whole_and_alike(cores: int, count: int, turn: int) -> None:
    parts = [share(cores, place, count, turn).cores for place in range(count)]
    assert sum(parts) == cores
    assert max(parts) - min(parts) <= 1


@given(cores=st.integers(1, 200), count=st.integers(1, 30), turn=st.integers(0, 10**9))
def test_nobody_waits_for_ever(cores: int, count: int, turn: int) -> None:
    for place in range(count):
        assert any(share(cores, place, count, turn + later).cores for later in range(count))


@given(cores=st.integers(0, 200), count=st.integers(1, 30), place=st.integers(0, 29), turn=st.integers(0, 10**9))
def test_what_is_due_is_what_comes_by_turns(cores: int, count: int, place: int, turn: int) -> None:
    now, *later = (share(cores, place % count, count, turn + more) for more in range(count + 1))
    assert now.cores + now.due == max(one.cores for one in (now, *later))


def test_who_comes_takes_part_and_who_leaves_or_dies_gives_back(tmp_path: Path) -> None:
    folder = tmp_path / "working"
    first = Sharing(folder)
    assert first.of(4).cores == 4
    assert Sharing(folder).of(4).cores == 2
    (other,) = [one for one in folder.iterdir() if one != first._mine]
    before = time.time() - 60
    os.utime(other, (before, before))
    third = Sharing(folder)
    assert third.of(4).cores == 2, "of the first and itself: the second is silent"
    first.leave()
    assert Sharing(folder).of(6).cores == 3


def test_without_a_folder_there_is_nobody_to_share_with() -> None:
    alone = Sharing(None)
    assert alone.of(4).cores == 4
    alone.leave()


def test_where_nothing_can_be_written_a_search_is_alone(tmp_path: Path) -> None:
    (tmp_path / "working").write_text("no folder")
    assert Sharing(tmp_path / "working").of(4).cores == 4
