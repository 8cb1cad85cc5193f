"""One evaluation of a study, run again in full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bittrader.backtest.metrics import METRICS
from bittrader.errors import StudyError
from bittrader.optimize.aggregate import aggregated
from bittrader.optimize.problem import strategy_problem_of
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study

if TYPE_CHECKING:
    from bittrader.backtest.result import Result
    from bittrader.optimize.studies.experiment import CandleFacts, Experiment
    from bittrader.optimize.studies.summary import StudySummary, Trial


def rerun(study: str, number: int | None = None) -> tuple[tuple[Result, ...], StudySummary]:
    """The best evaluation of a study, or that with a number, in full on each series, and the study's summary.

    A study of a function of the user's own has no series, and so no results.
    StudyError when there is no such evaluation, or when running it again gives other figures than the study holds.
    """
    with Study.read(shelf.path_of(study)) as opened:
        experiment, summary = opened.experiment, found.summary(opened)
        trial = _best(summary) if number is None else found.numbered(opened, number)
    if not experiment.series:
        if number is not None:
            raise StudyError(
                f"{study} searched a function of your own: its report shows the whole search, not one trial."
            )
        return (), summary
    if not experiment.strategy:
        raise StudyError(f"{study} does not know which file its strategy came from, so it cannot be run again.")
    if any(facts.reference is None for facts in experiment.series):
        raise StudyError(f"{study} does not know where its candles came from, so it cannot be run again.")
    problem = strategy_problem_of(experiment, study)
    _require_candles(study, experiment, problem.facts)
    results = problem.backtests(experiment, trial.params)
    _require_same(study, experiment, trial, results)
    return results, summary


def _best(summary: StudySummary) -> Trial:
    if summary.best:
        return summary.best[0]
    cause = next(iter(summary.failures), "nothing was evaluated")
    nothing = f"no evaluation of {summary.name} finished, so there is nothing to show"
    raise StudyError(f"{nothing}. Commonest cause: {cause}.")


def _require_candles(study: str, experiment: Experiment, now: tuple[CandleFacts, ...]) -> None:
    for then, found_now in zip(experiment.series, now, strict=True):
        if then.fingerprint != found_now.fingerprint:
            raise StudyError(f"the candles of {study} have changed since its search ({then}). Search again.")


def _require_same(study: str, experiment: Experiment, trial: Trial, results: tuple[Result, ...]) -> None:
    each = [result.metrics.as_row() for result in results]
    for name, value in zip(METRICS, aggregated(each, experiment.aggregate, experiment.objectives), strict=True):
        known = trial.metrics.get(name)
        then = math.nan if known is None else known
        if math.isnan(value) != math.isnan(then) or not (
            math.isnan(value) or math.isclose(value, then, rel_tol=1e-9, abs_tol=1e-12)
        ):
            raise StudyError(
                f"evaluation {trial.number} of {study} now gives {name} {value}, not {known}: the strategy or "
                "bittrader has changed since its search. Search again."
            )
