"""Which changes of a node are news: a pure function from one moment to the next.

A laptop that sleeps, a short cut, a restart are none. A connection that comes and goes is told of once, until it has
been one or the other for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bittrader.notify.message import News

if TYPE_CHECKING:
    from bittrader.notify.message import Event

Told = Literal["away", "here", "lost", "unsteady"]

HERE_SECONDS = 5.0
"""How long a node must be at work to count as there."""
LOST_SECONDS = 60.0
"""How long it must not be to count as lost: whatever is mended sooner nobody need know."""
FALLS = 4
"""So many losses within an hour, however short, are a connection that comes and goes."""
FALLS_SECONDS = 3600.0
STEADY_SECONDS = 1800.0
"""How long a connection must be one or the other to be steady again."""


@dataclass(frozen=True)
class View:
    """A node at a moment, as far as its owner may care."""

    monotonic: float
    """Seconds that only the awake computer counts: a night with the lid closed is no loss."""
    unix: float
    head: bool
    name: str
    where: str
    """Where the head's Ray is met."""
    at_work: bool
    why: str
    """Why it is not."""
    ending: bool
    """Whether the owner or the system ends it: that is no loss."""
    cores: int
    """That the policy allows now."""
    reason: str
    by_owner: bool
    """Whether the owner asked for just that, and need not be told."""


@dataclass(frozen=True)
class Watched:
    """What is remembered of a node. What no restart may forget comes first."""

    told: Told = "away"
    """What the owner knows."""
    lost_at: float | None = None
    """Unix seconds, while it is lost."""
    falls: tuple[float, ...] = ()
    """When it ceased to be at work, within the last hour."""
    at_work: bool | None = None
    since: float = 0.0
    """Of `at_work`, in monotonic seconds."""
    paused: bool | None = None


def watch(before: Watched, view: View) -> tuple[Watched, tuple[News, ...]]:
    """What to remember, and what is news."""
    paused, of_pause = _pause(before, view)
    after = replace(before, paused=paused)
    if view.ending:
        return replace(after, told="away", lost_at=None, at_work=None), ()
    after, of_work = _tell(_noticed(after, view), view)
    return after, (*of_work, *of_pause)


def _noticed(before: Watched, view: View) -> Watched:
    """With what changed about its being at work."""
    falls = tuple(min(at, view.unix) for at in before.falls if view.unix - at < FALLS_SECONDS)
    if view.at_work == before.at_work:
        return replace(before, falls=falls)
    fell = before.at_work is True and before.told != "away"
    lost_at = view.unix if fell and before.lost_at is None else before.lost_at
    falls = (*falls, view.unix) if fell else falls
    return replace(before, at_work=view.at_work, since=view.monotonic, falls=falls, lost_at=lost_at)


def _tell(now: Watched, view: View) -> tuple[Watched, tuple[News, ...]]:
    """What the owner knows after this moment, and what they are told for it."""
    lasted = view.monotonic - now.since
    there, gone = view.at_work and lasted >= HERE_SECONDS, not view.at_work and lasted >= LOST_SECONDS
    if now.told == "unsteady":
        return _settle(now, view) if lasted >= STEADY_SECONDS else (now, ())
    if now.told != "away" and not view.at_work and len(now.falls) >= FALLS:
        return _known(now, view, "unsteady", "lost", _comes_and_goes(view, len(now.falls)))
    if now.told == "away" and there:
        return _known(now, view, "here", "joined", _joined(view))
    if now.told == "here" and gone:
        return _known(now, view, "lost", "lost", _lost(view))
    if now.told == "lost" and there:
        away = f" after {_span(view.unix - now.lost_at)}" if now.lost_at is not None else ""
        return _known(now, view, "here", "back", f"{view.name} is back at work{away}.")
    return (replace(now, lost_at=None), ()) if there else (now, ())


def _settle(now: Watched, view: View) -> tuple[Watched, tuple[News, ...]]:
    now, long = replace(now, falls=()), _span(STEADY_SECONDS)
    if view.at_work:
        return _known(now, view, "here", "back", f"{view.name} has been at work without a break for {long}.")
    return _known(now, view, "lost", "lost", f"{_lost(view)} That was {long} ago.")


def _known(now: Watched, view: View, told: Told, event: Event, words: str) -> tuple[Watched, tuple[News, ...]]:
    lost_at = None if told == "here" else now.lost_at if now.lost_at is not None else view.unix
    return replace(now, told=told, lost_at=lost_at), (News(event, view.unix, words),)


def _pause(before: Watched, view: View) -> tuple[bool | None, tuple[News, ...]]:
    """Whether the policy gives no core now, and the news of it; what the owner asked for is none."""
    if view.by_owner or view.ending:
        return before.paused, ()
    paused = view.cores == 0
    if before.paused is None or paused == before.paused:
        return paused, ()
    verb = "pauses" if paused else "goes on"
    return paused, (News("paused", view.unix, f"{view.name} {verb}: {view.reason}."),)


def _joined(view: View) -> str:
    if view.head:
        return f"{view.name} is at work as head, met at {view.where}."
    return f"{view.name} has joined the cluster of the head at {view.where}."


def _lost(view: View) -> str:
    what = "is not at work as head any more" if view.head else "has lost the head"
    return f"{view.name} {what}: {view.why or 'nobody knows why'}."


def _comes_and_goes(view: View, times: int) -> str:
    what = "Ray of the head" if view.head else "connection to the head"
    steady = f"You hear of it again once that has not changed for {_span(STEADY_SECONDS)}."
    return f"{view.name}: the {what} comes and goes, {times} times within the hour. {steady}"


def _span(seconds: float) -> str:
    """A length of time as people say it."""
    minutes = max(round(seconds / 60), 0)
    if minutes < 60:
        return f"{minutes} min" if minutes else "less than a minute"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
