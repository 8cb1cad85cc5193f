"""macOS: `ioreg` tells whether its owner is there, `pmset` whether the processor is slowed down."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bittrader.host.clocks import Clocks
from bittrader.host.common import RAY_ON_SEVERAL_MACHINES, PsutilHost
from bittrader.host.drives import on_macos
from bittrader.host.watch import said_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Darwin's <time.h>; Python names them only where it runs on macOS.
_CLOCK_MONOTONIC, _CLOCK_UPTIME_RAW = 6, 8


def parse_idle(text: str | None) -> float | None:
    """The idle time in what `ioreg` prints of IOHIDSystem, where it is in nanoseconds."""
    found = re.search(r'"HIDIdleTime"\s*=\s*(\d+)', text or "")
    return int(found[1]) / 1e9 if found else None


def parse_heat(text: str | None) -> bool | None:
    """Whether the processor is slowed down, in what `pmset -g therm` prints; None if that says nothing of it."""
    if not text:
        return None
    limits = re.findall(r"CPU_(?:Speed|Scheduler)_Limit\s*=\s*(\d+)", text)
    if limits:
        return any(int(limit) < 100 for limit in limits)
    return False if "No CPU power status" in text or "No thermal warning" in text else None


class MacOS(PsutilHost):
    """A computer that runs macOS."""

    name = "macOS"

    def __init__(self, say: Callable[..., str | None] = said_by, clock: Callable[[int], float] | None = None) -> None:
        super().__init__()
        self._say = say
        self._clock = clock or time.clock_gettime

    def idle_seconds(self) -> float | None:
        return parse_idle(self._say("/usr/sbin/ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOHIDSystem"))

    def clocks(self) -> Clocks:
        """Darwin's CLOCK_MONOTONIC runs on in sleep, other than Linux's; CLOCK_UPTIME_RAW stands still."""
        return Clocks(time.time(), self._clock(_CLOCK_UPTIME_RAW), self._clock(_CLOCK_MONOTONIC))

    def hot(self) -> bool | None:
        return parse_heat(self._say("/usr/bin/pmset", "-g", "therm"))

    def drives(self) -> Iterable[Path]:
        return on_macos(Path.home())

    def flags(self) -> Mapping[str, str]:
        return RAY_ON_SEVERAL_MACHINES
