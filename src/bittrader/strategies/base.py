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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from bittrader.errors import StrategyError
from bittrader.strategies.parameters import Parameter
from bittrader.strategies.space import Space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.chart import Chart
    from bittrader.strategies.parameters import Constraint, Value

    Flags = NDArray[np.bool_]
    Prices = NDArray[np.float64]


class Multiple(NamedTuple):
    """A series times a number, as a distance: `Multiple(chart.atr(14), 2)`, for which no array is made."""

    of: Prices
    times: float


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
    stop: Prices | Multiple | None = None
    target: Prices | Multiple | None = None
    trail: Prices | Multiple | None = None
    max_bars: int | None = None


FLAGS = ("enter_long", "exit_long", "enter_short", "exit_short")
DISTANCES = ("stop", "target", "trail")
_FLAG, _PRICE = np.dtype(np.bool_), np.dtype(np.float64)
_RESERVED = ("name", "space")


class Strategy:
    """Base of all strategies: declares parameters, and turns a chart into signals without side effects."""

    name: ClassVar[str]
    space: ClassVar[Space]
    constraints: ClassVar[tuple[Constraint, ...]] = ()
    warm_up: ClassVar[int] = 5_000
    """After how many bars its signals no longer depend on where the candles begin. Checks hold it to that."""

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
        if type(cls.warm_up) is not int or cls.warm_up < 0:
            raise StrategyError(f"{cls.__name__}: warm_up must be a whole number of bars, not {cls.warm_up!r}.")
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
        """The parameter set, by name, without what does not count."""
        return {name: self.__dict__[name] for name in self.space.names if name in self.__dict__}

    def signals(self, chart: Chart) -> Signals:  # noqa: ARG002 - for those that derive from this
        """What to do at each bar's close, from this chart and these parameters alone."""
        raise StrategyError(f"{type(self).__name__} needs a method signals(self, chart) that returns Signals(...).")


def checked(signals: Signals, bars: int) -> Signals:
    """The same signals; StrategyError when a column has another length or type than the contract says."""
    if not isinstance(signals, Signals):
        raise StrategyError(f"signals() must return Signals(...), not {type(signals).__name__}.")
    shape = (bars,)
    for names, kind in ((FLAGS, _FLAG), (DISTANCES, _PRICE)):
        for name in names:
            column = getattr(signals, name)
            if type(column) is Multiple:
                column = column.of
            if column is not None and not (
                isinstance(column, np.ndarray) and column.dtype == kind and column.shape == shape
            ):
                found = f"{column.dtype} {column.shape}" if isinstance(column, np.ndarray) else type(column).__name__
                raise StrategyError(f"{name} must be a {kind} array of {bars} bars, not {found}.")
    if signals.max_bars is not None and not (isinstance(signals.max_bars, int) and signals.max_bars >= 1):
        raise StrategyError(f"max_bars must be a whole number and at least 1, not {signals.max_bars}.")
    return signals


def plain(signals: Signals) -> Signals:
    """The same signals with every `Multiple` worked out."""

    def worked_out(distance: Prices | Multiple | None) -> Prices | None:
        return distance.of * distance.times if isinstance(distance, Multiple) else distance

    return replace(
        signals,
        stop=worked_out(signals.stop),
        target=worked_out(signals.target),
        trail=worked_out(signals.trail),
    )
