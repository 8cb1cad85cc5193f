"""URLs that hold a token, shown and spoken of without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://\S+", re.IGNORECASE)
_BETWEEN = re.compile(r"[/:@?&=#,\s]+")
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
    for url in urls:
        words = _replaced(words, url, masked(url))
        for piece in sorted(_pieces(url), key=len, reverse=True):
            words = _replaced(words, piece, HIDDEN)
    return words


def _pieces(url: str) -> set[str]:
    rest = url.partition("://")[2] or url
    pieces = {rest, *_BETWEEN.split(rest)}
    pieces |= {unquote(piece) for piece in pieces}
    pieces |= {as_sent for piece in pieces for as_sent in (quote(piece, safe=""), quote(piece), quote_plus(piece))}
    return {piece for piece in pieces if len(piece) >= _SHORT}


def _replaced(words: str, what: str, by: str) -> str:
    return re.sub(re.escape(what), by, words, flags=re.IGNORECASE)
