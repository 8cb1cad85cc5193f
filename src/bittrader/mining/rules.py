"""The contract of a rule: parameters as class attributes, and one method from a chart to flags.

class SmaCross(Entry):
    sma_fast = Int(5, 100)
    sma_slow = Int(20, 400)
    constraints = (sma_fast < sma_slow,)
    long = "SMA({sma_fast}) crosses above SMA({sma_slow})"
    short = "SMA({sma_fast}) crosses below SMA({sma_slow})"

    def flags(self, chart):
        fast, slow = chart.sma(self.sma_fast), chart.sma(self.sma_slow)
        return crossed_above(fast, slow), crossed_below(fast, slow)

A rule is read twice: a search calls its method, and what a search finds is written out as a file from the method's own
lines. So a method is assignments of one line, then one `return`. A parameter of the same name in two rules is one
object.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

from bittrader.strategies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bittrader.strategies.arrays import Flags
    from bittrader.strategies.base import Multiple
    from bittrader.strategies.chart import Chart
    from bittrader.strategies.parameters import Constraint, Value

_AND = " + "
NONE = "none"


class Rule:
    """Base of all rules. A rule has no instances: its method runs on any strategy that has its parameters."""

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter[Any], ...]]
    constraints: ClassVar[tuple[Constraint, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        cls.parameters = tuple(one for one in vars(cls).values() if isinstance(one, Parameter))


class Entry(Rule):
    """When to begin a position."""

    long: ClassVar[str]
    """When it goes long, in words, with its parameters in braces."""
    short: ClassVar[str]

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        """Where it goes long, and where it goes short."""
        raise NotImplementedError


class Filter(Rule):
    """When entries count."""

    kind: ClassVar[str]
    """What it looks at; two filters of one kind are never put together."""
    long: ClassVar[str]
    """While what it lets a long entry pass, in words."""
    short: ClassVar[str]

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        """Where it lets long entries pass, and where short ones."""
        raise NotImplementedError


class Exit(Rule):
    """When to end a position."""

    words: ClassVar[str]
    signal: ClassVar[str] = ""
    """The column of `Signals` that it gives; empty for the opposite entry's flags."""

    def order(self, chart: Chart) -> Multiple | int:
        """What that column is."""
        raise NotImplementedError


def table(*rules: type[Any]) -> dict[str, Any]:
    """The rules by name."""
    return {rule.name: rule for rule in rules}


def together(names: Iterable[str]) -> str:
    """Several rules as one value of a `Choice`: `trend + volume`."""
    return _AND.join(names) or NONE


def apart(value: str) -> tuple[str, ...]:
    """The rules that such a value names."""
    return () if value == NONE else tuple(value.split(_AND))


def sets_of(rules: Mapping[str, type[Rule]], least: int, most: int) -> list[str]:
    """Every way to take from `least` to `most` of the rules, no two of one kind."""
    return [
        together(chosen)
        for count in range(least, most + 1)
        for chosen in combinations(rules, count)
        if len({getattr(rules[name], "kind", name) for name in chosen}) == count
    ]


class _Said(dict[str, str]):
    """A parameter set as words have it; `100-rsi_low` is what that parameter lacks to 100."""

    def __missing__(self, name: str) -> str:
        return f"{100 - float(self[name.removeprefix('100-')]):g}" if name.startswith("100-") else f"{{{name}}}"


def said(words: str, params: Mapping[str, Value]) -> str:
    """A rule's words with its parameters' values in place of their names."""
    return words.format_map(_Said({name: _plain(value) for name, value in params.items()}))


def _plain(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
