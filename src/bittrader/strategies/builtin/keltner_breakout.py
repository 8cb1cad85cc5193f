"""Breakouts of a channel as wide as the market is nervous, both ways."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Float, Int


class KeltnerBreakout(Strategy):
    """Long when the close breaks the channel's upper line, short when it breaks the lower one; out at the middle."""

    length = Int(10, 200, default=50)
    width = Float(1, 6, default=2.5)

    def signals(self, chart: Chart) -> Signals:
        channel, close = chart.keltner(self.length, self.length, self.width), chart.close
        return Signals(
            enter_long=crossed_above(close, channel.upper),
            exit_long=close < channel.middle,
            enter_short=crossed_below(close, channel.lower),
            exit_short=close > channel.middle,
        )
