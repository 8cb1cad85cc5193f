"""Breakouts of a price channel, both ways: the turtles' rule."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import previous
from bittrader.strategies.parameters import Int


class DonchianBreakout(Strategy):
    """Long when the close breaks the high of the last `entry_length` bars, out when it breaks the low of the last
    `exit_length`; short the other way round.
    """

    entry_length = Int(10, 300, default=55)
    exit_length = Int(5, 150, default=20)
    constraints = (exit_length <= entry_length,)

    def signals(self, chart: Chart) -> Signals:
        entry, leave = chart.donchian(self.entry_length), chart.donchian(self.exit_length)
        return Signals(
            enter_long=chart.close > previous(entry.upper),
            exit_long=chart.close < previous(leave.lower),
            enter_short=chart.close < previous(entry.lower),
            exit_short=chart.close > previous(leave.upper),
        )
