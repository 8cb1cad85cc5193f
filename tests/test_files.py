"""A file is there whole, or not at all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from bittrader.files import make_folder, tail, write_whole, written_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    for words in ("first", "second"):
        with written_whole(path) as part:
            part.write_text(words)
        assert path.read_text() == words
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    for text in ("all\r\nendings\n", "ñandú, 内"):
        write_whole(path, text)
        assert path.read_bytes() == text.encode()
    assert list(tmp_path.iterdir()) == [path]


def test_what_need_not_last_wakes_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: pytest.fail("it asked the disk"))
    write_whole(tmp_path / "file.txt", "new", lasting=False)
    assert (tmp_path / "file.txt").read_text() == "new"


@pytest.mark.parametrize("fails", ["while it is written", "as it is made safe"])
def test_whatever_fails_the_old_file_stays_and_nothing_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), written_whole(path) as part:  # noqa: PT012 - one deed
        part.write_text("new")
        if fails == "while it is written":
            full(0)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("precious")
    with pytest.raises(NotADirectoryError, match=r"file\.txt is a file, not a folder"):
        make_folder(path / "deep" / "deeper")
    assert path.read_text() == "precious"


def test_the_end_of_a_file_is_read_and_none_of_one_that_is_not_there(tmp_path):
    path = tmp_path / "log"
    assert tail(path, 4) == ""
    path.write_bytes(b"first\nlast\xff\n")
    assert tail(path, 6) == "last\N{REPLACEMENT CHARACTER}\n"
    assert tail(path, 1000).startswith("first\n")
