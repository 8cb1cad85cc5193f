"""What still runs of a node that is taken away is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import NamedTuple

from bittrader import paths
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.ledger import VARIABLE, Ledger
from bittrader.install import ending
from bittrader.install.ending import end_what_runs

HUNG = """
import sys, time
from pathlib import Path
from bittrader.cluster.daemon_lock import DaemonLock
folder = Path(sys.argv[1])
lock = DaemonLock(folder)
print("held", flush=True)
time.sleep(600)
"""


def test_what_a_killed_daemon_left_is_ended() -> None:
    identity(folder_of("head"), "head", "desk")
    ledger = Ledger(folder_of("head") / paths.PROCESSES)
    mark = ledger.begin("Ray").mark
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(program, env={**os.environ, VARIABLE: mark}) as left:
        end_what_runs("head")
        assert left.wait() == -signal.SIGKILL


def test_a_daemon_that_does_not_end_is_killed_and_one_that_is_gone_is_nobodys_business(monkeypatch) -> None:
    identity(folder_of("head"), "head", "desk")
    with subprocess.Popen([sys.executable, "-c", HUNG, folder_of("head")], stdout=subprocess.PIPE) as hung:
        assert hung.stdout.readline() == b"held\n"
        monkeypatch.setattr(ending, "read_state", lambda _folder: State(hung.pid))
        end_what_runs("head")
        assert hung.wait() == -signal.SIGKILL
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        monkeypatch.setattr(ending, "read_state", lambda _folder: State(other.pid))
        end_what_runs("head")
        assert other.poll() is None
        other.stdin.close()


class State(NamedTuple):
    """What a daemon said last, as far as it counts here."""

    pid: int
