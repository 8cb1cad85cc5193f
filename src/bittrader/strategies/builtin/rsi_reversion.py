"""Against extremes of the relative strength index, both ways, with stops."""

from bittrader.strategies.base import Multiple, Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.crossings import crossed_out
from bittrader.strategies.parameters import Float, Int


class RsiReversion(Strategy):
    """Long when the RSI falls below `lower`, short when it rises above `upper`.

    Out by stop, target or trailing stop, in multiples of the average true range at the signal.
    """

    rsi_length = Int(2, 50, default=14)
    lower = Float(5, 50, default=30)
    upper = Float(50, 95, default=70)
    atr_length = Int(2, 100, default=14)
    stop_atr = Float(0.5, 10, default=2)
    target_atr = Float(0.5, 20, default=3)
    trail_atr = Float(0.5, 20, default=4)
    constraints = (lower < upper,)

    def signals(self, chart: Chart) -> Signals:
        rsi, atr = chart.rsi(self.rsi_length), chart.atr(self.atr_length)
        oversold, overbought = crossed_out(rsi, self.lower, self.upper)
        return Signals(
            enter_long=oversold,
            enter_short=overbought,
            stop=Multiple(atr, self.stop_atr),
            target=Multiple(atr, self.target_atr),
            trail=Multiple(atr, self.trail_atr),
        )
