"""What a node's processes do, seen from outside: which threads want a processor, how much memory and how many files."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.host import Host
    from tests.lab.shell import Process

_LOOK_SECONDS = 0.01
# So many looks must agree: a thread of Python's own business is runnable for a moment now and then.
_LOOKS = 20
_PAGE = 4096


class Working(Protocol):
    """A node, as far as its work is looked at."""

    @property
    def name(self) -> str: ...

    @property
    def state(self) -> dict[str, Any]: ...

    @property
    def work(self) -> Process: ...

    def evaluators(self) -> list[Process]: ...

    def log(self) -> str: ...


def workers_of(node: Working) -> list[Process]:
    """The processes in which a node's evaluations run."""
    return node.evaluators() or [node.work]


def runnable(processes: list[Process]) -> int:
    """How many threads of these processes run, or would if a processor were free. Stopped ones do not."""
    return sum(_is_runnable(stat) for one in processes for stat in Path(f"/proc/{one.pid}/task").glob("*/stat"))


def moment_of_cores(node: Working, fits: range, timeout: float = 60) -> float:
    """When, in Unix seconds, as many cores as that were used, and stayed used for a fifth of a second."""
    began, seen, moments = time.time(), deque[int](maxlen=_LOOKS), deque[float](maxlen=_LOOKS)
    while time.time() < began + timeout:
        processes = workers_of(node)
        for _ in range(_LOOKS):
            moments.append(time.time())
            seen.append(runnable(processes))
            if len(seen) == _LOOKS and round(median(seen)) in fits:
                return moments[0]
            time.sleep(_LOOK_SECONDS)
    raise LabError(f"{node.name} uses {list(seen)} cores, not {fits}, after {timeout} s: {node.state}\n{node.log()}")


@dataclass(frozen=True)
class Usage:
    """What the processes of one host hold at a moment."""

    processes: int
    files: int
    """Open files, sockets among them."""
    sockets: int
    megabytes: dict[str, float]
    """Memory of those that were asked about, by name."""
    files_of: dict[str, int]
    """Open files of the same."""


def usage(host: Host, kinds: dict[str, str]) -> Usage:
    """What they hold; `kinds`: names, and the words by which a process of that kind is told."""
    processes = host.processes()
    links_of = {one.pid: _links(one) for one in processes}
    links = [link for found in links_of.values() for link in found]
    memory = {kind: sum(_megabytes(one) for one in processes if words in one.command) for kind, words in kinds.items()}
    files = {
        kind: sum(len(links_of[one.pid]) for one in processes if words in one.command) for kind, words in kinds.items()
    }
    return Usage(len(processes), len(links), sum(link.startswith("socket:") for link in links), memory, files)


def _is_runnable(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(") ")[2].startswith("R")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _links(process: Process) -> list[str]:
    found = []
    for link in _listed(Path(f"/proc/{process.pid}/fd")):
        try:
            found.append(str(link.readlink()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _megabytes(process: Process) -> float:
    try:
        return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * _PAGE / 1e6
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
