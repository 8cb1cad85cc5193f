"""Moving average convergence divergence against its own average, both ways."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Int


class Macd(Strategy):
    """Long when the line crosses above its average, short when it crosses below."""

    fast = Int(5, 50, default=12)
    slow = Int(15, 200, default=26)
    signal = Int(3, 50, default=9)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        macd = chart.macd(self.fast, self.slow, self.signal)
        up, down = crossed_above(macd.line, macd.signal), crossed_below(macd.line, macd.signal)
        return Signals(enter_long=up, exit_long=down, enter_short=down, exit_short=up)
