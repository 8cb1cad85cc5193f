"""What is measured: the candles, the parameter sets of each workload, and a user's own strategy."""

from __future__ import annotations

import numpy as np

from bittrader import Chart, Float, Int, Signals, Strategy
from bittrader.market.sample import synthetic
from bittrader.market.store import load_candles, store, stored

BARS = 297_000
FEE = 0.001


def candles(bars: int = BARS):
    """The synthetic series, stored on first use."""
    name = f"bench-{bars}"
    if name not in {series.name for series in stored()}:
        store(synthetic(bars), name)
    return load_candles(name)


def sma_cross_sets(count: int) -> list[dict[str, int]]:
    """W1: fast in 5..100, slow in 50..400, fast < slow."""
    rng = np.random.default_rng(1)
    pairs = rng.integers((5, 50), (101, 401), (2 * count + 20, 2))
    return [{"fast": int(fast), "slow": int(slow)} for fast, slow in pairs if fast < slow][:count]


def rsi_reversion_sets(count: int) -> list[dict[str, float]]:
    """W2: lengths of 5 to 30, and levels and stops as people set them."""
    rng = np.random.default_rng(2)
    return [
        {
            "rsi_length": int(rng.integers(5, 31)),
            "lower": float(rng.uniform(20, 40)),
            "upper": float(rng.uniform(60, 80)),
            "atr_length": int(rng.integers(5, 31)),
            "stop_atr": float(rng.uniform(1, 5)),
            "target_atr": float(rng.uniform(1, 8)),
            "trail_atr": float(rng.uniform(1, 8)),
        }
        for _ in range(count)
    ]


class WideCross(Strategy):
    """W1 with longer lengths, too: of its 14 million sets a search of a million asks few twice."""

    fast = Int(5, 2000)
    slow = Int(50, 8000)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        up, down = chart.sma_crosses(self.fast, self.slow)
        return Signals(enter_long=up, exit_long=down)


class Own(Strategy):
    """What a user might write: usual indicators, and comparisons of arrays; nothing of it is tuned."""

    trend = Int(50, 400)
    length = Int(5, 30)
    low = Float(20, 45)
    high = Float(55, 80)
    stop_atr = Float(1, 5)

    def signals(self, chart: Chart) -> Signals:
        rsi = chart.rsi(self.length)
        rising = chart.close > chart.sma(self.trend)
        return Signals(
            enter_long=rising & (rsi < self.low),
            exit_long=(rsi > self.high) | (chart.close < 0.98 * chart.sma(self.trend)),
            stop=self.stop_atr * chart.atr(14),
        )


class OwnNumpy(Strategy):
    """The same kind of strategy by someone who knows numpy and none of our indicators."""

    length = Int(20, 400)
    width = Float(1, 3)

    def signals(self, chart: Chart) -> Signals:
        close, n = chart.close, self.length
        sums, squares = np.cumsum(close), np.cumsum(close * close)
        mean, variance = np.full(len(close), np.nan), np.full(len(close), np.nan)
        mean[n:] = (sums[n:] - sums[:-n]) / n
        variance[n:] = (squares[n:] - squares[:-n]) / n - mean[n:] ** 2
        upper = mean + self.width * np.sqrt(np.maximum(variance, 0))
        return Signals(enter_long=close > upper, exit_long=close < mean)


def sets_of(strategy: type[Strategy], count: int) -> list[dict[str, object]]:
    """Parameter sets drawn evenly from a strategy's space."""
    rows = strategy.space.sample(np.random.default_rng(3), count)
    return [strategy.space.decode(row) for row in rows]
