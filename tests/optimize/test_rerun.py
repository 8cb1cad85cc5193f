import dataclasses

import pytest
from tests.report import samples

from bittrader.errors import StudyError
from bittrader.market.store import store
from bittrader.optimize.rerun import rerun
from bittrader.optimize.search import optimize
from bittrader.optimize.studies import shelf
from bittrader.optimize.studies.study import Study


@pytest.fixture
def study(home):
    """A study of eight evaluations over stored candles."""
    store(samples.walk(1500), "walk")
    return optimize("sma-cross", "walk", trials=8, sampler="random", seed=1, study="eight", threads=1).summary


def test_the_best_run_again_gives_what_the_study_holds(study):
    (result,), summary = rerun("eight")
    assert dict(result.params) == dict(study.best[0].params)
    assert result.metrics.sharpe == study.best[0].metrics["sharpe"]
    assert summary.finished == study.finished


def test_any_finished_evaluation_can_be_run_again(study):
    trial = study.best[-1]
    (result,), _ = rerun("eight", trial.number)
    assert dict(result.params) == dict(trial.params)
    assert result.metrics.total_return == trial.metrics["total_return"]


def test_an_evaluation_that_is_not_there_is_said(study):
    with pytest.raises(StudyError, match="no finished evaluation 99"):
        rerun("eight", 99)


def test_candles_that_changed_are_refused(study):
    candles = samples.walk(1500)
    store(dataclasses.replace(candles, volume=candles.volume + 1), "walk", overwrite=True)
    with pytest.raises(StudyError, match="have changed since"):
        rerun("eight")


def test_figures_that_differ_from_those_of_the_study_are_refused(study):
    with Study.write(shelf.path_of("eight")) as opened:
        opened.connection.execute("UPDATE trials SET win_rate = win_rate + 0.1")
    with pytest.raises(StudyError, match="Search again"):
        rerun("eight")


def test_a_study_that_is_not_there_is_said():
    with pytest.raises(StudyError, match="no study 'nine'"):
        rerun("nine")
