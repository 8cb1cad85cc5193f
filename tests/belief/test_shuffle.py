"""Shuffled bars are bars, and the same ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.belief.shuffle import Bars, shuffled
from bittrader.market.sample import synthetic


def bars(count=300, seed=1):
    candles = synthetic(count, seed)
    return Bars(candles.open, candles.high, candles.low, candles.close, candles.volume)


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_every_bar_stays_a_bar(count, seed) -> None:
    found = shuffled(bars(count), np.random.default_rng(seed))
    prices = np.stack(found[:4])
    assert (prices > 0).all()
    assert (found.high == prices.max(axis=0)).all()
    assert (found.low == prices.min(axis=0)).all()


@given(st.integers(2, 200), st.integers(0, 2**32 - 1))
def test_moves_change_their_order_and_nothing_else(count, seed) -> None:
    before = bars(count)
    after = shuffled(before, np.random.default_rng(seed))
    facts = []
    for one in (before, after):
        shapes = [np.log(column[1:] / one.close[:-1]) for column in one[:4]]
        facts.append(np.stack([*shapes, one.volume[1:]]))
    order = [np.lexsort(np.round(table, 9)) for table in facts]
    assert facts[1][:, order[1]] == pytest.approx(facts[0][:, order[0]], rel=1e-9, abs=1e-9)
    assert after.close[-1] == pytest.approx(before.close[-1])


def test_the_same_seed_gives_the_same_market_and_another_one_another() -> None:
    first, again, other = (shuffled(bars(), np.random.default_rng(seed)).close for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_trend_is_gone_but_not_the_rise() -> None:
    before = bars(2000)
    trending = np.cumprod(np.repeat([1.001, 0.9995], 1000))
    market = Bars(trending, trending, trending, trending, before.volume)
    after = shuffled(market, np.random.default_rng(0)).close
    assert after[-1] == pytest.approx(trending[-1])
    halves = np.diff(np.log(after))[:999].sum(), np.diff(np.log(trending))[:999].sum()
    assert halves[0] < 0.7 * halves[1]
