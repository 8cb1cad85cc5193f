"""Bars of a longer timeframe, and which of them is known when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import StrategyError
from bittrader.jit import compiled
from bittrader.market.resample import bar_starts, joined
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.candles import Candles
    from bittrader.market.timeframe import Timeframe


def higher_bars(candles: Candles, timeframe: Timeframe) -> tuple[Candles, NDArray[np.int64]]:
    """The candles as bars on the longer timeframe's UTC grid (weeks from Monday), and for each candle the index of the
    last of these that is complete at its close, -1 where none is.

    A first bar that began before the candles did is never complete. Gaps make a bar from what is there, and a bar of
    which the last candles are missing is complete at the close of the next candle there is.
    """
    step, bar = candles.timeframe.milliseconds, timeframe.milliseconds
    if bar % step:
        raise StrategyError(f"{timeframe} is not a multiple of the candles' {candles.timeframe}.")
    starts = bar_starts(candles.time, timeframe)
    if starts[0] < candles.time[0] and starts[-1] > starts[0]:
        whole = np.searchsorted(starts, starts[0], side="right")
        bars = joined(candles.window(int(whole), len(candles)), timeframe)
    else:
        bars = joined(candles, timeframe)
    ends = bars.time + bar
    if bars.time[0] < candles.time[0]:  # one bar, which began before the candles
        ends = ends + (candles.time[-1] - candles.time[0]) + 2 * bar
    return bars, np.searchsorted(ends, candles.time + step, side="right") - 1


def aligned(values: Series, last: NDArray[np.int64]) -> Series:
    """For each candle, the value of its longer bar."""
    out = buffers.series(len(last))
    _align(as_series(values), last, out)
    return out


@compiled
def _align(values: Series, last: NDArray[np.int64], out: Series) -> None:
    for i in range(len(last)):
        out[i] = values[last[i]] if last[i] >= 0 else np.nan
