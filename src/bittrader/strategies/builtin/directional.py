"""Wilder's directional movement, both ways."""

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Float, Int


class Directional(Strategy):
    """Goes with the stronger of the two directional indicators when it takes over, if the movement is one-sided enough;
    out when the other takes over.
    """

    length = Int(7, 60, default=14)
    strength = Float(5, 50, default=20)

    def signals(self, chart: Chart) -> Signals:
        plus, minus = chart.plus_di(self.length), chart.minus_di(self.length)
        up, down = crossed_above(plus, minus), crossed_below(plus, minus)
        strong = chart.adx(self.length) > self.strength
        return Signals(enter_long=up & strong, exit_long=down, enter_short=down & strong, exit_short=up)
