from __future__ import annotations

from bittrader import backtest
from bittrader.market.sample import synthetic


def test_a_result_is_shown_without_its_columns():
    shown = repr(backtest("buy-and-hold", synthetic(bars=500)))
    assert "array(" not in shown
    assert "<Trades: 0>" in shown
    assert "sharpe=" in shown
