"""The crossing of two simple averages, long only."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.parameters import Int


class SmaCross(Strategy):
    """Long while a fast simple average is above a slow one.

    `chart.sma_crosses(fast, slow)` gives the very flags of `crossed_above(chart.sma(fast), chart.sma(slow))` and of
    `crossed_below`, in a fifth of the time: it compares the sums that the averages would be made from.
    """

    fast = Int(5, 100, default=20)
    slow = Int(50, 400, default=100)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        up, down = chart.sma_crosses(self.fast, self.slow)
        return Signals(enter_long=up, exit_long=down)
