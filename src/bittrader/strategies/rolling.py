"""Measures of the last few values, afresh at every bar: nothing is carried along that could drift.

The loops run over a chunk of bars for one lag after the other, because that vectorizes. A window that holds a NaN
gives NaN.
"""

from __future__ import annotations

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, ratio, whole
from bittrader.strategies.averages import sma
from bittrader.strategies.sums import Squares, Sums

_CHUNK = 512  # bars that stay in the first-level cache from lag to lag


def highest(values: Series, length: int = 20) -> Series:
    """The highest of the last `length` values, this bar's included."""
    return _taken(values, _age_of_best(values, whole("length", length), 1.0))


def lowest(values: Series, length: int = 20) -> Series:
    """The lowest of the last `length` values, this bar's included."""
    return _taken(values, _age_of_best(values, whole("length", length), -1.0))


def bars_since_highest(values: Series, length: int) -> Series:
    """How many bars ago the highest of the last `length` values was, the latest where several are equal."""
    return _age_of_best(values, whole("length", length), 1.0)


def bars_since_lowest(values: Series, length: int) -> Series:
    """How many bars ago the lowest of the last `length` values was, the latest where several are equal."""
    return _age_of_best(values, whole("length", length), -1.0)


def stddev(values: Series, length: int = 20) -> Series:
    """Standard deviation of the last `length` values (of the population, as in Bollinger's bands)."""
    return deviation(Squares(Sums(values)), length)


def deviation(squares: Squares, length: int) -> Series:
    """The standard deviation from sums that are there already."""
    return squares.deviation(length)


def mean_deviation(values: Series, length: int = 20) -> Series:
    """Mean distance of the last `length` values from their mean."""
    out = buffers.series(len(values))
    _mean_distance(as_series(values), as_series(sma(values, length)), length, out)
    return out


def zscore(values: Series, length: int = 20) -> Series:
    """How many standard deviations a value lies above the mean of the last `length`; 0 when nothing has moved."""
    return ratio(values - sma(values, length), stddev(values, length), 0.0)


def percent_rank(values: Series, length: int = 100) -> Series:
    """The percentage of the `length` values before this one that are below it."""
    out = buffers.series(len(values))
    _rank(as_series(values), whole("length", length), out)
    return out


def linreg(values: Series, length: int = 14) -> Series:
    """Where the straight line that fits the last `length` values best ends."""
    length = whole("length", length, 2)
    lags = np.arange(length, dtype=np.float64)
    return _weighted(values, 2.0 * (2.0 * length - 1.0 - 3.0 * lags) / (length * (length + 1.0)), level=1.0)


def linreg_slope(values: Series, length: int = 14) -> Series:
    """How much the straight line that fits the last `length` values best rises a bar."""
    length = whole("length", length, 2)
    lags = np.arange(length, dtype=np.float64)
    return _weighted(values, 6.0 * (length - 1.0 - 2.0 * lags) / (length * (length * length - 1.0)), level=0.0)


def wma(values: Series, length: int = 20) -> Series:
    """Weighted moving average: the last value counts `length` times, the first once."""
    length = whole("length", length)
    return _weighted(values, 2.0 * np.arange(length, 0.0, -1.0) / (length * (length + 1.0)), level=1.0)


def hma(values: Series, length: int = 20) -> Series:
    """Hull's moving average: of twice the weighted average of half the length less that of the whole."""
    length = whole("length", length, 2)
    return wma(2.0 * wma(values, length // 2) - wma(values, length), max(1, round(length**0.5)))


def _taken(values: Series, ages: Series) -> Series:
    out = buffers.series(len(values))
    _take(as_series(values), as_series(ages), out)
    return out


def _age_of_best(values: Series, length: int, sign: float) -> Series:
    out = buffers.series(len(values))
    _ages(as_series(values), length, sign, out)
    return out


def _weighted(values: Series, weights: Series, level: float) -> Series:
    out = buffers.series(len(values))
    _weigh(as_series(values), as_series(weights), level, out)
    return out


@compiled
def _ages(values: Series, length: int, sign: float, out: Series) -> None:
    """Keeps the place of the best value, and looks for it again only when it has left the window."""
    best, seen = 0, 0
    for i in range(len(values)):
        seen = 0 if np.isnan(values[i]) else seen + 1
        if seen < length:
            out[i] = np.nan
            best = -1
            continue
        if best <= i - length:
            best = i - length + 1
            for j in range(i - length + 2, i + 1):
                if sign * values[j] >= sign * values[best]:
                    best = j
        elif sign * values[i] >= sign * values[best]:
            best = i
        out[i] = i - best


@compiled
def _take(values: Series, ages: Series, out: Series) -> None:
    for i in range(len(values)):
        out[i] = np.nan if np.isnan(ages[i]) else values[i - int(ages[i])]


@compiled
def _mean_distance(values: Series, means: Series, length: int, out: Series) -> None:
    bars = len(values)
    out[: min(length - 1, bars)] = np.nan
    for start in range(length - 1, bars, _CHUNK):
        stop = min(start + _CHUNK, bars)
        total = out[start:stop]
        total[:] = 0.0
        for lag in range(length):
            _add_distances(values[start - lag : stop - lag], means[start:stop], total)
        for i in range(len(total)):
            total[i] /= length


@compiled
def _add_distances(window: Series, middle: Series, total: Series) -> None:
    for i in range(len(total)):
        total[i] += abs(window[i] - middle[i])


@compiled
def _weigh(values: Series, weights: Series, level: float, out: Series) -> None:
    """Weighs distances from the last value, so that flat prices give exactly `level` times the price."""
    bars, length = len(values), len(weights)
    out[: min(length - 1, bars)] = np.nan
    for start in range(length - 1, bars, _CHUNK):
        stop = min(start + _CHUNK, bars)
        last, total = values[start:stop], out[start:stop]
        for i in range(len(total)):
            total[i] = 0.0
        for lag in range(length):
            _add_weighted(values[start - lag : stop - lag], last, weights[lag], total)
        for i in range(len(total)):
            total[i] += level * last[i]


@compiled
def _add_weighted(window: Series, last: Series, weight: float, total: Series) -> None:
    for i in range(len(total)):
        total[i] += weight * (window[i] - last[i])


@compiled
def _add_lower(window: Series, last: Series, total: Series) -> None:
    for i in range(len(total)):
        # The second part adds nothing, but NaN where there is one.
        total[i] += (1.0 if window[i] < last[i] else 0.0) + 0.0 * (window[i] + last[i])


@compiled
def _rank(values: Series, length: int, out: Series) -> None:
    bars = len(values)
    out[: min(length, bars)] = np.nan
    for start in range(length, bars, _CHUNK):
        stop = min(start + _CHUNK, bars)
        last, total = values[start:stop], out[start:stop]
        total[:] = 0.0
        for lag in range(1, length + 1):
            _add_lower(values[start - lag : stop - lag], last, total)
        for i in range(len(total)):
            total[i] *= 100.0 / length
