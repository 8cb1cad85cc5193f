"""Holding the market: what every other strategy has to beat."""

import numpy as np

from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.chart import Chart


class BuyAndHold(Strategy):
    """Buys at the first chance and never sells."""

    def signals(self, chart: Chart) -> Signals:
        enter = np.zeros(len(chart), dtype=np.bool_)
        enter[0] = True
        return Signals(enter_long=enter)
