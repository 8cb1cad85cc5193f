"""A strategy put together from rules: which ones, and their numbers, are all parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.rules import apart, sets_of
from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.parameters import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bittrader.mining.rules import Rule
    from bittrader.strategies.arrays import Flags
    from bittrader.strategies.chart import Chart
    from bittrader.strategies.parameters import Parameter

_SIDES = ("both", "long", "short")
_MOST_FILTERS, _MOST_EXITS = 2, 3
_TABLES: tuple[Mapping[str, type[Rule]], ...] = (ENTRIES, FILTERS, EXITS)


def _conditional(rules: Mapping[str, type[Rule]], switch: Choice) -> Iterator[tuple[str, Parameter[Any]]]:
    """The rules' parameters, each for those values of the switch that name a rule which has it."""
    declared = {one.name: one for rule in rules.values() for one in rule.parameters}
    for name, one in declared.items():
        owners = {rule.name for rule in rules.values() if one in rule.parameters}
        yield name, one.when(switch, *(value for value in switch.values if owners & {*apart(str(value))}))


def _choices() -> dict[str, Parameter[Any]]:
    """All parameters, each choice of rules before what depends on it."""
    side, entry = Choice(*_SIDES), Choice(*ENTRIES)
    filters, exits = Choice(*sets_of(FILTERS, 0, _MOST_FILTERS)), Choice(*sets_of(EXITS, 1, _MOST_EXITS))
    return {
        "side": side,
        "entry": entry,
        **dict(_conditional(ENTRIES, entry)),
        "filters": filters,
        **dict(_conditional(FILTERS, filters)),
        "exits": exits,
        **dict(_conditional(EXITS, exits)),
    }


class _Rules(Strategy):
    """What the rules that the parameters name say together."""

    side: str
    entry: str
    filters: str
    exits: str

    def signals(self, chart: Chart) -> Signals:
        rules: Any = self  # it has the parameters of every rule that it names
        chosen = {name: EXITS[name] for name in apart(self.exits)}
        up, down = ENTRIES[self.entry].flags(rules, chart)
        passes = [FILTERS[name].flags(rules, chart) for name in apart(self.filters)]
        orders: dict[str, Any] = {rule.signal: rule.order(rules, chart) for rule in chosen.values() if rule.signal}
        leaving = "opposite" in chosen
        return Signals(
            enter_long=_filtered(up, [long for long, _ in passes]) if self.side != "short" else None,
            exit_long=down if leaving and self.side != "short" else None,
            enter_short=_filtered(down, [short for _, short in passes]) if self.side != "long" else None,
            exit_short=up if leaving and self.side != "long" else None,
            **orders,
        )


def _filtered(flags: Flags, passes: Sequence[Flags]) -> Flags:
    for allowed in passes:
        flags = flags & allowed  # not in place: what a rule gave may be kept elsewhere
    return flags


Mined: type[Strategy] = type(
    "Mined",
    (_Rules,),
    {
        "__module__": __name__,
        "__doc__": "An entry, at most two filters and up to three exits, long, short or both: all found by a search.",
        **_choices(),
        "constraints": tuple(one for rules in _TABLES for rule in rules.values() for one in rule.constraints),
    },
)
