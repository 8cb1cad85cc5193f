"""How often an owner is told anything: a pure function.

There are so many messages an hour at most, and nothing is lost: what comes too soon waits, and is told together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.notify.message import News

HOUR_SECONDS = 3600.0
MOST_WAITING = 20
"""So much news waits to be told together; of what comes on top only the number is."""


@dataclass(frozen=True)
class Pace:
    """What was told within the last hour, in Unix time, and what waits."""

    told: tuple[float, ...] = ()
    waiting: tuple[News, ...] = ()
    untold: int = 0
    """How much more there was than could wait."""


def pace(before: Pace, news: Sequence[News], most_an_hour: int, now: float) -> tuple[Pace, Pace | None]:
    """What to remember, and what to tell now: the waiting news of a pace, or None for nothing.

    A clock that is set back finds messages of the future: they count as sent now, so that silence is an hour at most.
    """
    told = tuple(min(at, now) for at in before.told if now - at < HOUR_SECONDS)
    queue = (*before.waiting, *news)
    after = Pace(told, queue[:MOST_WAITING], before.untold + len(queue[MOST_WAITING:]))
    if not after.waiting or len(told) >= most_an_hour:
        return after, None
    return Pace((*told, now)), replace(after, told=())
