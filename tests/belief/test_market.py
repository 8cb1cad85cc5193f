"""Returns beyond the market, and the periods they are measured in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.belief.returns import noise, tables

from bittrader.belief.market import betas, beyond, period_ends, period_returns


@given(tables)
def test_what_is_beyond_the_market_has_nothing_in_common_with_it(table) -> None:
    market = noise(len(table), seed=5)[:, 0]
    rest = beyond(table, market)
    assert betas(rest, market) == pytest.approx(0.0, abs=1e-9)


@given(st.floats(-3, 3))
@example(2.225073858507e-311)
@example(1e-300)
def test_holding_more_or_less_of_the_market_earns_nothing_beyond_it(share) -> None:
    market = noise(200, mean=0.002)
    assert (beyond(share * market, market[:, 0]) == 0.0).all()


def test_beta_is_that_of_a_regression_with_an_intercept() -> None:
    market, table = noise(300, mean=0.001)[:, 0], noise(300, 3, seed=2) + 0.7 * noise(300)
    expected = [np.polyfit(market, column, 1)[0] for column in table.T]
    assert betas(table, market) == pytest.approx(expected)


def test_a_market_that_never_moved_is_held_by_nobody() -> None:
    table = noise(50, 2)
    assert (beyond(table, np.zeros(50)) == table).all()


@given(st.integers(1, 5000), st.integers(1, 300))
def test_periods_are_equal_end_with_the_last_bar_and_are_not_too_many(bars, most) -> None:
    ends = period_ends(bars, most)
    lengths = set(np.diff(ends).tolist())
    assert len(lengths) <= 1
    assert ends[-1] == bars - 1
    assert len(ends) - 1 <= most
    assert 0 <= ends[0] < (lengths.pop() if lengths else 1)


def test_periods_are_as_many_as_may_be_when_there_are_enough_bars() -> None:
    assert len(period_ends(297_000, 2048)) - 1 > 2020


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_period_returns_compound_to_the_whole(seed, most) -> None:
    equity = np.cumprod(1.0 + noise(100, seed=seed)[:, 0])
    ends = period_ends(100, most)
    assert np.prod(1.0 + period_returns(equity, ends)) == pytest.approx(equity[-1] / equity[ends[0]])


def test_nothing_is_earned_after_all_was_lost() -> None:
    assert period_returns(np.array([1.0, 0.5, 0.0, 0.0]), np.arange(4)).tolist() == [-0.5, -1.0, 0.0]
