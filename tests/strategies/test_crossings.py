from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bittrader.errors import StrategyError
from bittrader.strategies.crossings import crossed_out
from bittrader.strategies.indicators import crossed_above, crossed_below, falling, rising

numbers = st.one_of(st.integers(-3, 3).map(float), st.just(float("nan")), st.floats(allow_nan=False))
pairs = st.lists(st.tuples(numbers, numbers), min_size=0, max_size=50)


@settings(deadline=None)
@given(pairs=pairs)
def test_a_crossing_is_was_at_or_below_and_is_above(pairs):
    a, b = (np.array([pair[side] for pair in pairs], dtype=np.float64) for side in (0, 1))
    above = [bar > 0 and a[bar - 1] <= b[bar - 1] and a[bar] > b[bar] for bar in range(len(pairs))]
    below = [bar > 0 and a[bar - 1] >= b[bar - 1] and a[bar] < b[bar] for bar in range(len(pairs))]
    assert crossed_above(a, b).tolist() == above
    assert crossed_below(a, b).tolist() == below


@settings(deadline=None)
@given(values=st.lists(numbers, max_size=50), level=st.integers(-3, 3))
def test_a_number_is_a_series_that_never_moves(values, level):
    series = np.array(values, dtype=np.float64)
    line = np.full(len(values), float(level))
    assert crossed_above(series, level).tolist() == crossed_above(series, line).tolist()
    assert crossed_below(series, level).tolist() == crossed_below(series, line).tolist()
    assert crossed_above(level, series).tolist() == crossed_above(line, series).tolist()
    assert crossed_below(level, series).tolist() == crossed_below(line, series).tolist()


@settings(deadline=None)
@given(values=st.lists(numbers, max_size=50), lower=st.integers(-3, 3), upper=st.integers(-3, 3))
def test_to_cross_out_is_to_cross_below_the_one_and_above_the_other(values, lower, upper):
    series = np.array(values, dtype=np.float64)
    below, above = crossed_out(series, lower, upper)
    assert below.tolist() == crossed_below(series, lower).tolist()
    assert above.tolist() == crossed_above(series, upper).tolist()


@settings(deadline=None)
@given(values=st.lists(st.integers(0, 3).map(float), min_size=1, max_size=40), length=st.integers(1, 4))
def test_rising_is_every_one_of_the_last_steps_up(values, length):
    series = np.array(values)
    up = [bar >= length and (np.diff(series[bar - length : bar + 1]) > 0).all() for bar in range(len(values))]
    assert rising(series, length).tolist() == up
    assert falling(-series, length).tolist() == up


def test_two_numbers_do_not_cross():
    with pytest.raises(StrategyError, match="a series"):
        crossed_above(1.0, 2.0)


def test_series_of_different_lengths_do_not_cross():
    with pytest.raises(StrategyError, match="3 and 4 bars"):
        crossed_above(np.zeros(3), np.zeros(4))
