from __future__ import annotations

import json
import math
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from tests.optimize.studies import contents
from tests.report import samples

from bittrader import Int, Signals, Strategy
from bittrader.backtest.run import Evaluator, backtest
from bittrader.errors import InputError, StudyError
from bittrader.execution.base import Far
from bittrader.execution.local import Here
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.folds import MODES, Validation
from bittrader.optimize.rerun import rerun
from bittrader.optimize.search import optimize, resume
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study
from bittrader.optimize.studies.validation_result import Holdout, Validated
from bittrader.optimize.verdict.holdout import open_holdout
from bittrader.optimize.verdict.validation import Layout
from bittrader.strategies.registry import load_strategy

BARS = 3_000


def candles(seed=3):
    return replace(synthetic(bars=BARS, seed=seed), synthetic=False)


def searched(market=None, name="one", **how):
    how = {"trials": 12, "sampler": "random", "seed": 4, "threads": 1, "study": name, **how}
    return optimize("sma-cross", candles() if market is None else market, **how)


def trials_of(name, fold=None):
    with Study.read(shelf.path_of(name)) as study:
        rows = contents(study)
    return rows if fold is None else [row for row in rows if row[5] == fold]


def changed_after(market, bar):
    """The same candles, all prices from a bar on times three."""
    times = np.where(np.arange(len(market)) < bar, 1.0, 3.0)
    return replace(market, **{key: getattr(market, key) * times for key in ("open", "high", "low", "close")})


@pytest.fixture(params=MODES)
def validated(request):
    return searched(validate=Validation(request.param, folds=4), sampler="de", trials=40)


class Listening(Here):
    """This computer, which keeps what executors are told."""

    def executor(self, work):
        made = super().executor(work)
        made.note = heard.append
        return made


heard = []


def test_whoever_looks_on_is_told_how_far_each_fold_is_of_how_much():
    heard.clear()
    searched(validate=Validation("walk-forward", folds=2), trials=12, on=Listening(1))
    parts = list(dict.fromkeys(far.part for far in heard))
    assert parts == ["", "fold 1 of 2", "fold 2 of 2"]
    for part in parts:
        assert [far for far in heard if far.part == part][-1] == Far(12, 12, part)
    heard.clear()
    resume("one", candles=candles(), trials=20, on=Listening(1))
    assert heard[0] == Far(12, 20), "what was finished before counts"


def test_each_folds_best_is_what_its_own_bars_say(validated):
    strategy = load_strategy("sma-cross")
    with Study.read(validated.path) as study:
        for index, fold in enumerate(validated.summary.validation.folds, start=1):
            best = found.best(study, 1, index)[0]
            assert best.number == fold.number
            for spans, measured in ((fold.train, fold.in_sample), (fold.test, fold.out_of_sample)):
                evaluator = Evaluator(strategy, candles(), spans=[(one.start, one.stop) for one in spans])
                metrics = evaluator(strategy.space.encode(fold.params).reshape(1, -1)).metrics[0]
                expected = [math.nan if value is None else value for value in measured.values()]
                np.testing.assert_allclose(metrics, expected, rtol=1e-12)


def test_a_path_grows_by_what_its_pieces_grow(validated):
    summary = validated.summary.validation
    layout = Layout.of(validated.experiment.validation, [candles()])
    for path, pieces in zip(summary.paths, layout.plan.paths, strict=True):
        grown = [
            backtest("sma-cross", candles(), summary.folds[piece.fold].params, spans=[piece.span]).equity[-1]
            for piece in pieces
        ]
        assert path.metrics["total_return"] == pytest.approx(prod(grown) - 1)
        assert path.curves[0].equity[-1] == pytest.approx(prod(grown))
        assert path.curves[0].time[-1] == candles().time[pieces[-1].span[1] - 1]


def test_what_was_validated_is_the_same_from_its_json(validated):
    facts = validated.summary.validation
    assert Validated.from_json(json.loads(json.dumps(facts.to_json(), allow_nan=False))) == facts


