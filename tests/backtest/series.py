"""Candles and signals for tests of the engine: drawn by Hypothesis, or from a seed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from bittrader.backtest.costs import Costs, Sizing
from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe
from bittrader.strategies.base import Signals

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_MS = 3_600_000


def walk(bars: int, seed: int, volatility: float = 0.02, step: float = 0.01) -> Candles:
    """A random walk on a grid of prices: a coarse one makes equal prices, and so ties, frequent."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, bars)))
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(rng.choice([0.0, 0.0, 0.01, -0.01], bars))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, volatility / 2, bars)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, volatility / 2, bars)))
    prices = (np.maximum(np.round(column / step), 1) * step for column in (open_, high, low, close))
    return Candles("WALK", Timeframe.parse("1h"), np.arange(bars) * HOUR_MS, *prices, np.ones(bars))


def signals(bars: int, seed: int, density: float, columns: dict[str, bool], max_bars: int | None) -> Signals:
    """Random flags, true as often as `density` says, and random distances, some unknown; for the columns asked for."""
    rng = np.random.default_rng(seed)
    make: dict[str, Callable[[], np.ndarray]] = {
        **dict.fromkeys(("enter_long", "exit_long", "enter_short", "exit_short"), lambda: rng.random(bars) < density),
        **dict.fromkeys(
            ("stop", "target", "trail"), lambda: np.where(rng.random(bars) < 0.1, np.nan, rng.exponential(3, bars))
        ),
    }
    return Signals(**{name: make[name]() for name, wanted in columns.items() if wanted}, max_bars=max_bars)


def columns() -> st.SearchStrategy[dict[str, bool]]:
    """Which columns of the signals to use."""
    names = ("enter_long", "exit_long", "enter_short", "exit_short", "stop", "target", "trail")
    return st.fixed_dictionaries({name: st.booleans() for name in names})


def costs() -> st.SearchStrategy[Costs]:
    """Costs, free to ruinous."""
    return st.builds(
        Costs,
        fee=st.sampled_from([0.0, 0.001, 0.05]),
        slippage_bps=st.sampled_from([0.0, 5.0, 200.0]),
        funding_rate=st.sampled_from([0.0, 0.0, 0.001, -0.01]),
        funding_hours=st.sampled_from([8.0, 1.0, 0.5]),
    )


def sizings() -> st.SearchStrategy[Sizing]:
    """Sizings, timid to reckless."""
    return st.builds(
        Sizing,
        fraction=st.sampled_from([1.0, 1.0, 0.5, 0.1]),
        leverage=st.sampled_from([1.0, 1.0, 2.0, 5.0, 50.0]),
        risk_per_trade=st.sampled_from([None, None, 0.02, 0.5]),
        maintenance_margin=st.sampled_from([0.005, 0.0, 0.2]),
    )


@st.composite
def spans_of(draw: st.DrawFn, bars: int) -> list[tuple[int, int]]:
    """Spans of a series, in order, some of them touching."""
    edges = sorted(draw(st.sets(st.integers(0, bars), min_size=2, max_size=8)))
    between = list(pairwise(edges))
    kept = draw(st.lists(st.booleans(), min_size=len(between), max_size=len(between)))
    return [span for span, keep in zip(between, kept, strict=True) if keep] or between
