"""Channels: lines above and below a price."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, previous
from bittrader.strategies.averages import ema, sma
from bittrader.strategies.rolling import highest, lowest, stddev
from bittrader.strategies.ta import talib
from bittrader.strategies.volatility import atr


class Bands(NamedTuple):
    """A channel."""

    upper: Series
    middle: Series
    lower: Series


class Supertrend(NamedTuple):
    """The line, and 1 where the trend is up, -1 where it is down."""

    line: Series
    trend: Series


class Ichimoku(NamedTuple):
    """The conversion and base lines, and the cloud's two edges as they stand over this bar."""

    conversion: Series
    base: Series
    span_a: Series
    span_b: Series


def bollinger(values: Series, length: int = 20, width: float = 2.0) -> Bands:
    """Bollinger bands (2001): the simple average, and `width` standard deviations above and below it."""
    return bands(sma(values, length), stddev(values, length), width)


def keltner(
    high: Series, low: Series, close: Series, length: int = 20, atr_length: int = 10, width: float = 2.0
) -> Bands:
    """Keltner channel: the exponential average, and `width` average true ranges above and below it."""
    return bands(ema(close, length), atr(high, low, close, atr_length), width)


def bands(middle: Series, unit: Series, width: float) -> Bands:
    """Lines `width` units above and below the middle."""
    upper, lower = buffers.series(len(unit)), buffers.series(len(unit))
    np.multiply(unit, width, out=upper)
    np.subtract(middle, upper, out=lower)
    return Bands(np.add(middle, upper, out=upper), middle, lower)


def donchian(high: Series, low: Series, length: int = 20) -> Bands:
    """Donchian channel: the highest high and the lowest low of the last `length` bars, this one's included."""
    upper, lower = highest(high, length), lowest(low, length)
    return Bands(upper, (upper + lower) / 2.0, lower)


def ichimoku(high: Series, low: Series, conversion: int = 9, base: int = 26, span: int = 52) -> Ichimoku:
    """Ichimoku's lines. The cloud over a bar was known `base` bars before; there is no lagging line, which is the close
    drawn where it was not yet known.
    """
    turn, middle = donchian(high, low, conversion).middle, donchian(high, low, base).middle
    far = donchian(high, low, span).middle
    return Ichimoku(turn, middle, previous((turn + middle) / 2.0, base), previous(far, base))


def supertrend(high: Series, low: Series, close: Series, length: int = 10, width: float = 3.0) -> Supertrend:
    """Supertrend: a line `width` average true ranges from the bars' middles that only ever moves in the trend's
    direction, and changes sides when the close passes it (Seban).
    """
    return supertrend_of(high, low, close, atr(high, low, close, length), width)


def supertrend_of(high: Series, low: Series, close: Series, ranges: Series, width: float) -> Supertrend:
    """The supertrend from average true ranges that are there already."""
    line, trend = buffers.series(len(close)), buffers.series(len(close))
    _supertrend(as_series(high), as_series(low), as_series(close), as_series(ranges), float(width), line, trend)
    return Supertrend(line, trend)


def parabolic_sar(high: Series, low: Series, acceleration: float = 0.02, maximum: float = 0.2) -> Series:
    """Wilder's parabolic stop and reverse (1978; TA-Lib)."""
    return talib("SAR", high, low, acceleration=acceleration, maximum=maximum)


class HeikinAshi(NamedTuple):
    """Smoothed candles."""

    open: Series
    high: Series
    low: Series
    close: Series


def heikin_ashi(open: Series, high: Series, low: Series, close: Series) -> HeikinAshi:  # noqa: A002 - a candle's word
    """Heikin-Ashi candles: each opens in the middle of the one before and closes at the mean of its bar's prices."""
    end = (open + high + low + close) / 4.0
    start = buffers.series(len(close))
    if len(close):
        _middles(as_series(end), (open[0] + close[0]) / 2.0, start)
    return HeikinAshi(start, np.maximum(high, np.maximum(start, end)), np.minimum(low, np.minimum(start, end)), end)


@compiled
def _middles(close: Series, first: float, out: Series) -> None:
    out[0] = first
    for i in range(1, len(close)):
        out[i] = (out[i - 1] + close[i - 1]) / 2.0


@compiled
def _supertrend(
    high: Series, low: Series, close: Series, ranges: Series, width: float, line: Series, trend: Series
) -> None:
    upper, lower, side = np.nan, np.nan, 1.0
    for i in range(len(close)):
        if np.isnan(ranges[i]):
            line[i], trend[i] = np.nan, np.nan
            continue
        middle = (high[i] + low[i]) / 2.0
        above, below = middle + width * ranges[i], middle - width * ranges[i]
        # Comparisons with the first bar's NaN are False: the bands then start where they are.
        if close[i - 1] <= upper:
            above = min(above, upper)
        if close[i - 1] >= lower:
            below = max(below, lower)
        if side > 0.0 and close[i] < below:
            side = -1.0
        elif side < 0.0 and close[i] > above:
            side = 1.0
        upper, lower = above, below
        line[i], trend[i] = (lower if side > 0.0 else upper), side
