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
    return _best(values, whole("length", length), 1.0)


def lowest(values: Series, length: int = 20) -> Series:
    """The lowest of the last `length` values, this bar's included."""
    return _best(values, whole("length", length), -1.0)


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
    """Hull's moving average: of twice the weighted average of half the length less that of the whole (2005)."""
    length = whole("length", length, 2)
    return wma(2.0 * wma(values, length // 2) - wma(values, length), max(1, round(length**0.5)))


def _best(values: Series, length: int, sign: float) -> Series:
    out, to_end, from_start = (buffers.series(len(values)) for _ in range(3))
    _extremes(as_series(values), length, sign, to_end, from_start, out)
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
def _extremes(values: Series, length: int, sign: float, to_end: Series, from_start: Series, out: Series) -> None:
    """Cuts the bars into blocks as long as the window: a window is the end of one and the start of the next, and the
    best of those are running maxima (van Herk 1992, Gil and Werman 1993).
    """
    bars = len(values)
    best = np.nan
    for i in range(bars):
        x = sign * values[i]
        best = x if i % length == 0 or x > best or np.isnan(x) else best
        from_start[i] = best
    for i in range(bars - 1, -1, -1):
        x = sign * values[i]
        best = x if (i + 1) % length == 0 or i == bars - 1 or x > best or np.isnan(x) else best
        to_end[i] = best
    out[: min(length - 1, bars)] = np.nan
    for i in range(length - 1, bars):
        a, b = to_end[i - length + 1], from_start[i]
        out[i] = sign * (a if a > b or np.isnan(a) else b)


@compiled
def _ages(values: Series, length: int, sign: float, out: Series) -> None:
    """Keeps the best value and its place, and looks through the window again only when that has left it."""
    top, place, seen = 0.0, 0, 0
    for i in range(len(values)):
        x = sign * values[i]
        seen = 0 if np.isnan(x) else seen + 1
        if seen < length:
            out[i] = np.nan
            continue
        if seen == length or place <= i - length:
            top, place = x, i
            for j in range(i - 1, i - length, -1):
                if sign * values[j] > top:
                    top, place = sign * values[j], j
        elif x >= top:
            top, place = x, i
        out[i] = i - place


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
