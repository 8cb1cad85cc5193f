"""The process that compiles ahead of the first search, for real."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil
import pytest

from bittrader.cluster.compiling import Compiling
from bittrader.cluster.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def compiling(tmp_path: Path):
    lines: list[str] = []
    made = Compiling(
        Ledger(tmp_path / "processes.json"), tmp_path / "compiling.log", lambda line, **_: lines.append(line)
    )
    made.lines = lines
    yield made
    made.stop()


def ended(compiling: Compiling) -> str:
    for _ in range(3000):
        if compiling.look() != "runs":
            break
        time.sleep(0.1)
    return compiling.look()


def test_it_can_be_stopped_and_goes_on_to_its_end(compiling: Compiling) -> None:
    assert compiling.look() == "not yet"
    compiling.start()
    assert compiling.look() == "runs"
    (pid,) = compiling.pids
    assert psutil.Process(pid).nice() == 19
    compiling.stop()
    assert compiling.look() == "not yet"
    assert not psutil.pid_exists(pid)
    compiling.start()
    assert ended(compiling) == "done"
    assert compiling.lines == []
    assert compiling.pids == []


def test_its_failure_is_told_and_it_is_not_tried_again(
    compiling: Compiling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError('not for this computer')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    compiling.start()
    assert ended(compiling) == "done"
    assert compiling.lines == [f"what searches need could not be compiled ahead: see {tmp_path / 'compiling.log'}"]
    assert "not for this computer" in (tmp_path / "compiling.log").read_text()
