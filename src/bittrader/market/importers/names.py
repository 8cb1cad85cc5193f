"""Symbol and timeframe as file names and exchanges spell them."""

from __future__ import annotations

import re
from itertools import pairwise

from bittrader.market.timeframe import Timeframe

_QUOTES = (
    "USDT",
    "USDC",
    "BUSD",
    "FDUSD",
    "TUSD",
    "DAI",
    "USD",
    "EUR",
    "GBP",
    "JPY",
    "TRY",
    "BTC",
    "XBT",
    "ETH",
    "BNB",
)
_BASES = frozenset((
    "BTC", "XBT", "ETH", "BNB", "XRP", "SOL", "ADA", "DOGE", "XDG", "TRX", "DOT", "LTC", "LINK", "AVAX", "MATIC",
    "POL", "SHIB", "UNI", "ATOM", "XLM", "XMR", "BCH", "ETC", "NEAR", "APT", "ARB", "OP", "FIL", "ICP", "HBAR", "VET",
    "ALGO", "AAVE", "SUI", "TON", "PEPE", "INJ", "EOS", "XTZ", "DASH", "ZEC", "NEO", "EUR", "GBP", "USDC",
))  # fmt: skip
_UNITS = "m|min|mins|minute|minutes|h|hr|hour|hours|d|day|w|week"
_FRAME = re.compile(
    rf"(?<![a-z0-9])(?P<n>1|2|3|4|5|6|8|10|12|15|20|30|45)[ _-]?(?P<u>{_UNITS})(?![a-z0-9])",
    re.IGNORECASE,
)


def symbol_of(text: str) -> str:
    """A symbol as `BASE/QUOTE` when its spelling shows both, else as it is."""
    if "/" in text:
        return text.upper()
    parts = tuple(re.split(r"[_-]", text.upper()))
    pair = parts if len(parts) == 2 and parts[1] in _QUOTES else _joined(text.upper())
    return "/".join(pair) if pair else text


def symbol_in(name: str) -> str | None:
    """The symbol that a file's name gives; None unless exactly one can be meant, of a base that we know."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name.upper()) if word]
    pairs = {pair for word in words if (pair := _joined(word)) is not None}
    pairs |= {(a, b) for a, b in pairwise(words) if a in _BASES and b in _QUOTES and a != b}
    return "/".join(pairs.pop()) if len(pairs) == 1 else None


def timeframe_in(name: str) -> Timeframe | None:
    """The timeframe that a file's name gives; None unless there is exactly one."""
    found = {Timeframe.parse(match["n"] + match["u"][0].lower()) for match in _FRAME.finditer(name)}
    return found.pop() if len(found) == 1 else None


def _joined(word: str) -> tuple[str, str] | None:
    for quote in _QUOTES:
        base = word.removesuffix(quote)
        if base != word and base in _BASES:
            return base, quote
    return None
