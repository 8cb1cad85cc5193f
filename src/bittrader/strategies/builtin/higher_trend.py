"""Crossings in the direction of a longer timeframe, long only."""

from bittrader.strategies.base import Multiple, Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Choice, Float, Int


class HigherTrend(Strategy):
    """Long when a fast exponential average crosses above a slow one while the last finished bar of a longer timeframe
    closed above its own average; out when it crosses below, or by a trailing stop.
    """

    fast = Int(3, 50, default=10)
    slow = Int(20, 200, default=50)
    timeframe = Choice("4h", "12h", "1d", default="1d")
    trend_length = Int(5, 100, default=20)
    trail_atr = Float(1, 15, default=5)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        fast, slow, longer = chart.ema(self.fast), chart.ema(self.slow), chart.higher(str(self.timeframe))
        return Signals(
            enter_long=crossed_above(fast, slow) & (longer.close > longer.sma(self.trend_length)),
            exit_long=crossed_below(fast, slow),
            trail=Multiple(chart.atr(14), self.trail_atr),
        )
