"""With what has risen, long only."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Float, Int


class Momentum(Strategy):
    """Long once the price has risen by more than `threshold` per cent over `length` bars, until it falls over them."""

    length = Int(10, 500, default=100)
    threshold = Float(0, 30, default=5)

    def signals(self, chart: Chart) -> Signals:
        change = chart.roc(self.length)
        return Signals(enter_long=crossed_above(change, self.threshold), exit_long=crossed_below(change, 0.0))
