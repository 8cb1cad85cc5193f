"""What the process that sends is given on its input, and says on its output: JSON, without a secret in what it says."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from bittrader.notify.masks import masked
from bittrader.notify.message import Message

DESKTOP = "the desktop"
SEND_SECONDS = 20.0
"""How long one way may take. The process ends by itself then, whatever became of whoever started it."""


@dataclass(frozen=True)
class Post:
    """A message, and the ways it is to go."""

    message: Message
    desktop: bool
    urls: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Post:
        facts = json.loads(text)
        return cls(Message(**facts["message"]), facts["desktop"], tuple(facts["urls"]))

    @property
    def ways(self) -> tuple[str, ...]:
        """Each way, as it may be shown."""
        return (*([DESKTOP] if self.desktop else []), *map(shown_way, range(len(self.urls)), self.urls))

    def only(self, ways: frozenset[str]) -> Post:
        """The same, by these ways alone."""
        urls = tuple(url for place, url in enumerate(self.urls) if shown_way(place, url) in ways)
        return Post(self.message, self.desktop and DESKTOP in ways, urls)


@dataclass(frozen=True)
class Outcome:
    """What became of a message on one way."""

    way: str
    failure: str
    """Why it was not sent; empty when it was."""


def shown_way(place: int, url: str) -> str:
    """A URL as it may be shown, told from the others of its kind."""
    return f"{masked(url)} ({place + 1})"


def outcomes_in(post: Post, output: str) -> tuple[Outcome, ...]:
    """What a process said of each way, in order; of what it said nothing of, that."""
    said: dict[str, str] = {}
    for line in output.splitlines():
        try:
            facts = json.loads(line)
            said[str(facts["way"])] = str(facts["failure"])
        except (ValueError, TypeError, KeyError):  # cut off as it was killed, or a library's own words
            continue
    return tuple(Outcome(way, said.get(way, "the process that sends ended before it was done")) for way in post.ways)
