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
    InputError when the timeframe is not a multiple of the candles', or the candles do not fill one bar.
    """
    step, bar = candles.timeframe.milliseconds, timeframe.milliseconds
    if bar % step or bar <= step:
        raise InputError(f"{timeframe} is not a multiple of the candles' {candles.timeframe}.")
    anchor = _FIRST_MONDAY_MS if bar % _WEEK_MS == 0 else 0
    if (int(candles.time[0]) - anchor) % step:
        raise InputError(
            f"these candles do not start on the {candles.timeframe} grid of UTC: {timeframe} cannot be made."
        )
    number = (candles.time - anchor) // bar
    whole = _whole(candles, number * bar + anchor, bar)
    if not whole.any():
        raise InputError(f"these candles do not fill one bar of {timeframe}.")
    first, last = np.flatnonzero(whole)[[0, -1]]
    part, number = candles.window(int(first), int(last) + 1), number[first : last + 1]
    starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
    return Candles(
        symbol=candles.symbol,
        timeframe=timeframe,
        time=number[starts] * bar + anchor,
        open=part.open[starts],
        high=np.maximum.reduceat(part.high, starts),
        low=np.minimum.reduceat(part.low, starts),
        close=part.close[np.concatenate([starts[1:], [len(part)]]) - 1],
        volume=_sums(part.volume, starts),
        synthetic=candles.synthetic,
    )


def _whole(candles: Candles, starts: NDArray[np.int64], bar: int) -> NDArray[np.bool_]:
    """For each row, whether the candles reach over the whole bar that it belongs to."""
    first, end = int(candles.time[0]), int(candles.time[-1]) + candles.timeframe.milliseconds
    return np.asarray((starts >= first) & (starts + bar <= end))


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
