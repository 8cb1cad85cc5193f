"""Averages of one series. Each exists from the first bar that has enough values behind it; before that it is NaN."""

from __future__ import annotations

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, change, ratio, whole
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
    """Wilder's moving average: exponential with weight 1 / length, started with the simple mean (Wilder 1978)."""
    return smoothed(values, whole("length", length), 1.0 / length)


def dema(values: Series, length: int = 20) -> Series:
    """Double exponential moving average: twice the average, less the average of it (Mulloy 1994)."""
    once = ema(values, length)
    return 2.0 * once - ema(once, length)


def tema(values: Series, length: int = 20) -> Series:
    """Triple exponential moving average: three times the average, less three times its average, plus that one's
    (Mulloy 1994).
    """
    once = ema(values, length)
    twice = ema(once, length)
    return 3.0 * once - 3.0 * twice + ema(twice, length)


def vwma(values: Series, volume: Series, length: int = 20) -> Series:
    """The mean of the last `length` values, each counting as much as was traded; NaN when nothing was."""
    return ratio(sma(values * volume, length), sma(volume, length), np.nan)


def efficiency_ratio(values: Series, length: int = 10) -> Series:
    """Kaufman's ratio of the way made to the way gone over `length` steps, 0 to 1; 0 when nothing has moved (1995)."""
    steps = np.abs(change(values))
    return ratio(np.abs(change(values, length)), length * sma(steps, length), 0.0)


def kama(values: Series, length: int = 10, fast: int = 2, slow: int = 30) -> Series:
    """Kaufman's adaptive average (1995): `slow` where the price goes to and fro, `fast` where it goes straight."""
    quick, steady = 2.0 / (whole("fast", fast) + 1), 2.0 / (whole("slow", slow) + 1)
    weights = (efficiency_ratio(values, length) * (quick - steady) + steady) ** 2
    out = buffers.series(len(values))
    _adapt(as_series(values), as_series(weights), out)
    return out


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


@compiled
def _adapt(values: Series, weights: Series, out: Series) -> None:
    """Starts from the value before the first weight."""
    average = np.nan
    for i in range(len(values)):
        if np.isnan(weights[i]):
            out[i] = np.nan
            continue
        if np.isnan(average):
            average = values[i - 1]
        average += weights[i] * (values[i] - average)
        out[i] = average
