"""Opening what a search was not shown: a test that is one only the first time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bittrader.errors import StudyError
from bittrader.optimize.aggregate import measured
from bittrader.optimize.problem import require_same, strategy_problem_of
from bittrader.optimize.search import cores
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study
from bittrader.optimize.studies.validation_result import Holdout, Opening
from bittrader.optimize.verdict.judge import judge
from bittrader.optimize.verdict.out_of_sample import on_holdout
from bittrader.optimize.verdict.validation import curve_of, held_bars

if TYPE_CHECKING:
    from bittrader.optimize.problem import CandlesGiven
    from bittrader.strategies.base import Strategy


def open_holdout(
    study: str,
    *,
    strategy: type[Strategy] | str | None = None,
    candles: CandlesGiven = None,
) -> Holdout:
    """Runs a study's best set on the bars held out, and keeps in the study that they were looked at.

    StudyError when there are none, when no set finished, or when strategy or candles are not those of the search.
    """
    with Study.write(shelf.path_of(study)) as opened:
        experiment = opened.experiment
        if not experiment.holdout:
            raise StudyError(f"{study} holds nothing out. Search anew with `bittrader optimize ... --holdout 20%`.")
        best = found.best(opened, 1)
        if not best:
            raise StudyError(f"no evaluation of {study} finished, so there is nothing to try on its holdout.")
        problem = strategy_problem_of(experiment, study, strategy, candles)
        require_same(experiment, problem, f"the holdout of {study} cannot be opened")
        results = on_holdout(experiment, problem, best[0].params)
        looked = Opening(
            at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            trials=opened.counts().asked,
            number=best[0].number,
            params=dict(best[0].params),
            metrics=measured([result.metrics for result in results], experiment.aggregate, experiment.objectives),
            buy_and_hold=tuple(result.buy_and_hold.as_dict() for result in results),
            curves=tuple(curve_of(result.candles, result.equity) for result in results),
            held=tuple(curve_of(result.candles, result.buy_and_hold_equity) for result in results),
        )
        before = found.noted(opened, "holdout", Holdout.from_json)
        earlier = () if before is None else before.openings
        holdout = Holdout(held_bars(problem.whole, experiment.holdout), (*earlier, looked))
        opened.note("holdout", holdout.to_json())
        if opened.noted("belief") is not None:
            judge(opened, problem, cores())
    return holdout
