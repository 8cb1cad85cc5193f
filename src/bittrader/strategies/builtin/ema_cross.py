"""The crossing of two exponential averages, both ways."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Int


class EmaCross(Strategy):
    """Long while a fast exponential average is above a slow one, short while it is below."""

    fast = Int(3, 100, default=20)
    slow = Int(10, 400, default=100)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        fast, slow = chart.ema(self.fast), chart.ema(self.slow)
        up, down = crossed_above(fast, slow), crossed_below(fast, slow)
        return Signals(enter_long=up, exit_long=down, enter_short=down, exit_short=up)
