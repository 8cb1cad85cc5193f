from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import indicators as reference
from tests.strategies.made import prices, same, walk

from bittrader.strategies.indicators import crossed_above, crossed_below, sma
from bittrader.strategies.sums import Squares, Sums

# Prices of one digit make ties frequent.
coarse = st.integers(1, 4).map(lambda number: number / 10)
decimals = st.one_of(coarse, prices(0), prices(2), prices(8))


@settings(deadline=None)
@given(values=st.lists(decimals, min_size=1, max_size=60), length=st.integers(1, 70))
def test_the_average_of_decimals_is_exact(values, length):
    assert Sums(np.array(values)).exact
    np.testing.assert_array_equal(Sums(np.array(values)).mean(length), reference.sma(values, length))


@settings(deadline=None)
@given(values=st.lists(prices(), min_size=1, max_size=60), length=st.integers(1, 70))
def test_the_average_of_any_prices_is_right_to_the_last_bits(values, length):
    np.testing.assert_allclose(Sums(np.array(values)).mean(length), reference.sma(values, length), rtol=3e-16)


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(prices(), prices(2), st.sampled_from([math.nan, math.inf, -math.inf])), min_size=1),
    length=st.integers(1, 12),
)
def test_an_average_is_undefined_exactly_where_its_window_holds_what_is_no_number(values, length):
    windows = [values[bar + 1 - length : bar + 1] if bar + 1 >= length else [math.nan] for bar in range(len(values))]
    means = [math.fsum(one) / length if all(map(math.isfinite, one)) else math.nan for one in windows]
    np.testing.assert_allclose(Sums(np.array(values)).mean(length), means, rtol=4e-16)


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(coarse, prices(2), st.sampled_from([1 / 3, 1e9 + 0.1, 7e15])), min_size=1, max_size=40),
    data=st.data(),
)
def test_what_a_later_bar_holds_changes_no_earlier_average(values, data):
    cut, length = data.draw(st.integers(1, len(values))), data.draw(st.integers(1, 10))
    assert same([Sums(np.array(values)).mean(length)[:cut]], [Sums(np.array(values[:cut])).mean(length)])


@settings(deadline=None, max_examples=300)
@given(values=st.lists(coarse, min_size=1, max_size=60), fast=st.integers(1, 12), slow=st.integers(1, 12))
def test_crossings_are_those_of_the_exact_averages_ties_included(values, fast, slow):
    up, down = reference.sma_crosses(values, fast, slow)
    assert same(Sums(np.array(values)).crosses(fast, slow), (up, down))


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(coarse, decimals, prices(), st.just(5e13)), min_size=1, max_size=60),
    fast=st.integers(1, 12),
    slow=st.integers(1, 12),
)
def test_crossings_of_sums_are_the_crossings_of_the_averages(values, fast, slow):
    quick, steady = sma(np.array(values), fast), sma(np.array(values), slow)
    both = crossed_above(quick, steady), crossed_below(quick, steady)
    assert same(Sums(np.array(values)).crosses(fast, slow), both)


@pytest.mark.parametrize("bars", [4095, 4096, 4097, 9000])
def test_crossings_are_the_same_across_chunks(bars):
    values = walk(bars, 5).close
    quick, steady = sma(values, 5), sma(values, 50)
    up, down = Sums(values).crosses(5, 50)
    assert up.sum() > 10
    assert same((up, down), (crossed_above(quick, steady), crossed_below(quick, steady)))


def test_prices_as_exchanges_print_them_are_exact_over_very_long_histories():
    rng = np.random.default_rng(1)
    for scale, places in ((60_000, 2), (0.00001, 10), (1.5, 8)):
        assert Sums(np.round(scale * (1 + rng.random(300_000)), places)).exact


def test_sums_that_do_not_fit_are_not_called_exact():
    assert not Sums(np.array([1 / 3] * 5)).exact
    assert not Sums(np.array([1e15] * 12)).exact
    assert Sums(np.array([1e15] * 12)).mean(7)[-1] == 1e15


def test_an_average_of_a_price_that_stands_still_is_that_price_even_if_it_is_no_decimal():
    values = np.concatenate([np.random.default_rng(2).random(50), np.full(200, 1 / 3)])
    for length in (3, 7, 49, 100):
        assert set(Sums(values).mean(length)[50 + length :]) == {1 / 3}
    up, down = Sums(values).crosses(3, 49)
    assert not up[100:].any()
    assert not down[100:].any()


@settings(deadline=None)
@given(values=st.lists(st.one_of(coarse, decimals, prices()), min_size=1, max_size=50), length=st.integers(1, 20))
def test_the_deviation_is_that_of_its_window_alone(values, length):
    column = Squares(Sums(np.array(values))).deviation(length)
    assert np.isnan(column[: length - 1]).all()
    for bar in range(length - 1, len(values)):
        window = [Fraction(repr(value)) for value in values[bar - length + 1 : bar + 1]]
        mean = sum(window) / length
        expected = math.sqrt(sum((value - mean) ** 2 for value in window) / length)
        assert column[bar] == pytest.approx(expected, rel=1e-9, abs=1e-15 * float(mean))


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(coarse, prices(2), st.sampled_from([1 / 3, 7e15])), min_size=1, max_size=40),
    data=st.data(),
)
def test_what_a_later_bar_holds_changes_no_earlier_deviation(values, data):
    cut, length = data.draw(st.integers(1, len(values))), data.draw(st.integers(1, 10))
    whole, part = (Squares(Sums(np.array(some))).deviation(length) for some in (values, values[:cut]))
    assert same([whole[:cut]], [part])


def test_the_deviation_of_a_price_that_stands_still_is_zero_after_any_history():
    values = np.concatenate([walk(5000).close, np.full(200, 123.45)])
    assert not Squares(Sums(values)).deviation(50)[5050:].any()
