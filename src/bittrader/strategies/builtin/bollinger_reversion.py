"""Back to the average from outside Bollinger's bands, both ways."""

from bittrader.strategies.base import Multiple, Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Float, Int


class BollingerReversion(Strategy):
    """Long when the close falls through the lower band, short when it rises through the upper one.

    Out at the average, or at a stop.
    """

    length = Int(10, 200, default=20)
    width = Float(1, 4, default=2)
    stop_atr = Float(1, 10, default=4)

    def signals(self, chart: Chart) -> Signals:
        bands, close = chart.bollinger(self.length, self.width), chart.close
        return Signals(
            enter_long=crossed_below(close, bands.lower),
            exit_long=close >= bands.middle,
            enter_short=crossed_above(close, bands.upper),
            exit_short=close <= bands.middle,
            stop=Multiple(chart.atr(14), self.stop_atr),
        )
