"""Sharpe ratios against the worked numbers of the papers, and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.belief.returns import noise, series

from bittrader.belief.sharpe import (
    Moments,
    deflated,
    expected_maximum,
    independent_trials,
    minimum_track_record,
    moments,
    normal,
    probabilistic,
)

# Bailey and López de Prado (2012), section 4: two years of monthly returns, annual ratio 1.59.
HEDGE_FUND = Moments(count=24, sharpe=0.458, skewness=-2.448, kurtosis=10.164)
# Bailey and López de Prado (2014), numerical example: five years of daily returns, annual ratio 2.5.
CANDIDATE = Moments(count=1250, sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0)


def annual(ratio, periods, skewness=0.0, kurtosis=3.0):
    return Moments(count=1, sharpe=ratio / math.sqrt(periods), skewness=skewness, kurtosis=kurtosis)


def test_the_probabilistic_ratio_is_that_of_the_papers_hedge_fund() -> None:
    assert probabilistic(HEDGE_FUND) == pytest.approx(0.913, abs=5e-4)


def test_normal_returns_would_have_made_the_hedge_fund_look_better_as_the_paper_says() -> None:
    assert probabilistic(Moments(24, 0.458, 0.0, 3.0)) == pytest.approx(0.982, abs=5e-4)


@pytest.mark.parametrize(
    ("periods", "skewness", "kurtosis", "years"),
    [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_minimum_track_record_is_the_papers(periods, skewness, kurtosis, years) -> None:
    one = annual(2.0, periods, skewness, kurtosis)
    needed = minimum_track_record(one, 1.0 / math.sqrt(periods))
    assert needed is not None
    assert needed / periods == pytest.approx(years, abs=6e-3)


def test_the_expected_maximum_is_the_papers() -> None:
    assert expected_maximum(100, math.sqrt(0.5 / 250)) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(("trials", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_ratio_is_the_papers(trials, probability) -> None:
    assert deflated(CANDIDATE, trials, math.sqrt(0.5 / 250)) == pytest.approx(probability, abs=5e-5)


def test_the_expected_maximum_is_the_mean_of_drawn_maxima() -> None:
    drawn = np.random.default_rng(1).standard_normal((20_000, 50)).max(axis=1)
    assert expected_maximum(50, 1.0) == pytest.approx(drawn.mean(), rel=0.02)


@given(series)
def test_moments_are_scipys(column) -> None:
    found = moments(column)
    if found is None:
        assert column.std() < 1e-6 * max(abs(column.mean()), 1e-100)
        return
    assert found.skewness == pytest.approx(stats.skew(column), rel=1e-6, abs=1e-6)
    assert found.kurtosis == pytest.approx(stats.kurtosis(column, fisher=False), rel=1e-6)
    assert found.sharpe == pytest.approx(column.mean() / column.std(ddof=1), rel=1e-9, abs=1e-12)


@given(series, st.floats(-0.5, 0.5))
def test_a_record_of_the_minimum_length_is_just_long_enough(column, benchmark) -> None:
    found = moments(column)
    needed = None if found is None else minimum_track_record(found, benchmark, 0.9)
    if found is None or needed is None:
        assert found is None or found.sharpe <= benchmark
        return
    as_long = Moments(count=needed, sharpe=found.sharpe, skewness=found.skewness, kurtosis=found.kurtosis)
    assert probabilistic(as_long, benchmark) == pytest.approx(0.9, abs=1e-9)


@given(series, st.floats(1, 1e6), st.floats(0, 1))
def test_more_trials_never_make_a_result_more_believable(column, trials, deviation) -> None:
    found = moments(column)
    if found is not None:
        assert deflated(found, 2 * trials, deviation) <= deflated(found, trials, deviation) <= probabilistic(found)


@given(st.floats(-30, 10))
def test_the_normal_distribution_is_scipys(value) -> None:
    assert normal(value) == pytest.approx(stats.norm.cdf(value), rel=1e-9, abs=0)


def test_no_ratio_where_nothing_varies() -> None:
    assert moments(np.full(50, 0.01)) is None
    assert moments(np.zeros(50)) is None
    assert moments(np.array([0.1])) is None


def test_trials_that_are_all_alike_count_as_one() -> None:
    assert independent_trials(np.repeat(noise(300), 8, axis=1), 1000) == pytest.approx(1.0)


def test_trials_that_have_nothing_in_common_all_count() -> None:
    assert independent_trials(noise(5000, 20), 20) == pytest.approx(20.0, rel=0.02)


def test_the_average_correlation_is_that_of_every_pair() -> None:
    common = noise(400, seed=1)
    table = common + noise(400, 6, seed=2)
    pairs = np.corrcoef(table.T)[np.triu_indices(6, 1)]
    average = pairs.mean()
    assert independent_trials(table, 60) == pytest.approx(average + (1 - average) * 60)
