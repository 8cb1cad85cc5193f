"""How many cores of a computer we may use at a moment, and why: its owner comes first."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bittrader.cluster import words
from bittrader.cluster.hours import covers, minutes_of
from bittrader.errors import InputError

if TYPE_CHECKING:
    from bittrader.cluster.wishes import Wishes
    from bittrader.host.base import Readings

# Past the floor by so much the battery must be before work begins again, else one percent would switch it on and off.
_CHARGE_MARGIN = 0.05


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

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        for key in ("active_cores", "away_cores", "active_below_seconds", "mains_seconds", "grow_after_seconds"):
            if (value := getattr(self, key)) is not None and value < 0:
                raise InputError(f"{key} is 0 or more, not {value:g}")
        for key in ("battery_floor", "battery_share", "battery_reserve", "hot_share"):
            if not 0 <= (value := getattr(self, key)) <= 1:
                raise InputError(f"{key} is a share from 0 to 1, not {value:g}")
        if self.away_after_seconds < self.active_below_seconds:
            raise InputError("away_after_seconds is no less than active_below_seconds")
        for span in self.hours:
            minutes_of(span)

    def runs_at(self, hour: float) -> bool:
        """Whether this hour of the day is among the hours."""
        return not self.hours or any(covers(minutes_of(span), hour * 60) for span in self.hours)


@dataclass(frozen=True)
class PolicyMemory:
    """What must be remembered from one decision to the next; a new one knows nothing."""

    cores: int | None = None
    """What was allowed last."""
    changed: float | None = None
    """When that last became another number, in seconds of the awake computer, like all times here."""
    is_away: bool = False
    on_battery_at: float | None = None
    """When it was last seen on battery; None once the charger is believed."""
    is_low: bool = False
    """Whether the battery has been below the floor, and not well above it since."""
    asked: tuple[float | None, int | None, NodePolicy | None] = (None, None, None)
    """The owner's last pause and override, and their policy."""


def allow(
    policy: NodePolicy, memory: PolicyMemory, readings: Readings, wishes: Wishes, cores_total: int, now: Moment
) -> tuple[PolicyMemory, Allowance]:
    """What we may use now, and what to remember for the next decision.

    `cores_total` are the cores of the computer. Fewer cores hold at once; more of them only some time after the last
    change, unless the owner asked for a change just now.
    """
    seen = _observed(policy, memory, readings, now)
    wanted = _wanted(policy, seen, readings, wishes, cores_total, now)
    asked = (wishes.paused_until, wishes.cores, policy)
    granted = wanted if asked != memory.asked else _held_back(policy, memory, wanted, cores_total, now)
    changed = memory.changed if granted.cores == memory.cores else now.monotonic
    return replace(seen, cores=granted.cores, changed=changed, asked=asked), granted


def _observed(policy: NodePolicy, memory: PolicyMemory, readings: Readings, now: Moment) -> PolicyMemory:
    """The memory with what the readings tell about the owner and the battery."""
    on_battery_at = memory.on_battery_at
    if readings.on_battery:
        on_battery_at = now.monotonic
    elif on_battery_at is not None and now.monotonic - on_battery_at >= policy.mains_seconds:
        on_battery_at = None
    return replace(
        memory,
        is_away=_is_away(policy, memory, readings),
        on_battery_at=on_battery_at,
        is_low=on_battery_at is not None and _is_low(policy, memory, readings.charge),
    )


def _is_away(policy: NodePolicy, memory: PolicyMemory, readings: Readings) -> bool:
    """Whether the owner is away; between the two thresholds, what held before."""
    if readings.idle_seconds is None:
        return readings.has_screen is False and readings.laptop is not True
    if readings.idle_seconds >= policy.away_after_seconds:
        return True
    return memory.is_away and readings.idle_seconds >= policy.active_below_seconds


def _is_low(policy: NodePolicy, memory: PolicyMemory, charge: float | None) -> bool:
    """Whether the battery is to be saved; one that tells no charge is."""
    margin = _CHARGE_MARGIN if memory.is_low else 0.0
    return charge is None or _below(charge, min(policy.battery_floor + margin, 1.0))


