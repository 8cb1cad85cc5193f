"""How busy the processor is with what is not ours."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The others of the system's times are waiting, or already counted in these.
_BUSY = ("user", "nice", "system", "irq", "softirq")


@dataclass(frozen=True)
class Usage:
    """Processor seconds used up to a moment: by everything, and by each process of ours."""

    at: float
    everything: float
    ours: Mapping[tuple[int, float], float]
    """By process id and time of birth, since ids are used again."""


def other_load(before: Usage, after: Usage) -> float | None:
    """The cores that others kept busy in between; None if a process of ours has gone, and its times with it."""
    passed = after.at - before.at
    if passed <= 0 or not before.ours.keys() <= after.ours.keys():
        return None
    ours = sum(used - before.ours.get(process, 0.0) for process, used in after.ours.items())
    return max(0.0, (after.everything - before.everything - ours) / passed)


def usage(roots: Iterable[int]) -> Usage:
    """What is used up to now; ours are the roots, this process, and all that descend from them."""
    times = psutil.cpu_times()
    everything = sum(getattr(times, name, 0.0) for name in _BUSY)
    return Usage(time.monotonic(), everything, dict(_used(family({os.getpid(), *roots}))))


def family(roots: set[int]) -> list[psutil.Process]:
    """The processes of these ids and all their descendants."""
    children: dict[int | None, list[psutil.Process]] = {}
    members = []
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process)
        if process.pid in roots:
            members.append(process)
    seen = {process.pid for process in members}
    for member in members:  # grows as we go
        for child in children.get(member.pid, []):
            if child.pid not in seen:
                seen.add(child.pid)
                members.append(child)
    return members


def _used(processes: Iterable[psutil.Process]) -> Iterable[tuple[tuple[int, float], float]]:
    for process in processes:
        try:
            times = process.cpu_times()
            yield (process.pid, process.create_time()), times.user + times.system
        except psutil.Error:  # it has ended, or is not for us to look at
            continue


class LoadMeter:
    """Other load from one call to the next; the last that could be told."""

    def __init__(self) -> None:
        self.ours: frozenset[int] = frozenset()
        self._before: Usage | None = None
        self._last = 0.0

    def measure(self) -> float:
        """The cores that others kept busy since the last call, 0 at the first."""
        now = usage(self.ours)
        if self._before is not None and (load := other_load(self._before, now)) is not None:
            self._last = load
        self._before = now
        return self._last
