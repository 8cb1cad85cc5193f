"""Volatility: how far a price moves."""

from __future__ import annotations

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, ratio, whole
from bittrader.strategies.averages import rma, sma
from bittrader.strategies.rolling import highest, lowest


def true_range(high: Series, low: Series, close: Series) -> Series:
    """The bar's range, the gap from the close before included; from the second bar on."""
    out = buffers.series(len(close))
    _true_range(as_series(high), as_series(low), as_series(close), out)
    return out


def atr(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Wilder's average true range, started with the mean of the first `length` true ranges (1978)."""
    return rma(true_range(high, low, close), whole("length", length))


def natr(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """The average true range in per cent of the close."""
    return 100.0 * atr(high, low, close, length) / close


def choppiness(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Choppiness index: the true ranges' sum over the whole range, on a logarithmic scale where one straight move is 0
    and all to and fro is 100; 50 when nothing has moved (Dreiss).
    """
    length = whole("length", length, 2)
    way = length * sma(true_range(high, low, close), length)
    distance = highest(high, length) - lowest(low, length)
    choppy: Series = 100.0 * np.log10(ratio(way, distance, length**0.5)) / np.log10(length)
    return choppy


@compiled
def _true_range(high: Series, low: Series, close: Series, out: Series) -> None:
    out[:1] = np.nan
    for i in range(1, len(close)):
        out[i] = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
