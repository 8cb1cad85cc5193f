"""What the kernel is given: a series, the bars of it that are traded, signals, and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bittrader.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Market(NamedTuple):
    """A series, and what follows from it alone; all columns read-only."""

    bars: Column
    """Shape (n, 4): open, high, low and close side by side, so that a short position touches few cache lines."""
    close: Column
    sums: Column
    """Shape (n, 4), so that the fill of a position that is not watched touches one cache line: the open, and the sums
    up to each bar of close-to-close returns, of their squares, and of the squares of the negative ones."""
    next_record: NDArray[np.int64]
    """The next bar that closes at or above this one's close; the number of bars where none does."""
    lowest_between: Column
    """The lowest close between a bar and its next record; infinite where there is no bar between."""
    calm: bool
    """Whether differences of the sums are as exact as adding the bars up: a bad tick would drown the rest."""
    bars_per_year: float
    days_per_bar: float


class Where(NamedTuple):
    """The bars that are traded: spans in order of time, none empty, none reaching into the next."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    """The first bar after each span."""
    bars: int
    """Of all spans together."""
    years: float
    """From the first bar to the last, of all spans together."""


class Orders(NamedTuple):
    """Signals as numbers; a column that is not used is empty."""

    enter_long: Flags
    exit_long: Flags
    enter_short: Flags
    exit_short: Flags
    stop: Column
    target: Column
    trail: Column
    stop_times: float
    target_times: float
    trail_times: float
    max_bars: int
    """0: no limit."""


class Terms(NamedTuple):
    """Costs and sizing as numbers."""

    fee: float
    slippage: float
    """Fraction of the price."""
    funding: Column
    """The fraction of notional that a long pays at each bar's open; empty when there is no funding."""
    notional: float
    """Fraction of equity put into a position: fraction times leverage."""
    risk: float
    """Fraction of equity lost at the stop; NaN when size does not depend on it."""
    maintenance: float


@compiled
def next_record(close: Column) -> tuple[NDArray[np.int64], Column]:
    """For each bar, the next one that closes at or above it, and the lowest close between the two."""
    count = len(close)
    following = np.full(count, count, dtype=np.int64)
    lowest = np.full(count, np.inf)
    for bar in range(count - 2, -1, -1):
        ahead = bar + 1
        low = np.inf
        while ahead < count and close[ahead] < close[bar]:
            low = min(low, close[ahead], lowest[ahead])
            ahead = following[ahead]
        following[bar] = ahead
        lowest[bar] = low
    return following, lowest


@compiled
def running_sums(values: Column) -> Column:
    """For values of shape (n, k), their sums up to each row, each rounded once.

    Two-sum: Knuth, The Art of Computer Programming, volume 2, section 4.2.2.
    """
    sums = np.empty_like(values)
    for kind in range(values.shape[1]):
        total, rest = 0.0, 0.0
        for index in range(len(values)):
            value = values[index, kind]
            larger = total + value
            shadow = larger - total
            rest += (total - (larger - shadow)) + (value - shadow)
            total = larger
            sums[index, kind] = total + rest
    return sums
