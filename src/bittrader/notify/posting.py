"""What the process that sends is given on its input, and says on its output: JSON, without a secret in what it says."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from bittrader.notify.masks import masked
from bittrader.notify.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESKTOP = "the desktop"
SEND_SECONDS = 20.0


@dataclass(frozen=True)
class Post:
    """A message, and the ways it is to go."""

    message: Message
    desktop: bool
    urls: Mapping[str, str] = field(repr=False)
    """Each under what may be shown of it."""
    seconds: float = SEND_SECONDS
    """How long all may take. The process ends by itself then, whatever became of whoever started it."""

    @classmethod
    def of(cls, message: Message, *, desktop: bool, urls: Sequence[str], seconds: float = SEND_SECONDS) -> Post:
        """A message to the desktop and these URLs."""
        number = "" if len(urls) == 1 else " ({})"
        named = {masked(url) + number.format(place): url for place, url in enumerate(urls, 1)}
        return cls(message, desktop, named, seconds)

    def to_json(self) -> str:
        """All of it, secrets too, for the process that sends."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Post:
        """What `to_json` wrote."""
        facts = json.loads(text)
        return cls(Message(**facts["message"]), facts["desktop"], facts["urls"], facts["seconds"])

    @property
    def ways(self) -> tuple[str, ...]:
        """Each way, as it may be shown."""
        return (*([DESKTOP] if self.desktop else []), *self.urls)

    def only(self, ways: frozenset[str]) -> Post:
        """The same, by these ways alone."""
        urls = {way: url for way, url in self.urls.items() if way in ways}
        return replace(self, desktop=self.desktop and DESKTOP in ways, urls=urls)


@dataclass(frozen=True)
class Outcome:
    """What became of a message on one way."""

    way: str
    failure: str
    """Why it was not sent; empty when it was."""


def outcomes_in(post: Post, output: str) -> tuple[Outcome, ...]:
    """What a process said of each way, in order; of what it said nothing of, that."""
    said = _said(output)
    return tuple(Outcome(way, said.get(way, "the process that sends ended before it was done")) for way in post.ways)


def is_done(post: Post, output: str) -> bool:
    """Whether a process has said something of each way."""
    return set(post.ways) <= set(_said(output))


def _said(output: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for line in output.splitlines():
        try:
            facts = json.loads(line)
            said[str(facts["way"])] = str(facts["failure"])
        except (ValueError, TypeError, KeyError):  # cut off as it was killed, or a library's own words
            continue
    return said
