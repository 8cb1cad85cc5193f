"""The best set under other circumstances: which ones there are, and how they are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.optimize.spaces import crossing

from bittrader.backtest.costs import Costs
from bittrader.optimize.goals import Objective
from bittrader.optimize.verdict.stress import circumstances, neighbourhood, neighbours, permutation
from bittrader.strategies.builtin.buy_and_hold import BuyAndHold
from bittrader.strategies.builtin.rsi_reversion import RsiReversion

SHARPE, DRAWDOWN = Objective("sharpe", "maximize"), Objective("max_drawdown", "minimize")


@pytest.mark.parametrize("space", [crossing(), RsiReversion.space])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_neighbour_is_allowed_and_differs_in_one_parameter(space, seed):
    (best,) = space.sample(np.random.default_rng(seed), 1)
    around = neighbours(space, best)
    assert space.feasible(around).all()
    assert ((around != best).sum(axis=1) == 1).all()
    assert len(around) <= 2 * len(best)
    # A step is small: at most a tenth of the range, or the next value where there are few.
    steps = np.abs(space.position(around) - space.position(best[None])).max(axis=1)
    fewest = min(parameter.count for parameter in space.parameters)
    assert (steps <= max(0.11, 2.0 / fewest)).all()


def test_the_set_in_the_middle_has_neighbours_on_both_sides_of_each_parameter():
    best = RsiReversion.space.encode({})
    assert len(neighbours(RsiReversion.space, best)) >= len(best)


def test_a_strategy_without_parameters_has_no_neighbours():
    space = BuyAndHold.space
    assert neighbours(space, space.encode({})).shape == (0, 0)
    assert neighbourhood(SHARPE, 1.0, np.array([])) is None


def test_what_is_kept_is_the_middle_neighbours_share_of_the_best():
    found = neighbourhood(SHARPE, 2.0, np.array([1.0, 0.5, 1.8]))
    assert (found.count, found.median, found.worst, found.kept) == (3, 1.0, 0.5, 0.5)


def test_of_what_is_to_be_small_more_keeps_less():
    found = neighbourhood(DRAWDOWN, 0.1, np.array([0.1, 0.2, 0.4]))
    assert (found.median, found.worst, found.kept) == (0.2, 0.4, 0.5)


def test_neighbours_that_fail_are_the_worst_and_have_no_value():
    found = neighbourhood(SHARPE, 2.0, np.array([np.nan, np.nan, 1.0]))
    assert (found.median, found.worst, found.kept) == (None, None, 0.0)
    assert neighbourhood(SHARPE, -1.0, np.array([-2.0])).kept is None


def test_a_permutation_counts_the_true_order_among_those_as_good():
    drawn = [0.1, 0.5, 1.2, np.nan]
    assert permutation(SHARPE, 1.0, drawn).p_value == pytest.approx(2 / 5)
    assert permutation(DRAWDOWN, 0.2, drawn).p_value == pytest.approx(2 / 5)
    assert permutation(SHARPE, 1.0, []) is None
    assert permutation(SHARPE, np.nan, drawn) is None


@given(st.floats(0.0, 0.5), st.floats(0.0, 5_000.0))
def test_every_circumstance_is_one_that_costs_allow_and_has_its_own_words(fee, slippage):
    found = circumstances(Costs(fee=fee, slippage_bps=slippage))
    assert len({one.words for one in found}) == len(found)
    assert all(0.0 <= one.left_out < 0.5 and one.delay in (0, 1) for one in found)
