"""Intervals of metrics against each resample measured by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.belief.returns import noise, series

from bittrader.belief.bootstrap import draws
from bittrader.belief.intervals import intervals


def drawn(periods, resamples=500, seed=0):
    return draws(np.random.default_rng(seed), resamples, periods, 3.0)


def slowly(returns, per_year):
    equity = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    years = len(returns) / per_year
    return {
        "total_return": equity[-1] - 1.0,
        "cagr": equity[-1] ** (1.0 / years) - 1.0,
        "sharpe": returns.mean() / returns.std(ddof=1) * np.sqrt(per_year),
        "max_drawdown": (1.0 - equity / np.maximum.accumulate(equity)).max(),
    }


def test_every_resample_is_measured_as_by_hand() -> None:
    returns = noise(120, mean=0.001)[:, 0]
    resamples = drawn(120, 200)
    found = intervals(returns, resamples, per_year=60.0, confidence=0.9)
    each = [slowly(returns[row], 60.0) for row in resamples]
    for name, interval in found.items():
        expected = np.quantile([one[name] for one in each], [0.05, 0.5, 0.95])
        assert (interval.low, interval.middle, interval.high) == pytest.approx(expected.tolist())


@given(series)
def test_an_interval_is_in_order_and_finite(returns) -> None:
    for interval in intervals(returns, drawn(len(returns), 50), per_year=365.0).values():
        assert interval.low <= interval.middle <= interval.high
        assert np.isfinite([interval.low, interval.high]).all()


def test_the_interval_of_the_sharpe_ratio_holds_the_truth_as_often_as_stated() -> None:
    held = 0
    for seed in range(200):
        returns = noise(250, seed=seed, mean=0.001)[:, 0]
        interval = intervals(returns, drawn(250, 200, seed), per_year=1.0)["sharpe"]
        held += interval.low <= 0.1 <= interval.high
    assert held / 200 == pytest.approx(0.95, abs=0.05)


def test_what_never_varies_has_no_sharpe_ratio() -> None:
    found = intervals(np.zeros(30), drawn(30), per_year=365.0)
    assert "sharpe" not in found
    assert found["total_return"].high == 0.0
