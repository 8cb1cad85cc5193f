"""What is on its way to the owner, kept for a daemon that is killed meanwhile: without the URLs, which hold tokens."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bittrader.notify.message import Message
from bittrader.notify.posting import DESKTOP, Post

if TYPE_CHECKING:
    from bittrader.notify.wanted import Wanted

MOST = 20
"""So many posts wait at most."""
OLDEST_SECONDS = 86_400.0
"""After a day it is no news any more."""


@dataclass(frozen=True)
class Pending:
    """A post that is to go out, once more perhaps. Times are Unix seconds."""

    post: Post
    made: float
    tried: int = 0
    due: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: of each way, what tells it from others."""
        marks = [DESKTOP] if self.post.desktop else []
        marks += map(_mark, self.post.urls.values())
        kept = {"made": self.made, "tried": self.tried, "due": self.due}
        return {**kept, "message": asdict(self.post.message), "ways": marks}


def pending_of(said: dict[str, Any], wanted: Wanted) -> Pending:
    """What `as_json` kept, by those of its ways that the owner still wants; ValueError or the like if it is none."""
    message = Message(str(said["message"]["title"]), str(said["message"]["body"]))
    marks = set(map(str, said["ways"]))
    post = Post.of(message, desktop=wanted.desktop, urls=wanted.urls)
    named = {DESKTOP: DESKTOP, **{way: _mark(url) for way, url in post.urls.items()}}
    ways = frozenset(way for way, mark in named.items() if mark in marks)
    return Pending(post.only(ways), float(said["made"]), int(said["tried"]), float(said["due"]))


def _mark(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]
