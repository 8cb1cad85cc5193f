"""A space made narrower for one search: parameters held to a smaller range, or to one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import InputError, did_you_mean
from bittrader.strategies.parameters import Float, Int, Parameter
from bittrader.strategies.space import Space

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Value

    Range = tuple[object, object]


class Fixed(Parameter[Any]):
    """A parameter that this search leaves at one value; its rows read as the parameter's own."""

    def __init__(self, of: Parameter[Any], value: object) -> None:
        self.of, self.name, self.needs = of, of.name, of.needs
        self.number = of.encode(value)
        self.default = of.decode(self.number)

    @property
    def count(self) -> float:
        return 1

    def at(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(unit), self.number)

    def position(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(column), 0.5)

    def decode(self, number: float) -> Value:
        value: Value = self.of.decode(number)
        return value

    def encode(self, value: object) -> float:
        if self.of.encode(value) != self.number:
            raise InputError(f"{self.name} is fixed at {self.default}, not {value!r}.")
        return self.number

    def describe(self) -> str:
        return f"fixed at {self.default}"


def narrowed(space: Space, ranges: Mapping[str, Range], fixed: Mapping[str, object]) -> Space:
    """The space with some parameters held to a smaller range, and some to one value."""
    _known(space, (*ranges, *fixed))
    for name in ranges:
        if name in fixed:
            raise InputError(f"{name} is given a value and a range to search. Keep one.")
    made = Space(tuple(_narrowed(one, ranges, fixed) for one in space.parameters), space.constraints)
    for name in (*ranges, *fixed):
        _require_use(made, name)
    return made


def _require_use(space: Space, name: str) -> None:
    """InputError for a parameter that no set of this space counts."""
    named = {one.name: one for one in space.parameters}
    for need in named[name].needs:
        switch = named[need.switch.name]
        if isinstance(switch, Fixed) and switch.number not in need.numbers:
            raise InputError(f"{name} counts only {named[name].condition}: leave it out.")
        _require_use(space, switch.name)


def _known(space: Space, names: Iterable[str]) -> None:
    for name in names:
        if name not in space.names:
            hint = did_you_mean(name, space.names) or f" It takes {', '.join(space.names) or 'no parameters'}."
            raise InputError(f"there is no parameter {name!r}.{hint}")


def _narrowed(one: Parameter[Any], ranges: Mapping[str, Range], fixed: Mapping[str, object]) -> Parameter[Any]:
    if one.name in fixed:
        return Fixed(one, fixed[one.name])
    if one.name not in ranges:
        return one
    if not isinstance(one, Int | Float):
        raise InputError(f"{one.name} has no range: fix it with --set {one.name}=VALUE ({one.describe()}).")
    low, high = (one.decode(one.encode(end)) for end in ranges[one.name])
    if low > high:
        raise InputError(f"the range of {one.name} is empty: {low} is above {high}.")
    return Fixed(one, low) if low == high else _between(one, low, high)


def _between(one: Int | Float, low: float, high: float) -> Parameter[Any]:
    default: Any = one.default if low <= one.default <= high else None
    made: Parameter[Any] = (
        Int(int(low), int(high), default=default, step=one.step, log=one.log)
        if isinstance(one, Int)
        else Float(low, high, default=default, step=one.step, log=one.log)
    )
    made.name, made.needs = one.name, one.needs
    return made
