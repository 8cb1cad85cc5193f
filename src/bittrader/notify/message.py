"""What is told: single pieces of news, and the message that one or several of them become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Event = Literal["joined", "lost", "back", "paused", "finished"]
EVENTS: tuple[Event, ...] = get_args(Event)
"""`paused` is told with its end."""

_LINE_LENGTH = 500
_LATE_SECONDS = 90.0
"""News that is older says when it was."""


@dataclass(frozen=True)
class News:
    """Something that happened, in one sentence; Unix time."""

    event: Event
    at: float
    words: str


@dataclass(frozen=True)
class Message:
    """What is sent, all in one."""

    title: str
    body: str


def message(name: str, news: Sequence[News], untold: int, now: float) -> Message:
    """The news of a computer, and of `untold` more that they came too many, as one message."""
    lines = [_short(_line(one, now)) for one in news]
    more = [f"And {untold:,} more since: see the log."] if untold else []
    return Message(f"Bittrader: {name}", "\n".join([*lines, *more]))


def late(one: Message, at: float) -> Message:
    """A message that could not be sent when it was new."""
    return replace(one, body=f"(of {_clock(at)})\n{one.body}")


def _short(line: str) -> str:
    """A line that every service takes, with nineteen more like it."""
    return line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…"


def _line(one: News, now: float) -> str:
    return f"{_clock(one.at)}: {one.words}" if now - one.at > _LATE_SECONDS else one.words


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M} UTC"