def test_every_fold_has_a_search_of_its_own_with_the_whole_budget(validated):
    with Study.read(validated.path) as study:
        asked = [study.counts(fold).asked for fold in range(len(validated.summary.validation.folds) + 1)]
    assert set(asked) == {40}


def test_a_fold_that_ends_before_its_test_sees_nothing_of_what_follows():
    validation = Validation("walk-forward", folds=3)
    plan = Layout.of(validation, [candles()]).plan
    searched(name="as-it-was", validate=validation)
    searched(changed_after(candles(), plan.folds[1].test[0][0]), name="changed", validate=validation)
    for fold in (1, 2):
        assert [row[8:] for row in trials_of("as-it-was", fold)] == [row[8:] for row in trials_of("changed", fold)]
    assert trials_of("as-it-was", 3) != trials_of("changed", 3)


def test_no_search_sees_the_holdout():
    first = BARS - BARS // 5
    for name, market in (("as-it-was", candles()), ("changed", changed_after(candles(), first))):
        searched(market, name=name, holdout="20%", validate="purged-kfold")
    assert trials_of("as-it-was") == trials_of("changed")
    searched(changed_after(candles(), first - 300), name="earlier", holdout="20%", validate="purged-kfold")
    assert trials_of("as-it-was") != trials_of("earlier")


@pytest.mark.parametrize("broken_off_in", [0, 2, 3])
def test_a_validation_broken_off_in_any_fold_goes_on_as_if_it_had_not_been(broken_off_in):
    how = {"validate": Validation("anchored", folds=3), "sampler": "de", "trials": 60}
    searched(name="whole", **how)

    def until(now):
        if now.fold == broken_off_in and now.evaluated > 20:
            raise RuntimeError("the power is gone")

    market = candles()
    with pytest.raises(RuntimeError):
        searched(market, name="broken", progress=until, **how)
    with Study.read(shelf.path_of("broken")) as study:
        assert study.noted("validation") is None
    resumed = resume("broken", candles=market, threads=2)
    assert not resumed.interrupted

    def told(name):
        return sorted((row[5], *row[1:4], *row[6:]) for row in trials_of(name))

    assert str(told("broken")) == str(told("whole"))
    paths = []
    for name in ("whole", "broken"):
        with Study.read(shelf.path_of(name)) as study:
            paths.append(found.summary(study).validation.paths)
    assert paths[0] == paths[1]


def test_progress_says_which_fold_is_searched():
    seen = set()
    searched(validate=Validation("walk-forward", folds=2), progress=lambda now: seen.add((now.fold, now.folds)))
    assert seen == {(0, 2), (1, 2), (2, 2)}


def test_more_trials_are_more_in_every_fold_and_validate_anew():
    market = candles()
    first = searched(market, validate="walk-forward").summary.validation
    again = resume("one", candles=market, trials=24).summary.validation
    assert (first.trials, again.trials) == (12, 24)
    with Study.read(shelf.path_of("one")) as study:
        assert {study.counts(fold).asked for fold in range(6)} == {24}


def test_a_fold_without_a_finished_set_says_why_and_its_path_has_no_figures():
    class Late(Strategy):
        n = Int(1, 30)

        def signals(self, chart):
            if len(chart) < 2_000:
                raise ValueError("too short for me")
            return Signals(enter_long=chart.close > chart.sma(self.n), exit_long=chart.close < chart.sma(self.n))

    result = optimize(Late, candles(), trials=5, validate=Validation("anchored", folds=4), threads=1, study="late")
    folds = result.summary.validation.folds
    assert "too short for me" in folds[0].cause
    assert folds[0].params is None
    assert folds[-1].out_of_sample["trades"] > 0
    assert result.summary.validation.out_of_sample is None
    assert result.summary.validation.efficiency("sharpe") is None


