"""The processes of this node: started under a mark, found again by it, and ended; never by their names.

`ray start` returns once Ray is up, and leaves half a dozen processes that belong to nobody. They are told from a Ray of
somebody else's by the mark in their environment, which all they start inherits. A program that writes its own title may
write over the beginning of its environment (on Linux, what is left of it is searched as it is), so a process counts too
that descends from one with the mark, or that calls itself a Ray worker in the session that was begun for the mark.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bittrader.cluster.ledger import VARIABLE, Ledger, Started
from bittrader.cluster.seen import RaySeen
from bittrader.errors import last_words
from bittrader.files import tail
from bittrader.host.programs import asked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_GONE = (psutil.Error, ProcessLookupError, PermissionError)
_WORKER_TITLE = "ray::"
_RAYLET, _GCS = "raylet", "gcs_server"
LAST_BYTES = 4000
"""Of what a program printed: its last line is in them."""
# How often the whole list of processes is gone through while nothing happens, in looks: for the count alone.
_LOOKS = 60
SAME_SECONDS = 2.0
"""How far two tellings of the moment at which one process began may be apart."""
_LEAST_NICE = 19
# Of the system that has consoles: no window of its own, and no Ctrl-C from another's.
_APART = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


def clean_environment() -> dict[str, str]:
    """This process's environment without what somebody set for a Ray of their own: what all of ours begins with."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


def start(ledger: Ledger, what: str, words: Sequence[str], environment: Mapping[str, str], output: Path) -> Child:
    """Starts a program of ours in a session of its own, its output in a file."""
    with output.open("wb") as file:
        return Child(ledger, what, words, environment, stdout=file.fileno())


class Child:
    """A program that was started under a mark, and whatever it started."""

    def __init__(
        self,
        ledger: Ledger,
        what: str,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: int,
        stderr: int = subprocess.STDOUT,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        """The streams are what Popen takes."""
        self._ledger = ledger
        self._started = ledger.begin(what)
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            words,
            env={**environment, VARIABLE: self._started.mark},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            creationflags=_APART,
        )
        self._started = replace(self._started, pid=self.process.pid, created=created(self.process.pid))
        ledger.note(self._started)

    def members(self) -> list[psutil.Process]:
        """All its processes that are there now."""
        return members((self._started,))

    def be_modest(self) -> None:
        """Gives it the processor only when nobody else wants it."""
        lowest = getattr(psutil, "IDLE_PRIORITY_CLASS", _LEAST_NICE)
        asked(psutil.Process(self.process.pid), lambda one: one.nice(lowest), None)

    def kill(self) -> None:
        """Kills all its processes; what was being started at that moment is there at the next look."""
        kill(self.members())
        self.process.poll()

    def forget(self) -> None:
        """Says that nothing of it is left, or need be found again."""
        self._ledger.end(self._started)


class RayProcess:
    """This node's Ray, as processes."""

    def __init__(self, ledger: Ledger, output: Path) -> None:
        self._ledger = ledger
        self._output = output
        self._child: Child | None = None
        self._members: list[psutil.Process] = []
        self._named: dict[str, psutil.Process] = {}
        self._connections = 0
        self._looks = 0
        self._ending = False

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts it. There must be none."""
        self.close()
        self._child = start(self._ledger, "ray", words, environment, self._output)

    def look(self) -> RaySeen:
        """What is there of it now."""
        if self._child is None:
            return RaySeen()
        code = self._child.process.poll()
        if code is None and not self._ending:
            return RaySeen("running", processes=1)
        self._looks += 1
        if self._ending or self._looks % _LOOKS == 1:
            self._members = self._child.members()
            self._named = {_name(one): one for one in self._members}
            self._connections = _connections(self._named[_GCS]) if _GCS in self._named else 0
        return RaySeen(
            start="running" if code is None else "failed" if code else "done",
            node=self._lives(_RAYLET),
            gcs=self._lives(_GCS),
            processes=len(self._members),
            said=last_words(tail(self._output, LAST_BYTES)) if code else "",
            connections=self._connections,
        )

    @property
    def pids(self) -> list[int]:
        """Of the processes that were there when it was last gone through the whole list."""
        return [one.pid for one in self._members]

    def drain(self) -> None:
        """Asks the raylet to end: it takes no more work, and its workers end before it does."""
        self._ending = True
        if _RAYLET in self._named:
            asked(self._named[_RAYLET], psutil.Process.terminate, None)

    def kill(self) -> None:
        """Kills all of it."""
        self._ending = True
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """Forgets a Ray of which nothing is left."""
        if self._child is not None:
            self._child.forget()
        self._child, self._members, self._named, self._looks, self._ending = None, [], {}, 0, False
        self._connections = 0

    def _lives(self, name: str) -> bool:
        return name in self._named and _lives(self._named[name])


def members(started: Collection[Started]) -> list[psutil.Process]:
    """All processes that were started under these marks, or descend from such; never this one itself."""
    if not started:
        return []
    every = [one for one in psutil.process_iter(["ppid"]) if one.pid != os.getpid()]
    found = {one.pid: one for one in every if any(_belongs(one, each) for each in started)}
    children: dict[int | None, list[psutil.Process]] = {}
    for one in every:
        children.setdefault(one.info["ppid"], []).append(one)
    family = list(found.values())
    for one in family:  # grows as we go
        for child in children.get(one.pid, ()):
            if child.pid not in found:
                found[child.pid] = child
                family.append(child)
    return [one for one in family if _lives(one)]


def kill(processes: Collection[psutil.Process]) -> None:
    """Kills them, the raylet first, so that it starts no other."""
    for one in sorted(processes, key=lambda one: _name(one) != _RAYLET):
        asked(one, psutil.Process.kill, None)


def created(pid: int) -> float | None:
    """When a process began, in Unix seconds; None if it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except _GONE:
        return None


def _belongs(one: psutil.Process, started: Started) -> bool:
    return asked(one, lambda one: _has_mark(one, started.mark) or _is_its_worker(one, started), unknown=False)


def _has_mark(one: psutil.Process, mark: str) -> bool:
    whole = Path(f"/proc/{one.pid}/environ")
    try:
        return f"{VARIABLE}={mark}".encode() in whole.read_bytes()
    except FileNotFoundError:
        return bool(one.environ().get(VARIABLE) == mark)  # no such folder on this system, or no such process


def _is_its_worker(one: psutil.Process, started: Started) -> bool:
    """Whether it calls itself a Ray worker, in the session of what was started and not older than that."""
    if started.pid is None or started.created is None or not hasattr(os, "getsid"):
        return False
    if os.getsid(one.pid) != started.pid or one.create_time() < started.created - SAME_SECONDS:
        return False
    leader = created(started.pid)
    is_same = leader is None or abs(leader - started.created) < SAME_SECONDS
    return is_same and str(next(iter(one.cmdline()), "")).startswith(_WORKER_TITLE)


def _name(one: psutil.Process) -> str:
    return asked(one, lambda one: str(one.name()).removesuffix(".exe"), "")


def _connections(one: psutil.Process) -> int:
    """How many TCP connections a process holds, as far as this system tells."""
    return asked(one, lambda one: sum(each.status == psutil.CONN_ESTABLISHED for each in one.net_connections("tcp")), 0)


def _lives(one: psutil.Process) -> bool:
    return asked(one, lambda one: bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE), unknown=False)
