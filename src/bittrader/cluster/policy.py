"""How many cores of a computer we may use at a moment, and why: its owner comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bittrader.errors import InputError


class Cause(StrEnum):
    """Which rule decides; a change of it, or of the cores, is worth a line in the log."""

    AWAY = "away"
    ACTIVE = "active"
    BATTERY = "battery"
    MAINS = "mains"
    HEAT = "heat"
    LOAD = "load"
    HOURS = "hours"
    PAUSED = "paused"
    OVERRIDE = "override"
    WAITING = "waiting"


@dataclass(frozen=True)
class Allowance:
    """The cores we may use now, and why, in words for the owner."""

    cores: int
    reason: str
    cause: Cause


@dataclass(frozen=True)
class Moment:
    """A moment, on the clocks that rules are written in."""

    monotonic: float
    """Seconds that only the awake computer counts: what waiting is measured in."""
    unix: float
    """What the owner's pauses end by."""
    hour: float
    """Of the day, in the owner's own time, 0 to 24."""


@dataclass(frozen=True)
class NodePolicy:
    """What the owner lets us use; the defaults are right for a laptop."""

    active_cores: int = 2
    """While the owner is at the computer."""
    away_cores: int | None = None
    """While the owner is away; None is all of them."""
    active_below_seconds: float = 60.0
    """The owner is back as soon as something was touched less than this ago."""
    away_after_seconds: float = 180.0
    """The owner is away once nothing was touched for this long."""
    battery_floor: float = 0.40
    """On battery below this charge, nothing runs."""
    battery_share: float = 0.5
    """On battery above it, no more than this share of the cores."""
    battery_reserve: float = 0.10
    """On battery below this charge, nothing runs even if the owner asked for cores."""
    mains_seconds: float = 300.0
    """How long the charger must be in before we believe it."""
    hot_share: float = 0.5
    """While the processor is too hot, no more than this share of the cores."""
    yield_to_others: bool = True
    """Whether cores that other programs keep busy are left to them; one stays ours."""
    hours: tuple[str, ...] = ()
    """Spans of the day in which we may run at all, as in `("20:00-08:00",)`; none is always."""
    grow_after_seconds: float = 60.0
    """How long after the last change of cores there may be more of them."""


@dataclass(frozen=True)
class PolicyMemory:
    """What must be remembered between two decisions."""
