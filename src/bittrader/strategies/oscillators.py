"""Oscillators: where a price stands, or how fast it moves, on a scale of its own.

Where nothing has moved, an oscillator stands in the middle of its scale.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, change, previous, ratio, whole
from bittrader.strategies.averages import ema, sma
from bittrader.strategies.rolling import bars_since_highest, bars_since_lowest, highest, lowest, mean_deviation
from bittrader.strategies.ta import talib


class Stochastic(NamedTuple):
    """The smoothed line and its average."""

    k: Series
    d: Series


class Macd(NamedTuple):
    """The difference of two averages, its own average, and the difference of those."""

    line: Series
    signal: Series
    histogram: Series


class Aroon(NamedTuple):
    """How fresh the highest high and the lowest low are, 0 to 100."""

    up: Series
    down: Series


def rsi(values: Series, length: int = 14) -> Series:
    """Wilder's relative strength index, 0 to 100, started with the mean of the first `length` changes; 50 when
    nothing has moved (Wilder 1978).
    """
    out = buffers.series(len(values))
    _rsi(as_series(values), whole("length", length), out)
    return out


def stochastic(high: Series, low: Series, close: Series, length: int = 14, smooth: int = 3, d: int = 3) -> Stochastic:
    """Where the close stands in the range of the last `length` bars, 0 to 100, averaged over `smooth` bars; and the
    average of that over `d` bars (Lane).
    """
    k = sma(_place(close, highest(high, length), lowest(low, length)), smooth)
    return Stochastic(k, sma(k, d))


def stoch_rsi(values: Series, length: int = 14, window: int = 14, smooth: int = 3, d: int = 3) -> Stochastic:
    """The stochastic of the relative strength index (Chande and Kroll 1994)."""
    strength = rsi(values, length)
    return stochastic(strength, strength, strength, window, smooth, d)


def williams_r(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Where the close stands in the range of the last `length` bars, from -100 to 0 (Williams)."""
    return _place(close, highest(high, length), lowest(low, length)) - 100.0


def macd(values: Series, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence divergence: a fast exponential average less a slow one, and its average (Appel)."""
    return macd_of(ema(values, fast), ema(values, slow), signal)


def macd_of(fast: Series, slow: Series, signal: int) -> Macd:
    """The same from averages that are there already."""
    line = np.subtract(fast, slow, out=buffers.series(len(fast)))
    average = ema(line, signal)
    return Macd(line, average, np.subtract(line, average, out=buffers.series(len(fast))))


def ppo(values: Series, fast: int = 12, slow: int = 26) -> Series:
    """Percentage price oscillator: by how many per cent a fast exponential average is above a slow one."""
    return 100.0 * (ema(values, fast) / ema(values, slow) - 1.0)


def cci(high: Series, low: Series, close: Series, length: int = 20) -> Series:
    """Commodity channel index: the typical price's distance from its average in 0.015 mean deviations (Lambert)."""
    typical = (high + low + close) / 3.0
    return ratio(typical - sma(typical, length), 0.015 * mean_deviation(typical, length), 0.0)


def roc(values: Series, length: int = 10) -> Series:
    """Rate of change over `length` bars, in per cent."""
    before = previous(values, length)
    return 100.0 * ratio(values - before, before, np.nan)


def momentum(values: Series, length: int = 10) -> Series:
    """Change over `length` bars."""
    return change(values, length)


def trix(values: Series, length: int = 15) -> Series:
    """Rate of change, in per cent a bar, of an exponential average of an average of an average (Hutson 1983)."""
    return roc(ema(ema(ema(values, length), length), length), 1)


def aroon(high: Series, low: Series, length: int = 14) -> Aroon:
    """How fresh the highest high and the lowest low of the last `length` bars are: 100 is now, 0 is at the far end
    (Chande 1995).
    """
    length = whole("length", length)
    up, down = bars_since_highest(high, length + 1), bars_since_lowest(low, length + 1)
    return Aroon(100.0 - 100.0 * up / length, 100.0 - 100.0 * down / length)


def adx(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Wilder's average directional index, 0 to 100: how one-sided the movement is (1978; TA-Lib)."""
    return talib("ADX", high, low, close, timeperiod=whole("length", length, 2))


def plus_di(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Wilder's positive directional indicator (1978; TA-Lib)."""
    return talib("PLUS_DI", high, low, close, timeperiod=whole("length", length, 2))


def minus_di(high: Series, low: Series, close: Series, length: int = 14) -> Series:
    """Wilder's negative directional indicator (1978; TA-Lib)."""
    return talib("MINUS_DI", high, low, close, timeperiod=whole("length", length, 2))


def _place(close: Series, high: Series, low: Series) -> Series:
    return 100.0 * ratio(close - low, high - low, 0.5)


@compiled
def _power(base: float, exponent: int) -> float:
    """By squaring, because the systems' `pow` differ in the last bit."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@compiled
def _rsi(values: Series, length: int, out: Series) -> None:
    bars, first = len(values), 0
    while first < bars and np.isnan(values[first]):
        first += 1
    ready = first + length
    out[: min(ready, bars)] = np.nan
    if ready >= bars:
        return
    gain, loss = 0.0, 0.0
    for i in range(first + 1, ready + 1):
        change = values[i] - values[i - 1]
        gain += max(change, 0.0)
        loss += max(-change, 0.0)
    gain, loss = gain / length, loss / length
    last = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
    out[ready] = last
    # A bar without a change scales gain and loss alike: the index stays, and however long the market is closed, neither
    # sinks below what a float can hold. The next change makes up for the bars that were skipped.
    weight, keep, still = 1.0 / length, (length - 1.0) / length, 0
    for i in range(ready + 1, bars):
        change = values[i] - values[i - 1]
        if change == 0.0 and length > 1:
            still += 1
            out[i] = last
            continue
        if still > 0:
            kept = _power(keep, still)
            gain, loss, still = gain * kept, loss * kept, 0
        gain += (max(change, 0.0) - gain) * weight
        loss += (max(-change, 0.0) - loss) * weight
        last = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        out[i] = last
