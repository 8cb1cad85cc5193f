"""One evaluation of a study, run again in full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bittrader.backtest.run import backtest
from bittrader.errors import StudyError
from bittrader.market.store import load_candles, read_candles
from bittrader.optimize import found, shelf
from bittrader.optimize.study import Study
from bittrader.strategies.registry import load_strategy

if TYPE_CHECKING:
    from bittrader.backtest.result import Result
    from bittrader.market.candles import Candles
    from bittrader.optimize.experiment import Experiment
    from bittrader.optimize.summary import StudySummary, Trial


def rerun(study: str, number: int | None = None) -> tuple[Result, StudySummary]:
    """The best evaluation of a study, or that with a number, in full, and the study's summary.

    StudyError when there is no such evaluation, or when running it again gives other figures than the study holds.
    """
    with Study.read(shelf.path_of(study)) as opened:
        experiment, summary = opened.experiment, found.summary(opened)
        trial = _best(summary) if number is None else found.numbered(opened, number)
    if not experiment.strategy:
        raise StudyError(f"{study} does not know which file its strategy came from, so it cannot be run again.")
    result = backtest(
        load_strategy(experiment.strategy),
        _candles(study, experiment),
        trial.params,
        experiment.costs,
        experiment.sizing,
    )
    _require_same(study, trial, result)
    return result, summary


def _best(summary: StudySummary) -> Trial:
    if summary.best:
        return summary.best[0]
    cause = next(iter(summary.failures), "nothing was evaluated")
    raise StudyError(f"no evaluation of {summary.name} finished, so there is nothing to show. Commonest cause: {cause}")


def _candles(study: str, experiment: Experiment) -> Candles:
    (facts,) = experiment.series
    if facts.reference is None:
        raise StudyError(f"{study} does not know where its candles came from, so it cannot be run again.")
    candles = read_candles(facts.reference, **facts.reading) if facts.reading else load_candles(facts.reference)
    if candles.fingerprint != facts.fingerprint:
        raise StudyError(f"the candles of {study} have changed since its search ({facts}). Search again.")
    return candles


def _require_same(study: str, trial: Trial, result: Result) -> None:
    for name, value in result.metrics.as_dict().items():
        then = trial.metrics.get(name)
        if (value is None) != (then is None) or (
            value is not None and then is not None and not math.isclose(value, then, rel_tol=1e-9, abs_tol=1e-12)
        ):
            raise StudyError(
                f"evaluation {trial.number} of {study} now gives {name} {value}, not {then}: the strategy or bittrader "
                "has changed since its search. Search again."
            )
