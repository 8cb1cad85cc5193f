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
    before = bars.close[:-1]
    shapes = np.column_stack([np.log(bars.close[1:] / before), *(column[1:] / before for column in bars[:3])])
    order = rng.permutation(len(before))
    shapes = shapes[order]
    close = bars.close[0] * np.exp(np.concatenate(([0.0], np.cumsum(shapes[:, 0]))))
    opened, high, low = (
        np.concatenate((column[:1], close[:-1] * shapes[:, kind])) for kind, column in enumerate(bars[:3], start=1)
    )
    # Rounding must not put a high below another price of its bar.
    high, low = (
        np.array(extreme.reduce((opened, one, close))) for extreme, one in ((np.maximum, high), (np.minimum, low))
    )
    return Bars(opened, high, low, close, np.concatenate((bars.volume[:1], bars.volume[1:][order])))
