"""Dips in a rising market, long only."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_below
from bittrader.strategies.parameters import Float, Int


class RsiPullback(Strategy):
    """Long when a short RSI falls below `dip` while the close is above a long average; out when the RSI is back above
    `recovery`, or after `max_bars`.
    """

    trend_length = Int(50, 400, default=200)
    rsi_length = Int(2, 14, default=3)
    dip = Float(2, 40, default=15)
    recovery = Float(45, 90, default=65)
    max_bars = Int(3, 200, default=48)

    def signals(self, chart: Chart) -> Signals:
        rsi = chart.rsi(self.rsi_length)
        return Signals(
            enter_long=crossed_below(rsi, self.dip) & (chart.close > chart.sma(self.trend_length)),
            exit_long=rsi > self.recovery,
            max_bars=self.max_bars,
        )
