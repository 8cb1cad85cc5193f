"""Found rules as one would say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.errors import StrategyError
from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.rules import apart, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.strategies.parameters import Value


def in_words(params: Mapping[str, Value]) -> str:
    """What a parameter set of the mined strategy does: when it enters, while what, and when it leaves.

    StrategyError for a set that was found by a bittrader with other rules.
    """
    try:
        return _in_words(params)
    except KeyError as missing:
        raise StrategyError(
            f"these rules were found by another bittrader: there is no {missing} in this one."
        ) from None


def _in_words(params: Mapping[str, Value]) -> str:
    sides = ("long", "short") if params["side"] == "both" else (str(params["side"]),)
    enter = [f"enter {side} when {said(getattr(ENTRIES[str(params['entry'])], side), params)}" for side in sides]
    passes = [_passing(side, params) for side in sides]
    if len(set(passes)) == 1:
        entering = f"{', and '.join(enter)}{passes[0]}"
    else:
        entering = "; ".join(begin + passing for begin, passing in zip(enter, passes, strict=True))
    leave = _listed([said(EXITS[name].words, params) for name in apart(str(params["exits"]))], "or")
    return f"{entering[0].upper()}{entering[1:]}; leave {leave}."


def _passing(side: str, params: Mapping[str, Value]) -> str:
    """While what an entry counts; empty when always."""
    words = [said(getattr(FILTERS[name], side), params) for name in apart(str(params["filters"]))]
    return f", while {_listed(words, 'and')}" if words else ""


def _listed(words: list[str], link: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {link} {last}" if first else last
