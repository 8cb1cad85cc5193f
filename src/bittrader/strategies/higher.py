"""Bars of a longer timeframe, and which of them is known when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import StrategyError
from bittrader.jit import compiled
from bittrader.market.candles import Candles
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.timeframe import Timeframe

_WEEK_MS = 7 * 86_400_000
_FIRST_MONDAY_MS = 4 * 86_400_000  # 1970-01-01 was a Thursday


def higher_bars(candles: Candles, timeframe: Timeframe) -> tuple[Candles, NDArray[np.int64]]:
    """The candles as bars on the longer timeframe's UTC grid (weeks from Monday), and for each candle the index of the
    last of these that is complete at its close, -1 where none is.

    A first bar that began before the candles did is never complete. Gaps make a bar from what is there, and a bar of
    which the last candles are missing is complete at the close of the next candle there is.
    """
    step, bar = candles.timeframe.milliseconds, timeframe.milliseconds
    if bar % step:
        raise StrategyError(f"{timeframe} is not a multiple of the candles' {candles.timeframe}.")
    anchor = _FIRST_MONDAY_MS if bar % _WEEK_MS == 0 else 0
    number = (candles.time - anchor) // bar
    if number[0] * bar + anchor < candles.time[0] and number[-1] > number[0]:
        whole = np.searchsorted(number, number[0], side="right")
        bars = _joined(candles.window(int(whole), len(candles)), timeframe, number[whole:], anchor)
    else:
        bars = _joined(candles, timeframe, number, anchor)
    ends = bars.time + bar
    if bars.time[0] < candles.time[0]:  # one bar, which began before the candles
        ends = ends + (candles.time[-1] - candles.time[0]) + 2 * bar
    return bars, np.searchsorted(ends, candles.time + step, side="right") - 1


def aligned(values: Series, last: NDArray[np.int64]) -> Series:
    """For each candle, the value of its longer bar."""
    out = buffers.series(len(last))
    _align(as_series(values), last, out)
    return out


def _joined(candles: Candles, timeframe: Timeframe, number: NDArray[np.int64], anchor: int) -> Candles:
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    return Candles(
        symbol=candles.symbol,
        timeframe=timeframe,
        time=number[starts] * timeframe.milliseconds + anchor,
        open=candles.open[starts],
        high=np.maximum.reduceat(candles.high, starts),
        low=np.minimum.reduceat(candles.low, starts),
        close=candles.close[np.append(starts[1:], len(candles)) - 1],
        volume=np.add.reduceat(candles.volume, starts),
        synthetic=candles.synthetic,
    )


@compiled
def _align(values: Series, last: NDArray[np.int64], out: Series) -> None:
    for i in range(len(last)):
        out[i] = values[last[i]] if last[i] >= 0 else np.nan
