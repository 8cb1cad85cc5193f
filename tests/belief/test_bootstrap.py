"""The stationary bootstrap against another library, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length
from hypothesis import given
from hypothesis import strategies as st
from tests.belief.returns import autoregressive, noise, series

from bittrader.belief.bootstrap import block_length, counts, draws


def drawn(seed, resamples, periods, block):
    return draws(np.random.default_rng(seed), resamples, periods, block)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 40), st.floats(1, 50))
def test_every_place_holds_a_period_and_counting_loses_none(seed, resamples, periods, block) -> None:
    found = drawn(seed, resamples, periods, block)
    assert ((found >= 0) & (found < periods)).all()
    assert counts(found).tolist() == [np.bincount(row, minlength=periods).tolist() for row in found]


def test_counts_times_values_are_the_sums_of_the_resamples() -> None:
    found, values = drawn(1, 20, 50, 3.0), noise(50, 4)
    assert counts(found) @ values == pytest.approx(values[found].sum(axis=1))


def test_blocks_go_on_from_one_period_to_the_next_and_wrap_around() -> None:
    steps = np.diff(drawn(2, 1000, 100, 5.0), axis=1) % 100
    # One step in a hundred of the new beginnings goes on by chance.
    assert (steps == 1).mean() == pytest.approx(0.8 + 0.2 / 100, abs=0.01)


def test_blocks_of_one_are_drawn_independently() -> None:
    steps = np.diff(drawn(3, 1000, 100, 1.0), axis=1) % 100
    assert (steps == 1).mean() == pytest.approx(0.01, abs=0.002)


def test_every_period_is_drawn_equally_often() -> None:
    often = counts(drawn(4, 4000, 30, 6.0)).mean(axis=0)
    assert often == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("coefficient", [-0.5, 0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("periods", [60, 500, 2048])
def test_the_block_length_is_that_of_arch(coefficient, periods) -> None:
    for seed in range(6):
        values = autoregressive(periods, coefficient, seed)
        theirs = float(optimal_block_length(values)["stationary"].iloc[0])
        assert block_length(values) == pytest.approx(max(1.0, theirs), rel=1e-6)


@given(series)
def test_a_block_is_at_least_one_period_and_never_all_of_them(column) -> None:
    assert 1.0 <= block_length(column) <= max(1.0, len(column) / 2)


def test_a_series_that_never_moves_needs_no_blocks() -> None:
    assert block_length(np.zeros(100)) == 1.0
