"""Figures from returns: what they say of sets with and without skill, and that they are the statistics' own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.belief.returns import noise, series

from bittrader.belief.sharpe import deflated, expected_maximum, independent_trials, moments, sharpe_ratios
from bittrader.belief.verdict import verdict
from bittrader.belief.weigh import Record, outside, ratio, weigh


def record(returns, market=None, days=1.0):
    """Of one series, in which most sets hold some of the market."""
    market = noise(len(returns), seed=77)[:, 0] if market is None else market
    return Record(returns[None], market[None], days, bars=24)


def weighed(one, trials=40, trades=100):
    return weigh(one, trials, trades, seed=1)


def test_the_same_seed_gives_the_same_figures() -> None:
    one = record(noise(320, 20))
    assert weighed(one) == weighed(one)


def test_a_ratio_is_what_the_papers_say_of_the_sets() -> None:
    returns = noise(500, 10, seed=3) + 0.0005
    one, worth = moments(returns[:, 0]), independent_trials(returns, 40)
    deviation = sharpe_ratios(returns).std(ddof=1)
    found = ratio(returns, 40, 365.0)
    assert found is not None
    assert found.deflated == pytest.approx(deflated(one, worth, deviation))
    assert found.hurdle == pytest.approx(expected_maximum(worth, deviation) * math.sqrt(365.0))
    assert found.sharpe == pytest.approx(one.sharpe * math.sqrt(365.0))


@settings(max_examples=25)
@given(series, st.floats(0.1, 3))
def test_who_holds_the_market_is_never_called_skilled(market, share) -> None:
    one = record(np.stack([share * market, 0.5 * market], axis=1), market)
    assert verdict(weighed(one, trials=2)).call == "luck"


def test_a_set_that_earns_in_every_market_is_an_edge_and_among_noise_it_is_not() -> None:
    returns = noise(1000, 30, seed=5)
    assert verdict(weighed(record(returns))).call == "luck"
    returns[:, 0] += 0.002
    assert verdict(weighed(record(returns))).call == "edge"


def test_several_series_are_held_in_equal_parts_each_against_its_own_market() -> None:
    first, second = record(noise(200, 3)), record(noise(200, 3, seed=2), noise(200, seed=8)[:, 0])
    both = Record(
        np.concatenate([first.returns, second.returns]), np.concatenate([first.markets, second.markets]), 1.0, 24
    )
    assert both.plain == pytest.approx((first.plain + second.plain) / 2)
    assert both.beyond == pytest.approx((first.beyond + second.beyond) / 2)
    assert weighed(both).total_return == pytest.approx(np.prod(1 + both.plain[:, 0]) - 1)


def test_the_length_of_a_period_changes_the_year_and_nothing_else() -> None:
    daily, weekly = weighed(record(noise(320, 5))), weighed(record(noise(320, 5), days=7.0))
    assert weekly.days == 7 * daily.days
    assert weekly.plain.sharpe == pytest.approx(daily.plain.sharpe / math.sqrt(7))
    assert weekly.plain.deflated == pytest.approx(daily.plain.deflated)
    assert weekly.reality == daily.reality


def test_a_set_that_never_traded_has_no_ratios() -> None:
    returns = np.zeros((320, 3))
    found = weighed(record(returns), trades=0)
    assert (found.plain, found.beyond, found.reality, found.overfitting) == (None, None, None, None)
    assert verdict(found).call == "luck"


def test_what_was_earned_outside_is_weighed_beyond_the_market() -> None:
    market = noise(400, seed=4, mean=0.003)[:, 0]
    holding = outside("holdout", record(0.8 * market[:, None] + noise(400) * 0.01, market), 20)
    skilled = outside("holdout", record(0.8 * market[:, None] + noise(400, mean=0.002), market), 20)
    assert holding is not None
    assert skilled is not None
    assert holding.total_return > 0.5
    assert holding.p_value > 0.05 > skilled.p_value
    assert outside("holdout", record(np.zeros((400, 1))), 0) is None


def test_figures_are_kept_as_they_are() -> None:
    found = weighed(record(noise(320, 5)))
    assert replace(found) == found