def _wanted(
    policy: NodePolicy, seen: PolicyMemory, readings: Readings, wishes: Wishes, total: int, now: Moment
) -> Allowance:
    """What the rules give at this moment, whatever was given before: the strictest decides."""
    if wishes.is_paused(now.unix):
        return Allowance(0, f"paused by you {words.until(wishes.paused_until, now.unix, now.hour)}", Cause.PAUSED)
    safety = [_reserve(policy, readings), _heat(policy, readings, total)]
    if wishes.cores is not None:
        cores = min(wishes.cores, total)
        rules = [*safety, Allowance(cores, f"you asked for {wishes.cores}: {words.of(cores, total)}", Cause.OVERRIDE)]
    else:
        rules = [
            _hours(policy, now),
            _battery(policy, seen, readings, total),
            *safety,
            _owner(policy, seen, readings, total),
            _load(policy, readings, total),
        ]
    return min((rule for rule in rules if rule is not None), key=lambda rule: rule.cores)


def _held_back(policy: NodePolicy, memory: PolicyMemory, wanted: Allowance, total: int, now: Moment) -> Allowance:
    """What is wanted, or as much as before if that changed only just now."""
    if memory.cores is None or memory.changed is None or wanted.cores <= memory.cores:
        return wanted
    if now.monotonic - memory.changed >= policy.grow_after_seconds:
        return wanted
    cores = min(memory.cores, total)
    since = words.span(policy.grow_after_seconds)
    reason = f"{words.of(cores, total)}: changed less than {since} ago, {wanted.cores} soon"
    return Allowance(cores, reason, Cause.WAITING)


def _owner(policy: NodePolicy, seen: PolicyMemory, readings: Readings, total: int) -> Allowance:
    known = readings.idle_seconds is not None
    if seen.is_away:
        cores = total if policy.away_cores is None else min(policy.away_cores, total)
        return Allowance(cores, f"{'you are away' if known else 'no screen'}: {words.of(cores, total)}", Cause.AWAY)
    cores = min(policy.active_cores, total)
    why = "you are active" if known else "you may be active (this computer does not tell)"
    return Allowance(cores, f"{why}: {words.of(cores, total)}", Cause.ACTIVE)


def _battery(policy: NodePolicy, seen: PolicyMemory, readings: Readings, total: int) -> Allowance | None:
    if seen.on_battery_at is None:
        return None
    charge = "an unknown charge" if readings.charge is None else words.percent(readings.charge)
    if readings.on_battery:
        where, cause = f"on battery at {charge}", Cause.BATTERY
    else:
        where, cause = f"on the charger for less than {words.span(policy.mains_seconds)}, at {charge}", Cause.MAINS
    if seen.is_low:
        limit = policy.battery_floor
        if readings.charge is not None and not _below(readings.charge, limit):
            enough = words.percent(min(limit + _CHARGE_MARGIN, 1.0))
            return Allowance(0, f"{where}: paused until it reaches {enough}", cause)
        return Allowance(0, f"{where}: paused below {words.percent(limit)}", cause)
    cores = _share(policy.battery_share, total)
    return Allowance(cores, f"{where}: {words.of(cores, total)}", cause)


def _reserve(policy: NodePolicy, readings: Readings) -> Allowance | None:
    """What no wish may take: a battery that is nearly empty."""
    if not readings.on_battery or readings.charge is None or not _below(readings.charge, policy.battery_reserve):
        return None
    why = f"on battery at {words.percent(readings.charge)}: always paused below {words.percent(policy.battery_reserve)}"
    return Allowance(0, why, Cause.BATTERY)


def _heat(policy: NodePolicy, readings: Readings, total: int) -> Allowance | None:
    if not readings.hot:
        return None
    cores = _share(policy.hot_share, total)
    return Allowance(cores, f"the processor is hot: {words.of(cores, total)}", Cause.HEAT)


def _load(policy: NodePolicy, readings: Readings, total: int) -> Allowance | None:
    busy = min(math.floor(readings.other_load + 0.5), total)
    if not policy.yield_to_others or busy < 1:
        return None
    cores = min(max(total - busy, 1), total)
    why = f"other programs keep {busy} {'core' if busy == 1 else 'cores'} busy: {words.of(cores, total)}"
    return Allowance(cores, why, Cause.LOAD)


def _hours(policy: NodePolicy, now: Moment) -> Allowance | None:
    if policy.runs_at(now.hour):
        return None
    return Allowance(0, f"paused outside the hours {', '.join(policy.hours)}", Cause.HOURS)


def _below(charge: float, limit: float) -> bool:
    """Whether a charge is below a limit, by more than rounding."""
    return charge < limit - 1e-9


def _share(share: float, total: int) -> int:
    """A share of the cores, at least one unless it is none at all."""
    return max(math.floor(share * total), min(1, total)) if share else 0
