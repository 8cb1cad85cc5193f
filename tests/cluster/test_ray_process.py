"""Processes are found by the mark they were started under, and by nothing else; and only those are ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from bittrader.cluster.ledger import VARIABLE, Ledger, Started
from bittrader.cluster.ray_process import RayProcess, created, kill, members, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# It starts another that drops its environment, says its number, and waits.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={})
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "processes.json")


@pytest.fixture
def started() -> Iterator[list[int]]:
    """Numbers of processes that a test started, which are killed after it."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def pids(processes: list[psutil.Process]) -> set[int]:
    return {one.pid for one in processes}


def test_a_process_and_its_child_that_dropped_its_environment_are_found_and_ended(
    ledger: Ledger, tmp_path: Path, started: list[int]
) -> None:
    child = start(ledger, "family", [sys.executable, "-c", FAMILY], dict(os.environ), tmp_path / "said")
    started.append(child.process.pid)
    until(lambda: (tmp_path / "said").read_text().endswith("\n"))
    grandchild = int((tmp_path / "said").read_text())
    started.append(grandchild)
    assert pids(child.members()) == {child.process.pid, grandchild}
    child.kill()
    until(lambda: not child.members())
    assert child.process.wait(10) == -signal.SIGKILL


def test_another_daemon_finds_them_by_what_was_written_down(ledger: Ledger, tmp_path: Path, started: list[int]) -> None:
    child = start(ledger, "sleep", ["sleep", "600"], dict(os.environ), tmp_path / "said")
    started.append(child.process.pid)
    other = Ledger(tmp_path / "processes.json")
    assert [one.what for one in other.earlier] == ["sleep"]
    assert pids(members(other.earlier)) == {child.process.pid}
    kill(members(other.earlier))
    child.process.wait(10)
    assert not members(other.earlier)
    other.forget_earlier()
    assert Ledger(tmp_path / "processes.json").earlier == ()


def test_the_mark_is_written_down_before_anything_runs_under_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "processes.json")
    with pytest.raises(FileNotFoundError):
        start(ledger, "nothing", ["/no/such/program"], {}, tmp_path / "said")
    assert [one.what for one in Ledger(tmp_path / "processes.json").earlier] == ["nothing"]


def test_what_others_started_is_not_found_whatever_it_is_called(tmp_path: Path, started: list[int]) -> None:
    """A number that is used again, a name like ours, another's mark: none of it makes a process ours."""
    ledger = Ledger(tmp_path / "processes.json")
    mine = ledger.begin("ray")
    words = ["bash", "-c", "exec -a ray::IDLE sleep 600"]
    theirs = subprocess.Popen(words, env={**os.environ, VARIABLE: "0" * 32}, start_new_session=True)
    started.append(theirs.pid)
    until(lambda: psutil.Process(theirs.pid).cmdline()[:1] == ["ray::IDLE"])
    before = created(theirs.pid)
    assert before is not None
    for reused in (
        mine,
        Started(mine.mark, "ray", theirs.pid, before - 3600),
        Started(mine.mark, "ray", theirs.pid, before + 3600),
        Started(mine.mark, "ray", theirs.pid, None),
    ):
        assert members([reused]) == []
    theirs.kill()
    theirs.wait()


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="sessions are of Unix")
def test_a_ray_worker_that_wrote_over_its_environment_is_found_by_its_session(started: list[int]) -> None:
    program = """
import os, subprocess, sys
child = subprocess.Popen(["bash", "-c", "exec -a ray::IDLE sleep 600"], env={}, stdout=subprocess.DEVNULL)
other = subprocess.Popen(["bash", "-c", "exec -a mine sleep 600"], env={}, stdout=subprocess.DEVNULL)
print(child.pid, other.pid, flush=True)
"""
    leader = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    born = created(leader.pid)
    said, _ = leader.communicate()
    worker, other = map(int, said.split())
    started += [worker, other]
    until(lambda: psutil.Process(worker).cmdline()[:1] == ["ray::IDLE"])
    assert pids(members([Started("f" * 32, "ray", leader.pid, born)])) == {worker}
    assert members([Started("f" * 32, "ray", leader.pid, born + 60)]) == [], "older than what is looked for"


def test_a_start_that_fails_is_seen_with_its_last_words(ledger: Ledger, tmp_path: Path) -> None:
    ray = RayProcess(ledger, tmp_path / "said")
    assert ray.look().start == "none"
    ray.start([sys.executable, "-c", "import sys; print('first'); sys.exit('no port is free')"], dict(os.environ))
    until(lambda: ray.look().start != "running")
    seen = ray.look()
    assert (seen.start, seen.said, seen.processes, seen.node) == ("failed", "no port is free", 0, False)
    ray.kill()
    assert ray.look().processes == 0
    ray.close()
    assert ray.look().start == "none"
    assert Ledger(tmp_path / "processes.json").earlier == ()


# It leaves a program under the name that is given, which holds three connections and a door.
HOLDING = """
import subprocess, sys
name, port = sys.argv[1:]
code = ("import socket, sys, time; door = socket.create_server(('127.0.0.1', 0));"
    "held = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(3)]; time.sleep(600)")
subprocess.Popen([name, "-c", code, port])
"""


def test_the_connections_of_its_directory_of_nodes_are_counted(
    ledger: Ledger, tmp_path: Path, started: list[int]
) -> None:
    program = tmp_path / "gcs_server"
    program.symlink_to(sys.executable)
    ray = RayProcess(ledger, tmp_path / "said")
    with socket.create_server(("127.0.0.1", 0)) as door:
        ray.start([sys.executable, "-c", HOLDING, str(program), str(door.getsockname()[1])], dict(os.environ))
        callers = [door.accept()[0] for _ in range(3)]
        until(lambda: ray.look().start == "done")
        seen = ray.look()
        started.extend(ray.pids)
        assert (seen.gcs, seen.connections) == (True, 3)
        ray.kill()
        for one in callers:
            one.close()
    until(lambda: not ray.look().processes)
    ray.close()
    assert ray.look().connections == 0


def test_a_damaged_file_of_what_was_started_says_nothing(tmp_path: Path) -> None:
    for text in ("", "[", "{}", '[{"mark": "a"}]', "[3]", "null"):
        (tmp_path / "processes.json").write_text(text)
        assert Ledger(tmp_path / "processes.json").earlier == ()
