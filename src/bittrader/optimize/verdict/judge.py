"""How much of a study's best set is luck: its figures gathered by running sets again, decided upon, and kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import Evaluator
from bittrader.belief.figures import Belief
from bittrader.belief.verdict import verdict
from bittrader.belief.weigh import weigh
from bittrader.errors import InputError, StudyError
from bittrader.market.table import utc
from bittrader.optimize.problem import StrategyProblem, problem_of, require_same
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study
from bittrader.optimize.verdict.out_of_sample import kept_closed, unseen
from bittrader.optimize.verdict.returns import record
from bittrader.optimize.verdict.stress import (
    Stage,
    changed,
    circumstances,
    latest,
    neighbourhood,
    neighbours,
    permutation,
    shuffled_market,
)
from bittrader.strategies.builtin.buy_and_hold import BuyAndHold
from bittrader.strategies.differences import look_ahead

if TYPE_CHECKING:
    from bittrader.belief.figures import Figures
    from bittrader.optimize.functions import Function
    from bittrader.optimize.problem import CandlesGiven, Problem
    from bittrader.optimize.studies.summary import Trial
    from bittrader.strategies.base import Strategy

PERMUTATIONS = 39
# Bars after which a future is taken away, to see whether a result that is no luck has seen it.
_CUTS = 12
_MOST_PERMUTATIONS = 100_000
# Samplers that do not learn. The others find more in as many trials, also where there is nothing to find: n of theirs
# count as n to this power. Chosen by simulation, 80 trials in seven dimensions (Documentation/BELIEF.md).
BLIND = ("random", "grid", "sobol", "latin-hypercube")
LEARNING = 1.4


def judge(study: Study, problem: Problem, threads: int = 1, permutations: int = PERMUTATIONS) -> Belief | None:
    """What is to be believed of the best set, which the study then keeps; None when nothing finished.

    The same study gives the same belief, whatever the number of threads.
    """
    if not 0 <= permutations <= _MOST_PERMUTATIONS:
        raise InputError(f"permutations must be between 0 and {_MOST_PERMUTATIONS:,}, not {permutations:,}.")
    best = found.best(study, 1)
    if not best:
        return None
    if isinstance(problem, StrategyProblem):
        belief = _traded(study, problem, best[0], threads, permutations)
    else:
        belief = Belief(verdict(None, traded=False), None)
    study.note("belief", belief.to_json())
    return belief


def _traded(study: Study, problem: StrategyProblem, best: Trial, threads: int, permutations: int) -> Belief:
    """The belief about a set that trades; what is no luck must not have seen the future."""
    figures = _figures(study, problem, best, threads, permutations)
    decided = verdict(figures)
    if figures is not None and decided.call != "luck":
        figures = replace(figures, ahead=_ahead(problem, best))
        decided = verdict(figures)
    return Belief(decided, figures)


def judge_again(
    study: str,
    *,
    strategy: type[Strategy] | Function | str | None = None,
    candles: CandlesGiven = None,
    threads: int = 1,
    permutations: int = PERMUTATIONS,
) -> Belief:
    """Judges a study that is kept, as `optimize` does at its end.

    StudyError when nothing of it finished, or when strategy or candles are not those of the search.
    """
    with Study.write(shelf.path_of(study)) as opened:
        experiment = opened.experiment
        problem = problem_of(experiment, study, strategy, candles)
        require_same(experiment, problem, f"{study} cannot be judged")
        belief = judge(opened, problem, threads, permutations)
    if belief is None:
        raise StudyError(f"no evaluation of {study} finished, so there is nothing to judge.")
    return belief


def _ahead(problem: StrategyProblem, trial: Trial) -> str | None:
    """Where the best set looks ahead, in words."""
    for candles in problem.series:
        if found := look_ahead(problem.strategy(**trial.params), candles, _CUTS):
            column, bar = found
            return f"{column} of {candles.symbol} at {utc(candles.time[bar])} UTC"
    return None


def tries(sampler: str, trials: int) -> float:
    """How many sets drawn at random find as much as so many trials of a sampler, on markets without an edge."""
    return float(trials) if sampler in BLIND else float(trials) ** LEARNING


def _figures(study: Study, problem: StrategyProblem, trial: Trial, threads: int, permutations: int) -> Figures | None:
    experiment = study.experiment
    stage = Stage(problem.strategy, problem.series, experiment)
    objective, best = experiment.objectives[0], experiment.space.encode(trial.params)
    value, trades = (float(trial.metrics[name] or 0.0) for name in (objective.metric, "trades"))
    asked = study.counts().asked
    # Where a set may hang, only those are run that have ended in time before.
    daring = not experiment.limited
    evaluators = stage.evaluators()
    with ThreadPoolExecutor(threads) as pool:
        earned = record(study, best, evaluators, pool, spread=daring)
        if earned is None:
            return None
        around = neighbours(experiment.space, best) if daring else best[None][:0]
        measured = pool.map(lambda row: stage.metrics(evaluators, row[None])[0], around)
        near = [row[experiment.metrics.index(objective.metric)] for row in measured]
        late = latest(stage)
        drawn = pool.map(lambda at: shuffled_market(late, (experiment.seed, at)).objective(best), range(permutations))
        changes = pool.map(lambda one: changed(stage, best, one), circumstances(experiment.costs))
        figures = weigh(
            earned, asked, trades, experiment.seed, min(tries(experiment.sampler, asked), experiment.space.count)
        )
        return replace(
            _over_all_bars(figures, stage, trial),
            kept_closed=kept_closed(study),
            neighbourhood=neighbourhood(objective, value, np.array(near)),
            permutation=permutation(objective, late.objective(best), list(drawn)),
            sensitivity=tuple(one for one in changes if one is not None),
            outside=unseen(study, problem, trial.params),
        )


def _over_all_bars(figures: Figures, stage: Stage, trial: Trial) -> Figures:
    """The figures with the whole returns on a single series: its first bars, which fill no whole period, count."""
    if len(stage.series) > 1:
        return figures
    holding = Evaluator(BuyAndHold, stage.series[0], stage.experiment.costs)(np.empty((1, 0)))
    held = holding.metrics[0, METRICS.index("total_return")]
    return replace(figures, total_return=float(trial.metrics["total_return"] or 0.0), market_return=float(held))
