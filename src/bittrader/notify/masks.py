"""URLs that hold a token, shown and spoken of without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://\S+", re.IGNORECASE)
_SHORT = 4
"""What has fewer characters gives no secret away, and is in many words."""
HIDDEN = "…"


def is_url(text: str) -> bool:
    """Whether this may be a URL to tell people by."""
    return bool(_URL.fullmatch(text))


def masked(url: str) -> str:
    """The kind of a URL, and nothing else of it: `tgram://…`."""
    found = _URL.fullmatch(url)
    return f"{found[1].lower()}://{HIDDEN}" if found else HIDDEN


def without(words: str, urls: Iterable[str]) -> str:
    """Somebody else's words with whatever they quote of these URLs taken out, but for the kind of each."""
    pieces = {piece for url in urls for piece in _pieces(url)}
    for piece in sorted(pieces, key=len, reverse=True):
        words = re.sub(re.escape(piece), HIDDEN, words, flags=re.IGNORECASE)
    return words


def _pieces(url: str) -> Iterable[str]:
    rest = url.partition("://")[2] or url
    for text in {rest, unquote(rest)}:
        yield from (piece for piece in (text, *re.split(r"[/:@?&=#,\s]+", text)) if len(piece) >= _SHORT)
