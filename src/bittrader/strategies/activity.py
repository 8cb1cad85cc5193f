"""Which parameters of a set count: one may depend on what a `Choice` before it has chosen.

A parameter that does not count is inactive. Its row holds its default, so that sets which differ in nothing that counts
are one row.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Choice, Parameter, Rows, Value

    State = tuple[tuple[str, float], ...]

# A condition in words names so many values, and counts the others.
_NAMED = 3


@dataclass(frozen=True, eq=False)
class When:
    """A condition of a parameter: that the switch counts itself, and has one of these values."""

    switch: Choice
    values: tuple[Value, ...]
    numbers: frozenset[float]
    """The same values as rows have them."""

    def __str__(self) -> str:
        words = [str(value) for value in self.values]
        if len(words) > _NAMED + 1:
            words[_NAMED:] = [f"{len(words) - _NAMED} others"]
        *first, last = words
        before = f"{', '.join(first)} or " if first else ""
        return f"{self.switch.name} is {before}{last}"


def require_order(parameters: Sequence[Parameter[Any]]) -> None:
    """StrategyError when a parameter depends on one that is not declared before it."""
    known: set[str] = set()
    for one in parameters:
        for need in one.needs:
            if need.switch.name not in known:
                raise StrategyError(
                    f"{one.name} depends on {need.switch.name or 'a parameter'}: declare that one first."
                )
        known.add(one.name)


def active(parameters: Sequence[Parameter[Any]], rows: Rows) -> NDArray[np.bool_]:
    """For each row and each parameter, whether it counts."""
    place = {one.name: index for index, one in enumerate(parameters)}
    flags = np.ones(rows.shape, dtype=np.bool_)
    for index, one in enumerate(parameters):
        for need in one.needs:
            column = place[need.switch.name]
            flags[:, index] &= flags[:, column] & np.isin(rows[:, column], [*need.numbers])
    return flags


def active_numbers(parameters: Sequence[Parameter[Any]], row: Iterable[float]) -> dict[str, float]:
    """The numbers of one row that count, by name."""
    found: dict[str, float] = {}
    for one, number in zip(parameters, row, strict=True):
        for need in one.needs:
            if found.get(need.switch.name) not in need.numbers:
                break
        else:
            found[one.name] = number
    return found


def enabling(one: Parameter[Any]) -> dict[str, Value]:
    """Values of other parameters with which this one counts."""
    found: dict[str, Value] = {}
    for need in one.needs:
        found |= {**enabling(need.switch), need.switch.name: need.values[0]}
    return found


def combinations(parameters: Sequence[Parameter[Any]], counts: Sequence[float], switches: dict[str, Rows]) -> float:
    """How many sets there are when each parameter takes so many values, and each switch these numbers.

    The numbers chosen so far are remembered only as long as a later parameter depends on them.
    """
    last = {need.switch.name: index for index, one in enumerate(parameters) for need in one.needs}
    states: dict[State, float] = {(): 1.0}
    for index, one in enumerate(parameters):
        after: defaultdict[State, float] = defaultdict(float)
        for state, sets in states.items():
            chosen = dict(state)
            kept = tuple(item for item in state if last[item[0]] > index)
            if not all(chosen.get(need.switch.name) in need.numbers for need in one.needs):
                after[kept] += sets
            elif one.name in last:
                for number in switches[one.name].tolist():
                    after[*kept, (one.name, number)] += sets
            else:
                after[kept] += sets * counts[index]
        states = after
    return sum(states.values())
