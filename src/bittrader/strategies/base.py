"""The contract of a strategy: parameters as class attributes, and one pure method from a chart to signals.

class SmaCross(Strategy):
    fast = Int(5, 100)
    slow = Int(50, 400)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        fast, slow = chart.sma(self.fast), chart.sma(self.slow)
        return Signals(enter_long=crossed_above(fast, slow), exit_long=crossed_below(fast, slow))
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bittrader.errors import StrategyError
from bittrader.strategies.parameters import Parameter, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bittrader.strategies.chart import Chart
    from bittrader.strategies.parameters import Constraint, Value

    Flags = NDArray[np.bool_]
    Prices = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Signals:
    """What a strategy wants at each bar's close; it happens at the next bar's open.

    Flags are one boolean a bar. Entries count only while flat, or when the same bar exits the position they would
    follow; where both sides enter at once, neither does. Distances are positive prices from the entry price, read at
    the bar that gave the entry: `stop` loses, `target` wins, `trail` follows the best price so far. `max_bars` exits at
    the open of that many bars after the entry bar. Whatever is None is not used.
    """

    enter_long: Flags | None = None
    exit_long: Flags | None = None
    enter_short: Flags | None = None
    exit_short: Flags | None = None
    stop: Prices | None = None
    target: Prices | None = None
    trail: Prices | None = None
    max_bars: int | None = None


FLAGS = ("enter_long", "exit_long", "enter_short", "exit_short")
DISTANCES = ("stop", "target", "trail")
_RESERVED = ("name", "space")


class Strategy:
    """Base of all strategies: declares parameters, and turns a chart into signals without side effects."""

    name: ClassVar[str]
    space: ClassVar[Space]
    constraints: ClassVar[tuple[Constraint, ...]] = ()

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        found: dict[str, Parameter[Any]] = {}
        for base in reversed(cls.__mro__):
            found.update({key: value for key, value in vars(base).items() if isinstance(value, Parameter)})
        taken = [name for name in found if name.startswith("_") or hasattr(Strategy, name) or name in _RESERVED]
        if taken:
            raise StrategyError(f"{cls.__name__}: parameters must not be called {', '.join(taken)}.")
        cls.space = Space(tuple(found.values()), tuple(cls.constraints))

    def __init__(self, **params: object) -> None:
        """A strategy with these parameters, the rest at their defaults. InputError for what the space forbids."""
        self.__dict__.update(self.space.decode(self.space.encode(params)))

    @classmethod
    def from_row(cls, row: NDArray[np.float64]) -> Strategy:
        """The strategy of a row that the space made, not checked again."""
        strategy = cls.__new__(cls)
        strategy.__dict__.update(cls.space.decode(row))
        return strategy

    @property
    def params(self) -> dict[str, Value]:
        """The parameter set, by name."""
        return {name: getattr(self, name) for name in self.space.names}

    def signals(self, chart: Chart) -> Signals:  # noqa: ARG002 - for those that derive from this
        """What to do at each bar's close, from this chart and these parameters alone."""
        raise StrategyError(f"{type(self).__name__} needs a method signals(self, chart) that returns Signals(...).")


def checked(signals: Signals, bars: int) -> Signals:
    """The same signals; StrategyError when a column has another length or type than the contract says."""
    if not isinstance(signals, Signals):
        raise StrategyError(f"signals() must return Signals(...), not {type(signals).__name__}.")
    for field in fields(signals):
        column = getattr(signals, field.name)
        if column is None or field.name == "max_bars":
            continue
        kind = np.bool_ if field.name in FLAGS else np.float64
        if not isinstance(column, np.ndarray) or column.dtype != kind or column.shape != (bars,):
            found = f"{column.dtype} {column.shape}" if isinstance(column, np.ndarray) else type(column).__name__
            raise StrategyError(f"{field.name} must be a {kind.__name__} array of {bars} bars, not {found}.")
    if signals.max_bars is not None and not (isinstance(signals.max_bars, int) and signals.max_bars >= 1):
        raise StrategyError(f"max_bars must be a whole number and at least 1, not {signals.max_bars}.")
    return signals


def with_params(strategy: type[Strategy], params: Mapping[str, object] | None) -> Strategy:
    """The strategy with these parameters, the rest at their defaults."""
    return strategy(**(params or {}))
