"""With the supertrend, both ways."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Float, Int


class Supertrend(Strategy):
    """Long from the bar where the trend turns up, short from where it turns down."""

    length = Int(5, 100, default=10)
    width = Float(1, 10, default=3)

    def signals(self, chart: Chart) -> Signals:
        trend = chart.supertrend(self.length, self.width).trend
        up, down = crossed_above(trend, 0.0), crossed_below(trend, 0.0)
        return Signals(enter_long=up, exit_long=down, enter_short=down, exit_short=up)
