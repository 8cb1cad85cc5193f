"""Whether this computer slept, or our processes were frozen, told from clocks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Two clocks are never read at the very same moment, and systems take a moment to fall asleep.
_TOLERANCE_SECONDS = 1.0
# A busy computer may keep a loop waiting for some ticks; after more than that, others have waited for us.
_STALLED_TICKS, _STALLED_SECONDS = 5.0, 3.0


@dataclass(frozen=True)
class Clocks:
    """Three clocks in seconds, read together."""

    wall: float
    """Unix time. It is set by people and by the network, so nothing is concluded from it."""
    monotonic: float
    """Runs only while the computer is awake."""
    boottime: float
    """Runs on while the computer sleeps."""


@dataclass(frozen=True)
class Absence:
    """A time in which we did nothing, whatever we meant to do."""

    seconds: float
    kind: Literal["slept", "frozen"]


def slept_seconds(before: Clocks, after: Clocks) -> float:
    """How long the computer slept between two readings, 0 if it did not."""
    asleep = (after.boottime - before.boottime) - (after.monotonic - before.monotonic)
    return asleep if asleep > _TOLERANCE_SECONDS else 0.0


def frozen_seconds(before: Clocks, after: Clocks, tick: float) -> float:
    """How long a loop that should have come round after `tick` seconds was kept from running, 0 if it was not."""
    late = after.monotonic - before.monotonic - tick
    return late if late > max(_STALLED_SECONDS, _STALLED_TICKS * tick) else 0.0


def absence(before: Clocks, after: Clocks, tick: float) -> Absence | None:
    """The sleep or standstill between two turns of a loop that should be `tick` seconds apart, if there was one."""
    if slept := slept_seconds(before, after):
        return Absence(slept, "slept")
    if frozen := frozen_seconds(before, after, tick):
        return Absence(frozen, "frozen")
    return None
