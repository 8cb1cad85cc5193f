"""Markets to search: of nothing but luck, and with something to be found."""

from __future__ import annotations

import numpy as np

from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe

_HOUR = 3_600_000
_BEGIN = 1_600_000_000_000 // _HOUR * _HOUR
# An hour's standard deviation, much like Bitcoin's.
DEVIATION = 0.006


def candles(returns, seed=0, first=0):
    """Hourly candles with these logarithmic returns from open to close; the first begins `first` hours in."""
    rng = np.random.default_rng(1_000_000 + seed)
    close = 100.0 * np.exp(np.cumsum(returns))
    opened = np.concatenate(([100.0], close[:-1]))
    up, down = np.abs(rng.normal(0.0, DEVIATION / 2, (2, len(close))))
    return Candles(
        symbol="MADE-UP",
        timeframe=Timeframe.parse("1h"),
        time=_BEGIN + _HOUR * (first + np.arange(len(close))),
        open=opened,
        high=np.maximum(opened, close) * np.exp(up),
        low=np.minimum(opened, close) * np.exp(-down),
        close=close,
        volume=np.ones(len(close)),
        synthetic=True,
    )


def random_walk(bars, seed, drift=0.0):
    """Independent returns; `drift` a year."""
    return drift / 8760 + DEVIATION * np.random.default_rng(seed).standard_normal(bars)


def clustered(bars, seed):
    """Independent signs, but wild and calm times: GARCH(1, 1), Bollerslev (1986)."""
    shocks = np.random.default_rng(seed).standard_normal(bars)
    variance, returns = DEVIATION**2, np.empty(bars)
    for at in range(bars):
        returns[at] = np.sqrt(variance) * shocks[at]
        variance = 0.02 * DEVIATION**2 + 0.10 * returns[at] ** 2 + 0.88 * variance
    return returns


def trending(bars, seed, strength=0.2):
    """Rises and falls of about 200 bars each, whose mean return is `strength` standard deviations."""
    rng = np.random.default_rng(seed)
    side = np.where(np.cumsum(rng.random(bars) < 1 / 200) % 2 == 0, 1.0, -1.0)
    return DEVIATION * (rng.standard_normal(bars) + strength * side)


def reverting(bars, seed, pull=0.05):
    """Prices that are drawn back to where they began: Ornstein and Uhlenbeck (1930), a step a bar."""
    shocks = DEVIATION * np.random.default_rng(seed).standard_normal(bars)
    level, levels = 0.0, np.empty(bars)
    for at in range(bars):
        level = (1.0 - pull) * level + shocks[at]
        levels[at] = level
    return np.diff(levels, prepend=0.0)
