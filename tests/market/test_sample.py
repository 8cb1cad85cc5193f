"""The synthetic market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bittrader.errors import InputError
from bittrader.market.quality import inspect
from bittrader.market.sample import synthetic
from bittrader.market.table import moment, table_of


def test_the_default_series_is_the_same_on_every_machine() -> None:
    assert synthetic().fingerprint == "36ff757a4111dc598d2d5656c47181d7"


def test_it_says_that_it_is_synthetic() -> None:
    candles = synthetic(10)
    assert candles.synthetic
    assert candles.symbol == "SYNTHETIC-BTC"


@settings(max_examples=20)
@given(st.integers(1, 3_000), st.integers(0, 2**63), st.sampled_from(["1m", "5m", "1h", "4h", "1d"]))
def test_it_has_no_problems(bars: int, seed: int, timeframe: str) -> None:
    candles = synthetic(bars, seed, timeframe)
    assert len(candles) == bars
    assert not inspect(table_of(candles), candles.timeframe, now=moment("2026-01-01"))


def test_prices_are_whole_cents() -> None:
    close = synthetic(5_000).close
    assert np.array_equal(np.round(close, 2), close)


def test_another_seed_is_another_market() -> None:
    assert synthetic(50, 1).fingerprint != synthetic(50, 2).fingerprint


def test_returns_have_fat_tails_and_clustered_volatility() -> None:
    returns = np.diff(np.log(synthetic(100_000).close))
    size = np.abs(returns)
    kurtosis = np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2
    assert kurtosis > 6
    assert 0.4 < returns.std() * np.sqrt(24 * 365) < 1.2
    assert np.corrcoef(size[:-24], size[24:])[0, 1] > 0.1
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.05


@pytest.mark.parametrize(("bars", "seed"), [(0, 1), (-5, 1), (10**9, 1), (10, -1)])
def test_what_cannot_be_made_is_refused(bars: int, seed: int) -> None:
    with pytest.raises(InputError, match="must"):
        synthetic(bars, seed)


@pytest.mark.parametrize(("bars", "timeframe"), [(10, "999999w"), (1_000_000, "1w"), (10, "2w")])
def test_a_series_that_would_leave_the_calendar_is_refused(bars: int, timeframe: str) -> None:
    with pytest.raises(InputError, match="begin before 1970, or are too long"):
        synthetic(bars, timeframe=timeframe)
