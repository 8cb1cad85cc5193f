from __future__ import annotations

import numpy as np
import pytest

from bittrader import Int, Signals, Strategy
from bittrader.market.sample import synthetic
from bittrader.strategies.differences import look_ahead
from bittrader.strategies.registry import builtin_strategies, load_strategy

MARKET = synthetic(2_000)


class Pivots(Strategy):
    """Buys where a low turns out, `wait` bars later, to have been one."""

    wait = Int(1, 5)

    def signals(self, chart):
        low = np.zeros(len(chart), dtype=np.bool_)
        low[: -self.wait] = chart.close[: -self.wait] < chart.close[self.wait :]
        return Signals(enter_long=low, exit_long=~low)


class Silent(Strategy):
    """Never says anything."""

    def signals(self, chart):
        return Signals(enter_long=np.zeros(len(chart), dtype=np.bool_))


@pytest.mark.parametrize("wait", [1, 5])
def test_what_marks_the_past_later_is_found(wait):
    column, bar = look_ahead(Pivots(wait=wait), MARKET, cuts=4)
    assert column == "enter_long"
    assert 0 <= bar < len(MARKET)


@pytest.mark.parametrize("strategy", [Silent, *map(load_strategy, builtin_strategies())], ids=lambda one: one.name)
def test_what_knows_only_the_past_is_not_blamed(strategy):
    assert look_ahead(strategy(), MARKET, cuts=8) is None


class Impatient(Strategy):
    """Fails on fewer bars than it wants, and looks ahead on none."""

    def signals(self, chart):
        if len(chart) < len(MARKET):
            raise IndexError("too few bars")
        return Signals(enter_long=chart.close > chart.sma(20))


def test_what_fails_on_fewer_bars_is_neither_blamed_nor_in_the_way():
    assert look_ahead(Impatient(), MARKET, cuts=8) is None
