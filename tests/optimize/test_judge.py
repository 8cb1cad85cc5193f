"""Judging a study: what a search of nothing but luck comes to, what one of an edge, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.belief.markets import candles, random_walk, trending

from bittrader import Costs, Int, Signals, Strategy, optimize
from bittrader.backtest.run import backtest
from bittrader.errors import InputError, StudyError
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study
from bittrader.optimize.verdict.holdout import open_holdout
from bittrader.optimize.verdict.judge import judge, judge_again, tries
from bittrader.optimize.verdict.returns import common_periods
from bittrader.strategies.builtin.sma_cross import SmaCross


def searched(market, study="one", **how):
    return optimize(SmaCross, market, **{"trials": 12, "study": study, "threads": 2, **how})


def belief(study="one"):
    with Study.read(shelf.path_of(study)) as opened:
        return found.summary(opened).belief


@pytest.fixture(scope="module")
def walk():
    return candles(random_walk(1_500, seed=1), seed=1)


def test_a_search_ends_with_a_belief_that_the_study_keeps(walk):
    result = searched(walk)
    assert result.summary.belief == belief()
    figures = belief().figures
    assert figures.trials == 12
    assert figures.sensitivity
    assert figures.neighbourhood is not None
    assert figures.permutation.count == 39
    assert figures.total_return == result.best.metrics["total_return"]
    assert figures.market_return == result.backtests()[0].buy_and_hold.total_return


def test_judging_again_gives_the_same_whatever_the_number_of_threads(walk):
    result = searched(walk)
    for threads in (1, 3):
        with Study.write(result.path) as opened:
            assert judge(opened, result.problem, threads) == result.summary.belief


def test_who_asks_for_no_verdict_gets_none_and_may_ask_later(walk):
    assert searched(walk, verdict=False).summary.belief is None
    with pytest.raises(InputError, match="where its candles came from"):
        judge_again("one")
    assert judge_again("one", candles=walk, permutations=5).figures.permutation.count == 5
    assert belief().figures.permutation.count == 5
    with pytest.raises(StudyError, match="cannot be judged: candles"):
        judge_again("one", candles=candles(random_walk(1_500, seed=2)))
    with pytest.raises(InputError, match="permutations"):
        judge_again("one", candles=walk, permutations=-1)


def test_a_belief_about_fewer_trials_than_there_are_is_not_told(walk):
    searched(walk)
    with Study.write(shelf.path_of("one")) as opened:
        opened.ask(99, SmaCross.space.sample(np.random.default_rng(1), 1))
    assert belief() is None


def test_the_plain_ratio_is_that_of_the_best_sets_equity(walk):
    result = searched(walk, trials=30)
    equity = backtest(SmaCross, walk, result.best.params).equity
    returns = np.diff(equity) / equity[:-1]
    figures = belief().figures
    assert (figures.bars_per_period, figures.periods) == (1, len(returns))
    expected = returns.mean() / returns.std(ddof=1) * np.sqrt(walk.timeframe.bars_per_year)
    assert figures.plain.sharpe == pytest.approx(expected)
    assert figures.plain.sharpe == pytest.approx(result.best.metrics["sharpe"], rel=1e-3)


def test_an_edge_is_found_in_a_market_that_trends():
    result = searched(candles(trending(5_000, seed=3), seed=3), trials=30)
    assert result.summary.belief.verdict.call == "edge"


def test_a_sampler_that_learns_counts_as_more_tries_than_a_blind_one():
    assert tries("random", 80) == 80
    assert tries("tpe", 80) == pytest.approx(80**1.4)
    assert tries("tpe", 1) == 1


def test_searches_of_random_walks_are_luck():
    """A glance: `bench/luck.py` has the table."""
    calls = []
    for seed in range(12):
        fee = 0.001 * (seed % 2)
        drift = 0.6 * (seed % 3)
        walk = candles(random_walk(2_000, seed, drift), seed)
        found_it = searched(walk, f"walk-{seed}", trials=40, costs=Costs(fee=fee), seed=seed)
        calls.append(found_it.summary.belief.verdict.call)
    assert "edge" not in calls
    assert calls.count("luck") >= 11


def test_nothing_that_finished_is_nothing_to_judge():
    flat = candles(np.zeros(200), seed=1)
    assert searched(flat).summary.belief is None
    with pytest.raises(StudyError, match="nothing to judge"):
        judge_again("one", candles=flat)


def test_what_validation_gave_decides(walk):
    result = searched(walk, validate="walk-forward")
    figures, verdict = result.summary.belief.figures, result.summary.belief.verdict
    (outside,) = figures.outside
    assert outside.kind == "validation"
    assert verdict.p_value == outside.p_value
    metrics = result.summary.validation.paths[0].metrics
    assert outside.total_return == pytest.approx(metrics["total_return"], abs=0.02)
    assert outside.trades == metrics["trades"]


def test_all_paths_of_combinatorial_folds_count_alike(walk):
    (outside,) = searched(walk, validate="cpcv").summary.belief.figures.outside
    assert outside.periods > 1_000


def test_opening_the_holdout_changes_the_belief_once(walk):
    searched(walk, holdout="20%")
    before = belief()
    assert before.figures.outside == ()
    open_holdout("one", candles=walk)
    once = belief()
    (outside,) = once.figures.outside
    assert outside.kind == "holdout"
    assert outside.periods == pytest.approx(300, abs=2)
    open_holdout("one", candles=walk)
    assert belief() == once


def test_sets_that_break_a_condition_could_not_have_been_chosen(walk):
    everything = searched(walk, trials=40).summary.belief.figures.sets
    held = searched(walk, "two", trials=40, where="trades >= 12").summary.belief.figures.sets
    assert held < everything


def test_several_series_are_judged_over_the_time_that_all_cover(walk):
    later = candles(random_walk(1_500, seed=5), seed=5, first=700)
    result = searched([walk, later])
    assert result.summary.belief.figures.days == pytest.approx(800 / 24, abs=0.2)


def test_periods_of_several_series_end_at_the_same_time(walk):
    gap = candles(random_walk(1_500, seed=5), seed=5, first=300)
    keep = np.r_[0:400, 450:1_500]
    holed = replace(gap, **{name: column[keep] for name, column in gap.columns().items()})
    ends = common_periods([walk, holed], most=50)
    first, second = walk.time[ends[0]], holed.time[ends[1]]
    assert 48 <= len(first) == len(second) <= 51
    assert (second <= first).all()
    assert (first == second).sum() > 40
    assert common_periods([walk, candles(random_walk(50, seed=1), first=9_000)]) is None


def test_series_without_a_common_time_have_no_figures(walk):
    result = searched([walk, candles(random_walk(1_500, seed=5), seed=5, first=5_000)])
    assert result.summary.belief.figures is None
    assert result.summary.belief.verdict.call == "inconclusive"
    assert "no time in common" in result.summary.belief.verdict.reasons[0]


def test_costs_that_are_stated_are_those_that_are_varied(walk):
    changes = {one.change for one in searched(walk, costs=Costs(fee=0.0)).summary.belief.figures.sensitivity}
    assert "a fee of 0.1%" in changes
    assert "twice the fee" not in changes


class Foresight(Strategy):
    """Knows whether the next bar closes higher."""

    bars = Int(1, 3)

    def signals(self, chart):
        higher = np.zeros(len(chart), dtype=np.bool_)
        higher[: -self.bars] = chart.close[: -self.bars] < chart.close[self.bars :]
        return Signals(enter_long=higher, exit_long=~higher)


def test_what_sees_the_future_is_told_so_and_never_called_an_edge(walk):
    optimize(Foresight, walk, trials=3, study="ahead", threads=2)
    verdict = belief("ahead").verdict
    assert verdict.call == "inconclusive"
    assert any("looks ahead" in reason for reason in verdict.reasons)
