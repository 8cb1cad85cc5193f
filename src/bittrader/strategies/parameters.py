"""What a search may vary: parameters, and the constraints between them."""

from __future__ import annotations

import math
import operator
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import numpy as np

from bittrader.errors import InputError, StrategyError, did_you_mean
from bittrader.strategies.activity import When

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]
    Value = int | float | str | bool
    Relation = Literal["<", "<=", ">", ">="]

# Rows are float64, which holds every whole number up to this.
_EXACT = 2**53

T = TypeVar("T", int, float, "int | float | str | bool")

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Parameter(Generic[T]):
    """A named dimension of a search. On a strategy's class it is itself; on an instance, the value."""

    name: str = ""
    default: T
    needs: tuple[When, ...] = ()
    """What must hold for it to count; all of these."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = instance.__dict__.get(self.name, self.default)
        return value

    def __lt__(self, other: Parameter[Any] | float) -> Constraint:
        return Constraint(self, "<", other)

    def __le__(self, other: Parameter[Any] | float) -> Constraint:
        return Constraint(self, "<=", other)

    def __gt__(self, other: Parameter[Any] | float) -> Constraint:
        return Constraint(self, ">", other)

    def __ge__(self, other: Parameter[Any] | float) -> Constraint:
        return Constraint(self, ">=", other)

    def when(self, switch: Choice, *values: Value) -> Self:
        """The same parameter, which counts only where `switch`, declared before it, counts and has one of these values.

        Several conditions must all hold.
        """
        if not isinstance(switch, Choice) or not values:
            raise StrategyError("a parameter depends on values of a Choice: Int(5, 50).when(entry, 'donchian').")
        known = [str(value) for value in switch.values]
        for value in values:
            if str(value) not in known:
                hint = did_you_mean(str(value), known) or f" It has {', '.join(known)}."
                raise StrategyError(f"when(): the Choice has no value {value!r}.{hint}")
        made = copy(self)
        made.needs = (*self.needs, When(switch, values, frozenset(float(known.index(str(value))) for value in values)))
        return made

    @property
    def condition(self) -> str:
        """When it counts, in words, as in `when entry is donchian`; empty when always."""
        return f"when {' and '.join(map(str, self.needs))}" if self.needs else ""

    @property
    def count(self) -> float:
        """How many values it can take; infinite when continuous."""
        raise NotImplementedError

    def at(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Row values at positions in [0, 1): equal shares of the range, or of its logarithm, for each value."""
        raise NotImplementedError

    def position(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions in [0, 1) of row values: the inverse of `at`, at the middle of each value's share."""
        raise NotImplementedError

    def decode(self, number: float) -> T:
        """The value that a row's number stands for."""
        raise NotImplementedError

    def encode(self, value: object) -> float:
        """The row's number for a value; InputError when the value is not allowed."""
        raise NotImplementedError

    def describe(self) -> str:
        """The allowed values in a few words, as in `5 to 100`."""
        raise NotImplementedError


class Int(Parameter[int]):
    """A whole number from `low` to `high`, both included, in steps of `step` from `low`."""

    def __init__(self, low: int, high: int, *, default: int | None = None, step: int = 1, log: bool = False) -> None:
        for number in (low, high, step):
            if not isinstance(number, int):
                raise StrategyError(f"Int takes whole numbers, not {number!r}. For others there is Float(low, high).")
        if not (low <= high and step >= 1):
            raise StrategyError(f"Int({low}, {high}, step={step}) is empty. Write Int(low, high) with low <= high.")
        if log and (low < 1 or step != 1):
            raise StrategyError(f"Int({low}, {high}, log=True) needs low >= 1 and step 1.")
        if max(-low, high) > _EXACT:
            raise StrategyError("Int takes whole numbers up to 2**53, beyond which a row skips some.")
        self.low, self.step, self.log = low, step, log
        self.high = low + (high - low) // step * step
        self.default = self.low + (self.high - low) // (2 * step) * step if default is None else default
        self.encode(self.default)

    @property
    def count(self) -> float:
        return (self.high - self.low) // self.step + 1

    def at(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.log:
            lowest, highest = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return np.clip(np.rint(np.exp(lowest + unit * (highest - lowest))), self.low, self.high)
        return self.low + self.step * np.minimum(np.floor(unit * self.count), self.count - 1)

    def position(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.log:
            lowest, highest = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (np.log(column) - lowest) / (highest - lowest)
        return ((column - self.low) / self.step + 0.5) / self.count

    def decode(self, number: float) -> int:
        return int(number)

    def encode(self, value: object) -> float:
        number = _number(self.name, value)
        if number != int(number):
            raise InputError(f"{self.name} takes whole numbers, not {value!r}.")
        if not self.low <= number <= self.high or (number - self.low) % self.step:
            raise InputError(f"{self.name} takes {self.describe()}, not {value!r}.")
        return number

    def describe(self) -> str:
        return f"{self.low} to {self.high}" + (f" in steps of {self.step}" if self.step != 1 else "")


class Float(Parameter[float]):
    """A number from `low` to `high`, both included; in steps of `step` from `low` when given."""

    def __init__(
        self, low: float, high: float, *, default: float | None = None, step: float | None = None, log: bool = False
    ) -> None:
        if not math.isfinite(float(high) - float(low)):
            raise StrategyError(f"Float({low}, {high}) has no finite width. Write Float(low, high) with finite ends.")
        if not (low < high if step is None else low <= high and 0 < step < math.inf):
            raise StrategyError(f"Float({low}, {high}, step={step}) is empty. Write Float(low, high) with low < high.")
        if log and (low <= 0 or step is not None):
            raise StrategyError(f"Float({low}, {high}, log=True) needs low > 0 and no step.")
        self.low, self.step, self.log = float(low), step, log
        self.high = float(high) if step is None else self._on_grid(math.floor((high - low) / step + 1e-9))
        middle = math.sqrt(low * high) if log else (low + high) / 2
        self.default = float(default) if default is not None else self._snap(middle)
        self.encode(self.default)

    def _on_grid(self, steps: float) -> float:
        return round(self.low + steps * (self.step or 0.0), 12)

    def _snap(self, value: float) -> float:
        return value if self.step is None else self._on_grid(round((value - self.low) / self.step))

    @property
    def count(self) -> float:
        return math.inf if self.step is None else round((self.high - self.low) / self.step) + 1

    def at(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.step is not None:
            steps = np.minimum(np.floor(unit * self.count), self.count - 1)
            return np.round(self.low + steps * self.step, 12)
        if self.log:
            lowest, highest = math.log(self.low), math.log(self.high)
            return np.clip(np.exp(lowest + unit * (highest - lowest)), self.low, self.high)
        return np.minimum(self.low + unit * (self.high - self.low), self.high)  # which rounding may exceed

    def position(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.step is not None:
            return (np.rint((column - self.low) / self.step) + 0.5) / self.count
        if self.log:
            lowest, highest = math.log(self.low), math.log(self.high)
            return (np.log(column) - lowest) / (highest - lowest)
        return (column - self.low) / (self.high - self.low)

    def decode(self, number: float) -> float:
        return float(number)

    def encode(self, value: object) -> float:
        number = _number(self.name, value)
        if not self.low <= number <= self.high:
            raise InputError(f"{self.name} takes {self.describe()}, not {value!r}.")
        if self.step is not None and abs(number - self._snap(number)) > 1e-9 * max(1.0, abs(number)):
            raise InputError(f"{self.name} takes {self.describe()}, not {value!r}.")
        return self._snap(number)

    def describe(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (f" in steps of {self.step:g}" if self.step is not None else "")


class Choice(Parameter["int | float | str | bool"]):
    """One of a few values; a search knows no order between them."""

    def __init__(self, *values: Value, default: Value | None = None) -> None:
        if not values or len(set(map(str, values))) != len(values):
            raise StrategyError("Choice needs different values: Choice('long', 'both').")
        self.values = values
        self.default = values[0] if default is None else default
        self.encode(self.default)

    @property
    def count(self) -> float:
        return len(self.values)

    def at(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.minimum(np.floor(unit * self.count), self.count - 1)

    def position(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        return (column + 0.5) / self.count

    def decode(self, number: float) -> Value:
        return self.values[int(number)]

    def encode(self, value: object) -> float:
        words = [str(known) for known in self.values]
        if str(value) not in words:
            raise InputError(f"{self.name} takes {self.describe()}, not {value!r}.{did_you_mean(str(value), words)}")
        return float(words.index(str(value)))

    def describe(self) -> str:
        return "one of " + ", ".join(str(value) for value in self.values)


def _number(name: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name} takes a number, not {value!r}.") from None
    if not math.isfinite(number) or isinstance(value, bool):
        raise InputError(f"{name} takes a number, not {value!r}.")
    return number


@dataclass(frozen=True, eq=False)
class Constraint:
    """A relation between two numeric parameters, or a parameter and a number; made by writing `fast < slow`."""

    left: Parameter[Any]
    relation: Relation
    right: Parameter[Any] | float

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            if isinstance(side, Choice) or not isinstance(side, Parameter | int | float):
                raise StrategyError(f"a constraint compares numeric parameters and numbers, not {side!r}.")

    def __bool__(self) -> bool:
        """Never: `a < b < c` and `if a < b` would silently drop a half."""
        raise StrategyError("write each comparison on its own: constraints = (fast < slow, slow < trend).")

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        """The parameters that it compares: one or two."""
        return tuple(side for side in (self.left, self.right) if isinstance(side, Parameter))

    def holds(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
        """For each row, whether the relation holds."""
        right = columns[self.right.name] if isinstance(self.right, Parameter) else self.right
        answer: NDArray[np.bool_] = _RELATIONS[self.relation](columns[self.left.name], right)
        return answer

    def __str__(self) -> str:
        right = self.right.name if isinstance(self.right, Parameter) else f"{self.right:g}"
        return f"{self.left.name} {self.relation} {right}"
