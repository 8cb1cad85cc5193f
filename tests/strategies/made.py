"""Candles made for tests: random ones from a seed, and any that Hypothesis thinks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

HOUR = 3_600_000


def walk(bars: int, seed: int = 1, *, places: int | None = 2, flat: float = 0.0, gaps: float = 0.0) -> Candles:
    """A random walk with opens at the close before; a share of bars may be flat, and a share of hours missing."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.01, bars) * (rng.random(bars) >= flat)
    close = 100 * np.exp(np.cumsum(steps))
    opened = np.concatenate([close[:1], close[:-1]])
    wick = rng.random((2, bars)) * 0.01 * (steps != 0)
    high, low = np.maximum(opened, close) * (1 + wick[0]), np.minimum(opened, close) * (1 - wick[1])
    prices = [opened, high, low, close]
    if places is not None:
        prices = [np.round(column, places) for column in prices]
    time = np.cumsum(1 + rng.integers(1, 9, bars) * (rng.random(bars) < gaps)) * HOUR
    return Candles("TEST", Timeframe(HOUR), time, *prices, volume=rng.random(bars) * 10 * (steps != 0))


def of_closes(closes: ArrayLike) -> Candles:
    """Candles without a range."""
    column = np.asarray(closes, dtype=np.float64)
    time = np.arange(len(column)) * HOUR
    return Candles("TEST", Timeframe(HOUR), time, column, column, column, column, np.ones(len(column)))


@st.composite
def candles(draw: st.DrawFn, least: int = 2, most: int = 120) -> Candles:
    """Random walks, with flat stretches and gaps."""
    return walk(
        draw(st.integers(least, most)),
        draw(st.integers(0, 2**31)),
        places=draw(st.sampled_from([0, 1, 2, 5, None])),
        flat=draw(st.sampled_from([0.0, 0.3, 0.9, 1.0])),
        gaps=draw(st.sampled_from([0.0, 0.2])),
    )


def prices(places: int | None = None) -> st.SearchStrategy[float]:
    """Positive prices, of so many decimal places."""
    if places is None:
        return st.floats(1e-6, 1e6)
    return st.integers(1, 10**7).map(lambda number: number / 10**places)


def same(left: Sequence[object], right: Sequence[object]) -> bool:
    """Whether all arrays are equal, bit for bit."""
    return all(
        np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in zip(left, right, strict=True)
    )
