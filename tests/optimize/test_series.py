"""Searches over several series at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.report import samples

from bittrader.backtest.metrics import LOWER_IS_BETTER, METRICS
from bittrader.backtest.run import backtest
from bittrader.errors import InputError, StudyError
from bittrader.market.store import store
from bittrader.optimize.aggregate import aggregated, series_names
from bittrader.optimize.goals import Objective
from bittrader.optimize.rerun import rerun
from bittrader.optimize.search import optimize, resume
from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.parameters import Int

values = st.floats(-1e6, 1e6) | st.just(np.nan)
tables = st.integers(1, 4).flatmap(lambda n: arrays(np.float64, (n, 3, len(METRICS)), elements=values))


@given(tables, st.sampled_from(["mean", "median", "worst"]))
def test_a_metric_is_undefined_where_it_is_on_any_series_and_else_within_them(table, how):
    found = aggregated(list(table), how, ())
    assert (np.isnan(found) == np.isnan(table).any(axis=0)).all()
    known = ~np.isnan(found)
    slack = 1e-9 * np.abs(table).max(axis=0, initial=1.0, where=~np.isnan(table))
    assert (found >= table.min(axis=0) - slack)[known].all()
    assert (found <= table.max(axis=0) + slack)[known].all()


def test_the_worst_is_the_other_end_of_the_better_one():
    table = np.stack([np.full((1, len(METRICS)), float(value)) for value in (1, 5, 3)])
    (worst,) = aggregated(list(table), "worst", [Objective("volatility", "maximize")])
    assert {name: value for name, value in zip(METRICS, worst, strict=True) if value != 1} == dict.fromkeys(
        LOWER_IS_BETTER - {"volatility"}, 5.0
    )
    assert aggregated(list(table), "median", ())[0, 0] == 3
    assert aggregated(list(table), "mean", ())[0, 0] == 3


def test_series_of_one_name_are_told_apart():
    assert series_names(["A 1h", "B 1h", "A 1h"]) == ["A 1h (1)", "B 1h", "A 1h (3)"]


@pytest.fixture
def markets(home):
    store(samples.walk(900, symbol="BTC/USDT"), "btc")
    store(samples.walk(1100, symbol="ETH/USDT", seed=8), "eth")
    return ["btc", "eth"]


@pytest.mark.parametrize(("how", "of"), [("mean", np.mean), ("median", np.median), ("worst", np.min)])
def test_a_set_is_judged_on_all_series(markets, how, of):
    result = optimize("sma-cross", markets, trials=12, sampler="random", aggregate=how, study="two")
    assert [one.symbol for one in result.summary.series] == ["BTC/USDT", "ETH/USDT"]
    assert result.summary.finished > 3
    for trial in result.summary.best[:3]:
        each = [backtest("sma-cross", name, trial.params).metrics for name in markets]
        assert trial.metrics["sharpe"] == pytest.approx(of([one.sharpe for one in each]))
        assert trial.metrics["trades"] == pytest.approx(of([one.trades for one in each]))
    results, _ = rerun("two")
    assert [one.metrics for one in results] == [one.metrics for one in result.backtests()]
    assert [one.candles.symbol for one in results] == ["BTC/USDT", "ETH/USDT"]


def test_the_result_does_not_depend_on_processes(markets):
    threads, processes = (
        optimize("sma-cross", markets, trials=6, sampler="random", study=name, threads=1, time_limit=limit).summary
        for name, limit in (("threads", None), ("processes", 60.0))
    )
    assert [one.metrics for one in threads.best] == [one.metrics for one in processes.best]


class Picky(Strategy):
    """Fails where prices go above the limit."""

    limit = Int(3500, 8000)

    def signals(self, chart):
        if chart.close.max() > self.limit:
            raise ValueError("too dear")
        flags = np.zeros(len(chart.close), dtype=bool)
        flags[::10] = True
        return Signals(enter_long=flags, exit_long=~flags)


def test_a_set_that_fails_on_one_series_has_failed_and_the_cause_names_the_series(markets):
    result = optimize(Picky, markets, trials=30, sampler="random", study="two")
    causes = result.summary.failures
    assert causes
    assert set(causes) <= {"BTC/USDT 1h: ValueError: too dear", "ETH/USDT 1h: ValueError: too dear"}


def test_a_study_of_several_series_goes_on_only_with_all_of_them(markets):
    optimize("sma-cross", markets, trials=4, sampler="random", study="two")
    assert resume("two", trials=6).summary.asked == 6
    with pytest.raises(InputError, match="two has 2 series of candles, not 1"):
        resume("two", candles="btc", trials=8)
    with pytest.raises(StudyError, match=r"candles: .* ETH/USDT 1h.*; candles: "):
        resume("two", candles=["eth", "btc"], trials=8)


def test_the_same_series_twice_is_refused(markets):
    with pytest.raises(InputError, match="the same candles are given twice"):
        optimize("sma-cross", ["btc", "btc"], trials=4)


def test_an_unknown_way_to_aggregate_is_refused(markets):
    with pytest.raises(InputError, match="Did you mean 'median'"):
        optimize("sma-cross", markets, aggregate="medain")