def test_several_series_are_divided_at_the_same_times():
    longer, shorter = candles(), candles(seed=8).window(200, BARS)
    layout = Layout.of(Validation("purged-kfold", folds=3), [shorter, longer])
    for ours, theirs in layout.training():
        for (start, stop), (other_start, other_stop) in zip(ours, theirs, strict=True):
            assert shorter.time[stop - 1] == longer.time[other_stop - 1]
            assert (start, other_start) == (0, 0) or shorter.time[start] == longer.time[other_start]
    result = searched([shorter, longer], validate="anchored")
    path = result.summary.validation.paths[0]
    assert [curve.time[-1] for curve in path.curves] == [longer.time[-1]] * 2
    assert path.metrics["total_return"] == pytest.approx(np.mean([curve.equity[-1] - 1 for curve in path.curves]))


def test_a_series_without_bars_in_a_fold_is_refused_before_a_study_is_made():
    with pytest.raises(InputError, match="has no bars in fold 1"):
        searched([candles(), candles(seed=8).window(2_000, BARS)], validate="anchored")
    assert not shelf.names()


@pytest.mark.parametrize(
    "how",
    [{"holdout": "all"}, {"holdout": 0.95}, {"validate": "walk"}, {"validate": Validation("anchored", folds=2_000)}],
)
def test_what_does_not_divide_the_bars_is_refused_before_a_study_is_made(how):
    with pytest.raises(InputError):
        searched(**how)
    assert not shelf.names()


def test_another_validation_is_another_search():
    market = candles()
    searched(market, validate="anchored")
    with Study.write(shelf.path_of("one")) as study:
        facts = study.experiment
        assert replace(facts, validation=None).fingerprint != facts.fingerprint
        assert replace(facts, holdout=0.1).fingerprint != facts.fingerprint


def test_the_report_of_a_study_with_a_holdout_ends_before_it():
    store(samples.walk(1_500), "walk")
    searched("walk", holdout="20%")
    (result,), _ = rerun("one")
    assert len(result.candles) == 1_200


def test_opening_the_holdout_runs_the_best_on_the_last_bars_and_is_remembered():
    store(candles(), "market")
    best = searched("market", holdout="20%").best
    first = open_holdout("one")
    strategy = load_strategy("sma-cross")
    evaluator = Evaluator(strategy, candles(), spans=[(2_400, 3_000)])
    expected = evaluator(strategy.space.encode(best.params).reshape(1, -1)).metrics[0]
    assert first.openings[0].metrics["total_return"] == pytest.approx(expected[0])
    assert (first.bars.start, first.bars.stop) == (2_400, 3_000)
    second = open_holdout("one")
    assert second.openings[0] == first.openings[0]
    assert len(second.openings) == 2
    with Study.read(shelf.path_of("one")) as study:
        assert found.summary(study).holdout == second
    assert Holdout.from_json(json.loads(json.dumps(second.to_json()))) == second


def test_what_is_held_out_is_noted_again_where_that_failed():
    searched(holdout="20%", validate="anchored")
    with Study.write(shelf.path_of("one")) as study:
        known = found.summary(study).holdout
        study.connection.execute("DELETE FROM findings")
    assert resume("one", candles=candles()).summary.holdout == known


def test_a_validation_of_fewer_trials_than_the_study_may_have_is_not_told():
    assert searched(validate="anchored").summary.validation is not None
    with Study.write(shelf.path_of("one")) as study:
        study.allow(study.budget + 10)
        assert found.summary(study).validation is None
        assert not found.is_complete(study)


def test_there_is_no_holdout_to_open_where_none_was_kept():
    searched(name="none")
    with pytest.raises(StudyError, match="holds nothing out"):
        open_holdout("none")


def test_a_holdout_of_other_candles_is_not_opened():
    searched(name="moved", holdout=0.2)
    with pytest.raises(StudyError, match="cannot be opened: candles"):
        open_holdout("moved", candles=candles(seed=9))
    with Study.read(shelf.path_of("moved")) as study:
        assert study.noted("holdout")["openings"] == []
