"""What goes beside the changes of the receipt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from bittrader import paths
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.ledger import VARIABLE, Ledger
from bittrader.install import removal


def test_a_folder_that_is_no_nodes_stays() -> None:
    folder_of("head").mkdir(parents=True)
    (folder_of("head") / "letters").mkdir()
    assert folder_of("head") not in removal.removal("head", studies=True).gone


def test_a_damaged_identity_keeps_nothing_from_going() -> None:
    folder_of("head").mkdir(parents=True)
    (folder_of("head") / "identity.json").write_text("{")
    assert removal.removal("head", studies=False).gone == (folder_of("head"),)


def test_a_home_that_holds_something_else_stays() -> None:
    identity(folder_of("head"), "head", "desk")
    (paths.home() / "letters").write_text("dear")
    assert removal.remove(removal.removal("head", studies=True)) == ()
    assert [path.name for path in paths.home().iterdir()] == ["letters"]


def test_what_cannot_be_removed_is_said() -> None:
    identity(folder_of("head"), "head", "desk")
    goes = removal.removal("head", studies=False)
    removal.remove(goes)
    (said,) = removal.remove(goes)
    assert said.startswith(f"{folder_of('head')}: ")


def test_what_a_killed_daemon_left_is_ended() -> None:
    identity(folder_of("head"), "head", "desk")
    ledger = Ledger(folder_of("head") / "processes.json")
    mark = ledger.begin("Ray").mark
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(program, env={**os.environ, VARIABLE: mark}) as left:
        removal.end_what_runs("head")
        assert left.wait() == -signal.SIGKILL


def test_old_environments_are_all_but_the_one_in_use(tmp_path) -> None:
    assert removal.old_environments(tmp_path, "/elsewhere") == ()
    for name in ("one", "two", "three"):
        (tmp_path / "envs" / name).mkdir(parents=True)
    assert [one.name for one in removal.old_environments(tmp_path, str(tmp_path / "envs" / "two"))] == ["one", "three"]


def test_the_last_step_on_windows_waits_for_the_program_and_then_removes_its_folder_and_itself() -> None:
    text = removal.last_step("C:\\Users\\Zoë A\\.bittrader_worker", 4711)
    lines = text.split("\r\n")
    assert lines[0] == "@echo off"
    assert "PID eq 4711" in text
    assert 'rmdir /s /q "C:\\Users\\Zoë A\\.bittrader_worker"' in lines
    assert lines.index(":gone") < lines.index('rmdir /s /q "C:\\Users\\Zoë A\\.bittrader_worker"')
    assert "\n" not in text.replace("\r\n", "")
