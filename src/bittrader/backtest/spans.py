"""Spans of a series: which of its bars are traded, and those bars as a series of their own."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.inputs import Where
from bittrader.errors import InputError
from bittrader.market.candles import Candles
from bittrader.market.timeframe import YEAR_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Span = tuple[int, int]
"""The bars from the first index up to, not including, the second."""


def checked_spans(spans: Sequence[Span] | None, bars: int) -> tuple[Span, ...]:
    """The spans, or one over everything; InputError when one is empty, out of order or outside of the series."""
    if spans is None:
        return ((0, bars),)
    found = tuple((int(start), int(stop)) for start, stop in spans)
    ends = [edge for span in found for edge in span]
    ordered = all(start < stop for start, stop in found) and all(before <= after for before, after in pairwise(ends))
    if not found or not ordered or ends[0] < 0 or ends[-1] > bars:
        raise InputError(f"spans must be pairs of bar indexes in order, none empty, up to {bars}, not {list(found)}.")
    return found


def where(candles: Candles, spans: Sequence[Span]) -> Where:
    """The spans as the kernel takes them. From one span to the next is one bar's time, as equity goes on there."""
    starts, stops = np.array(spans, dtype=np.int64).T
    inside = int((candles.time[stops - 1] - candles.time[starts]).sum())
    between = (len(spans) - 1) * candles.timeframe.milliseconds
    return Where(starts.copy(), stops.copy(), int((stops - starts).sum()), (inside + between) / YEAR_MS)


def joined(candles: Candles, spans: Sequence[Span]) -> Candles:
    """The bars of the spans as one series, with a gap where a span does not follow on the one before."""
    if len(spans) == 1:
        return candles if spans[0] == (0, len(candles)) else candles.window(*spans[0])
    columns = {
        name: np.concatenate([column[start:stop] for start, stop in spans])
        for name, column in candles.columns().items()
    }
    return Candles(symbol=candles.symbol, timeframe=candles.timeframe, synthetic=candles.synthetic, **columns)


def index_in_joined(spans: Sequence[Span], bars: NDArray[np.int64]) -> NDArray[np.int64]:
    """For bars that lie in the spans, their indexes in the joined series."""
    starts, stops = np.array(spans, dtype=np.int64).T
    before = np.concatenate(([0], np.cumsum(stops - starts)[:-1]))
    moves: NDArray[np.int64] = before - starts
    return bars + moves[np.searchsorted(starts, bars, side="right") - 1]
