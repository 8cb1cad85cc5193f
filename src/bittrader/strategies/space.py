"""The space that parameters and their constraints span: every parameter set that a search may try.

A parameter set travels in two forms: by name (`{"fast": 20}`) at the edges, and as a row of float64 inside (one column
a parameter in order of declaration; a `Choice` is the index of its value).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bittrader.errors import InputError, StrategyError, did_you_mean
from bittrader.strategies.activity import active, active_numbers, combinations, require_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Constraint, Parameter, Rows, Value


@dataclass(frozen=True, eq=False)
class Space:
    """All parameter sets a search may try: the parameters' product, less what a constraint forbids.

    Rows are canonical: where a parameter does not count, they hold its default, and no constraint asks for it.
    """

    parameters: tuple[Parameter[Any], ...]
    constraints: tuple[Constraint, ...] = ()

    # One candidate in a thousand must be allowed, or a space counts as empty.
    _rejections: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        require_order(self.parameters)
        names = set(self.names)
        for constraint in self.constraints:
            for side in constraint.parameters:
                if side.name not in names:
                    raise StrategyError(f"the constraint {constraint} names a parameter that the strategy lacks.")

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in the order of a row's columns."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def conditional(self) -> bool:
        """Whether a parameter depends on another."""
        return bool(self.switches)

    @property
    def count(self) -> float:
        """How many parameter sets there are, constraints aside; infinite when a parameter is continuous."""
        return self.combinations([parameter.count for parameter in self.parameters])

    @cached_property
    def switches(self) -> frozenset[str]:
        """The names of the parameters that others depend on."""
        return frozenset(need.switch.name for parameter in self.parameters for need in parameter.needs)

    def combinations(self, counts: Sequence[float], values: Mapping[str, Rows] | None = None) -> float:
        """How many parameter sets there are, constraints aside, when each parameter takes so many values.

        `values`: the row numbers of those that others depend on, where they do not take them all.
        """
        if not self.conditional:
            return math.prod(counts)
        every = {one.name: _all_numbers(one) for one in self.parameters if one.name in self.switches}
        return combinations(self.parameters, counts, {**every, **(values or {})})

    def active(self, rows: Rows) -> NDArray[np.bool_]:
        """For each row and each parameter, whether it counts; shape (n, parameters)."""
        return active(self.parameters, rows)

    def canonical(self, rows: Rows) -> Rows:
        """The rows with the default of each parameter that does not count."""
        if not self.conditional:
            return rows
        return np.where(self.active(rows), rows, self.defaults)

    @cached_property
    def defaults(self) -> NDArray[np.float64]:
        """The row in which every parameter has its default, constraints aside."""
        return np.array([parameter.encode(parameter.default) for parameter in self.parameters])

    def feasible(self, rows: Rows) -> NDArray[np.bool_]:
        """For each row, whether every constraint holds between parameters that count."""
        columns = {name: rows[:, index] for index, name in enumerate(self.names)}
        allowed = np.ones(len(rows), dtype=np.bool_)
        if not self.conditional:
            for constraint in self.constraints:
                allowed &= constraint.holds(columns)
            return allowed
        counts = dict(zip(self.names, self.active(rows).T, strict=True))
        for constraint in self.constraints:
            together = np.logical_and.reduce([counts[side.name] for side in constraint.parameters])
            allowed &= constraint.holds(columns) | ~together
        return allowed

    def at(self, unit: NDArray[np.float64]) -> Rows:
        """Rows at positions of the unit cube, shape (n, parameters); constraints are not looked at."""
        columns = [parameter.at(unit[:, index]) for index, parameter in enumerate(self.parameters)]
        return self.canonical(np.column_stack(columns)) if columns else np.empty((len(unit), 0))

    def position(self, rows: Rows) -> NDArray[np.float64]:
        """Positions in the unit cube of rows, shape (n, parameters)."""
        columns = [parameter.position(rows[:, index]) for index, parameter in enumerate(self.parameters)]
        return np.column_stack(columns) if columns else np.empty((len(rows), 0))

    def sample(self, rng: np.random.Generator, count: int) -> Rows:
        """`count` rows drawn evenly from the allowed ones; StrategyError when the constraints allow next to nothing."""
        found: list[Rows] = []
        missing, tried = count, 0
        while missing > 0:
            if tried > self._rejections * (count + 10):
                words = ", ".join(map(str, self.constraints))
                raise StrategyError(f"the constraints ({words}) leave next to nothing to search. Widen the ranges.")
            rows = self.at(rng.random((max(16, 2 * missing), len(self.parameters))))
            tried += len(rows)
            found.append(rows[self.feasible(rows)][:missing])
            missing -= len(found[-1])
        return np.concatenate(found) if found else np.empty((0, len(self.parameters)))

    def encode(self, params: Mapping[str, object]) -> NDArray[np.float64]:
        """The row of a parameter set; missing ones take their default.

        InputError for unknown names, bad values, a constraint that does not hold, or a parameter that does not count.
        """
        for name in params:
            if name not in self.names:
                hint = did_you_mean(name, self.names) or f" It takes {', '.join(self.names) or 'no parameters'}."
                raise InputError(f"there is no parameter {name!r}.{hint}")
        row = np.array(
            [parameter.encode(params.get(parameter.name, parameter.default)) for parameter in self.parameters]
        )
        counting = active_numbers(self.parameters, row)
        for parameter in self.parameters:
            if parameter.name in params and parameter.name not in counting:
                raise InputError(f"{parameter.name} counts only {parameter.condition}: leave it out.")
        columns = {name: np.array([number]) for name, number in counting.items()}
        for constraint in self.constraints:
            if all(side.name in columns for side in constraint.parameters) and not constraint.holds(columns)[0]:
                values = ", ".join(f"{key}={value}" for key, value in self.decode(row).items())
                raise InputError(f"these parameters break {constraint}: {values}.")
        canonical: NDArray[np.float64] = self.canonical(row[None, :])[0]
        return canonical

    def encode_all(self, sets: Sequence[Mapping[str, object]]) -> Rows:
        """The rows of several parameter sets, shape (n, parameters)."""
        return np.array([self.encode(params) for params in sets], dtype=np.float64).reshape(len(sets), len(self.names))

    def decode(self, row: NDArray[np.float64]) -> dict[str, Value]:
        """The parameter set that a row stands for, without what does not count."""
        if not self.conditional:
            return {parameter.name: parameter.decode(row[index]) for index, parameter in enumerate(self.parameters)}
        counting = active_numbers(self.parameters, row.tolist())
        return {one.name: one.decode(counting[one.name]) for one in self.parameters if one.name in counting}


def _all_numbers(one: Parameter[Any]) -> NDArray[np.float64]:
    """All numbers that rows may hold of a parameter with few values."""
    return one.at((np.arange(one.count) + 0.5) / one.count)
