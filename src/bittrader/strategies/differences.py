"""Where two things that a strategy said differ, and whether what it said was known at the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import is_interrupt
from bittrader.strategies.base import DISTANCES, FLAGS, Signals, Strategy, checked, plain
from bittrader.strategies.chart import Chart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.candles import Candles


def look_ahead(strategy: Strategy, candles: Candles, cuts: int) -> tuple[str, int] | None:
    """A column of its signals, and its first bar, that changes when the candles end just after it acts.

    Looks at no more than `cuts` of the bars where a flag turns; None when nothing shows there. Where the strategy fails
    on so few bars, nothing can be compared: `strategies check` names that.
    """
    whole = _said(strategy, candles)
    flags = [column for name in FLAGS if (column := getattr(whole, name)) is not None]
    changes = [np.diff(column, prepend=False) for column in flags]
    turns = np.flatnonzero(np.logical_or.reduce(changes)) if changes else np.zeros(0, np.int64)
    for turn in np.unique(np.linspace(0, len(turns) - 1, min(cuts, len(turns))).astype(int)):
        bars = int(turns[turn]) + 1
        try:
            part = _said(strategy, candles.head(bars))
        except BaseException as error:
            if is_interrupt(error):
                raise
            continue
        if found := first_difference(whole, part, bars):
            return found
    return None


def _said(strategy: Strategy, candles: Candles) -> Signals:
    return kept(plain(checked(strategy.signals(Chart(candles)), len(candles))))


def kept(signals: Signals) -> Signals:
    """The signals in arrays of their own, in case the strategy writes into its arrays again."""
    columns = {name: getattr(signals, name) for name in (*FLAGS, *DISTANCES)}
    return replace(signals, **{name: None if column is None else column.copy() for name, column in columns.items()})


def first_difference(whole: Signals, part: Signals, bars: int) -> tuple[str, int] | None:
    """The first column, and its first bar, in which the two differ over the first `bars`."""
    found = differing(between(whole, 0, bars), between(part, 0, bars), alike=1e-9)
    return found and (found[0], int(found[1][0]))


def between(signals: Signals, start: int, stop: int | None = None) -> Signals:
    """The signals of some of the bars."""
    columns = {name: getattr(signals, name) for name in (*FLAGS, *DISTANCES)}
    return replace(signals, **{name: one if one is None else one[start:stop] for name, one in columns.items()})


def differing(one: Signals, other: Signals, alike: float) -> tuple[str, NDArray[np.int64]] | None:
    """The first column in which the two differ, and the bars where they do; distances may differ by a share."""
    if one.max_bars != other.max_bars:
        return "max_bars", np.zeros(1, np.int64)
    for name in (*FLAGS, *DISTANCES):
        first, second = getattr(one, name), getattr(other, name)
        if (first is None) != (second is None):
            return name, np.zeros(1, np.int64)
        if first is None:
            continue
        same = first == second if name in FLAGS else np.isclose(first, second, rtol=alike, atol=0.0, equal_nan=True)
        if not same.all():
            return name, np.flatnonzero(~same)
    return None
