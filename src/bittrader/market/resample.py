"""Candles of a longer timeframe, put together exactly from shorter ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import InputError
from bittrader.market.candles import Candles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.timeframe import Timeframe

_WEEK_MS = 7 * 86_400_000
# Weeks start on Monday; 1970-01-01 was a Thursday.
_FIRST_MONDAY_MS = 4 * 86_400_000


def resample(candles: Candles, timeframe: Timeframe) -> Candles:
    """The candles as bars of a longer timeframe, on its UTC grid (weeks from Monday).

    The first and the last bar are left out unless the candles reach from their start to their end. A bar with a gap
    inside is made from the bars that are there, as an exchange would make it; one with no bars stays missing.
    InputError when the timeframe is not a longer multiple of the candles', or the candles do not fill one bar.
    """
    step, bar = candles.timeframe.milliseconds, timeframe.milliseconds
    if bar == step:
        raise InputError(f"the candles are {timeframe} already.")
    if bar % step:
        raise InputError(f"{timeframe} is not a multiple of the candles' {candles.timeframe}.")
    starts = bar_starts(candles.time, timeframe)
    if (candles.time[0] - starts[0]) % step:
        raise InputError(
            f"these candles do not start on the {candles.timeframe} grid of UTC: {timeframe} cannot be made."
        )
    first, end = int(candles.time[0]), int(candles.time[-1]) + step
    whole = (starts >= first) & (starts + bar <= end)
    if not whole.any():
        raise InputError(f"these candles do not fill one bar of {timeframe}.")
    first, last = np.flatnonzero(whole)[[0, -1]]
    return joined(candles.window(int(first), int(last) + 1), timeframe)


def bar_starts(time: NDArray[np.int64], timeframe: Timeframe) -> NDArray[np.int64]:
    """For each moment, the start of the bar of UTC's grid (weeks from Monday) that it lies in."""
    bar = timeframe.milliseconds
    anchor = _FIRST_MONDAY_MS if bar % _WEEK_MS == 0 else 0
    starts: NDArray[np.int64] = (time - anchor) // bar * bar + anchor
    return starts


def joined(candles: Candles, timeframe: Timeframe) -> Candles:
    """The candles put together to the bars of UTC's grid that they lie in, whether they fill these or not."""
    time = bar_starts(candles.time, timeframe)
    firsts = np.flatnonzero(np.diff(time, prepend=time[0] - 1))
    return Candles(
        symbol=candles.symbol,
        timeframe=timeframe,
        time=time[firsts],
        open=candles.open[firsts],
        high=np.maximum.reduceat(candles.high, firsts),
        low=np.minimum.reduceat(candles.low, firsts),
        close=candles.close[np.append(firsts[1:], len(candles)) - 1],
        volume=_sums(candles.volume, firsts),
        synthetic=candles.synthetic,
    )


def _sums(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of each group of values, to the last bit or nearly: what a rounding loses is carried along (Neumaier)."""
    lengths = np.diff(np.concatenate([starts, [len(values)]]))
    total, lost = np.zeros(len(starts)), np.zeros(len(starts))
    for place in range(int(lengths.max())):
        groups = np.flatnonzero(lengths > place)
        old, value = total[groups], values[starts[groups] + place]
        new = old + value
        lost[groups] += np.where(old >= value, (old - new) + value, (value - new) + old)
        total[groups] = new
    return np.asarray(total + lost)
