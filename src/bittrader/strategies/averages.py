"""Averages of one series. Each exists from the first bar that has enough values behind it; before that it is NaN."""

from __future__ import annotations

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, whole
from bittrader.strategies.sums import Sums


def sma(values: Series, length: int = 20) -> Series:
    """Simple moving average: the mean of the last `length` values, rounded once."""
    return Sums(values).mean(length)


def mean(sums: Sums, length: int) -> Series:
    """The simple moving average from sums that are there already."""
    return sums.mean(length)


def ema(values: Series, length: int = 20) -> Series:
    """Exponential moving average with weight 2 / (length + 1), started with the simple mean of the first values."""
    return smoothed(values, whole("length", length), 2.0 / (length + 1))


def rma(values: Series, length: int = 14) -> Series:
    """Wilder's moving average: exponential with weight 1 / length, started with the simple mean."""
    return smoothed(values, whole("length", length), 1.0 / length)


def smoothed(values: Series, length: int, weight: float) -> Series:
    """The exponential average with this weight, started with the mean of the first `length` values."""
    out = buffers.series(len(values))
    _smooth(as_series(values), length, weight, out)
    return out


@compiled
def _smooth(values: Series, length: int, weight: float, out: Series) -> None:
    bars, first = len(values), 0
    while first < bars and np.isnan(values[first]):
        first += 1
    ready = first + length - 1
    out[: min(ready, bars)] = np.nan
    if ready >= bars:
        return
    # Means are taken of distances from a value, and steps towards the next one, so that flat prices stay flat.
    average = 0.0
    for i in range(first, ready + 1):
        average += values[i] - values[first]
    average = values[first] + average / length
    out[ready] = average
    for i in range(ready + 1, bars):
        average += weight * (values[i] - average)
        out[i] = average
