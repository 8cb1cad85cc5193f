"""A market with the same bars in another order: what any pattern in it was worth is gone, its rise is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]


class Bars(NamedTuple):
    """The columns of a series that a shuffle moves."""

    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column


def shuffled(bars: Bars, rng: np.random.Generator) -> Bars:
    """The bars after the first in random order, each with its own gap from the close before it, shape and volume.

    The last close is the same up to rounding. Aronson, Evidence-Based Technical Analysis (2006), chapter 6; the bars
    are moved as Masters, Permutation and Randomization Tests for Trading System Development (2020), moves them, but
    with their gaps.
    """
    order = 1 + rng.permutation(len(bars.open) - 1)
    move = np.log(bars.close[order] / bars.close[order - 1])
    close = bars.close[0] * np.exp(np.concatenate(([0.0], np.cumsum(move))))
    before = close[:-1] / bars.close[order - 1]
    moved = [np.concatenate((column[:1], column[order] * before)) for column in bars[:3]]
    prices = np.stack((*moved, close))  # rounding must not put a high below a close
    volume = np.concatenate((bars.volume[:1], bars.volume[order]))
    return Bars(prices[0], prices.max(axis=0), prices.min(axis=0), close, volume)
