"""Searching for the best parameters of a strategy, from the outside."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bittrader.backtest.costs import Costs, Sizing
from bittrader.errors import InputError, did_you_mean
from bittrader.execution.base import Far
from bittrader.execution.local import Here
from bittrader.optimize.evaluators import first_rows
from bittrader.optimize.folds import Validation, share
from bittrader.optimize.goals import conditions_of, objectives_of
from bittrader.optimize.interrupt import stop_wished
from bittrader.optimize.loop import Progress, Search
from bittrader.optimize.narrowing import narrowed
from bittrader.optimize.problem import StrategyProblem, new_problem, problem_of, require_same
from bittrader.optimize.samplers.choose import choose, make
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.experiment import AGGREGATES, Experiment, versions_now
from bittrader.optimize.studies.study import Study
from bittrader.optimize.studies.validation_result import Holdout
from bittrader.optimize.verdict.judge import judge
from bittrader.optimize.verdict.validation import Layout, held_bars, validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bittrader.backtest.result import Result
    from bittrader.execution.base import Place
    from bittrader.execution.work import Work
    from bittrader.optimize.folds import Mode
    from bittrader.optimize.functions import Function
    from bittrader.optimize.narrowing import Range
    from bittrader.optimize.problem import CandlesGiven, Problem, SpaceLike
    from bittrader.optimize.samplers.base import Sampler
    from bittrader.optimize.studies.experiment import Aggregate
    from bittrader.optimize.studies.summary import StudySummary, Trial
    from bittrader.strategies.base import Strategy

# More trials than anyone waits for, and no more than fit into a study's numbers.
_MOST = 10**12


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found, and where it is kept."""

    path: Path
    summary: StudySummary
    interrupted: bool
    """Whether it was asked to stop before its budget was spent; `resume` goes on."""
    problem: Problem
    experiment: Experiment
    budget: int
    """How many trials the study may have in all."""

    @property
    def best(self) -> Trial | None:
        """The best evaluation; None when none finished."""
        return self.summary.best[0] if self.summary.best else None

    def backtest(self, series: int = 0) -> Result | None:
        """The best evaluation in full on one series: its trades, its equity, and holding the market beside it."""
        results = self.backtests()
        return results[series] if results else None

    def backtests(self) -> tuple[Result, ...]:
        """The best evaluation in full on each series; empty when none finished."""
        return () if self.best is None else self.problem.backtests(self.experiment, self.best.params)


def optimize(
    strategy: type[Strategy] | Function | str,
    candles: CandlesGiven = None,
    *,
    space: SpaceLike | None = None,
    trials: int = 80,
    objective: str | Sequence[str] | None = None,
    where: str | Sequence[str] = (),
    aggregate: Aggregate = "mean",
    sampler: str = "auto",
    seed: int = 1,
    study: str | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    ranges: Mapping[str, Range] | None = None,
    fixed: Mapping[str, object] | None = None,
    threads: int | None = None,
    on: Place | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    validate: Validation | Mode | None = None,
    holdout: float | str = 0.0,
    reading: Mapping[str, str] | None = None,
    verdict: bool = True,
    run: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """The best parameters of a strategy over candles, searched with `trials` evaluations and kept as a study.

    Or those of a function: any from parameters to named numbers, which runs in processes. Then `strategy` is the
    function or `file.py:function`, and `space` its parameters by name, or a TOML file of them; there are no candles.

    `strategy`: a class, a built-in name or `file.py:Class`. `candles`: candles, a stored name or a file, or several of
    these: then each metric is the `aggregate` of those on each series. `objective`: a metric (a strategy's Sharpe ratio
    if none), `metric:max`, `metric:min`, or several of these, which give a Pareto front. `where`: conditions that a set
    must keep to count as good, as in `trades >= 100`. `study`: its name, or one is made. `ranges`: parameters held to a
    smaller range; `fixed`: held to one value. `threads`: cores to use, or all. `on`: where sets are evaluated, if not
    on this computer. `time_limit`, `memory_limit`: seconds, and megabytes, that one evaluation may take, which then run
    in processes. `validate`: repeat the search on parts of the bars and test what it finds on the others. `holdout`:
    the share of the bars, at their end, that nothing sees before it is opened. `verdict`: judge how much of the best is
    luck, which runs sets again. `run`: search now; else only the study is made, for `resume`. `reading`: how to read a
    file of candles that leaves a choice, as `read_candles` takes it.
    """
    problem = new_problem(strategy, candles, space, reading or {})
    held = share(holdout) if isinstance(holdout, str) else holdout
    validation = Validation(validate) if isinstance(validate, str) else validate
    if isinstance(problem, StrategyProblem):
        problem = problem.developing(held)
        if validation is not None:
            Layout.of(validation, problem.series)  # folds that do not fit are refused before a study is made
    elif held or validation or (costs or Costs()) != Costs() or (sizing or Sizing()) != Sizing():
        raise InputError("costs, sizing, validation and holdout are for strategies: a function does what it likes.")
    elif aggregate != "mean":
        raise InputError("aggregate is for several series of candles, and a function takes none.")
    objectives, conditions = objectives_of(objective or problem.objective), conditions_of(where)
    metrics = problem.metrics([one.metric for one in objectives] + [one.metric for one in conditions])
    _check(trials, threads, time_limit, memory_limit, aggregate)
    searched = narrowed(problem.space, ranges or {}, fixed or {})
    choice = choose(sampler, searched, trials, len(objectives))
    first_rows(searched)  # a space without one set is refused before a study is made of it
    experiment = Experiment(
        **problem.identity(),
        aggregate=aggregate,
        space=searched,
        costs=costs or Costs(),
        sizing=sizing or Sizing(),
        objectives=objectives,
        where=conditions,
        metrics=metrics,
        sampler=choice.sampler,
        sampler_reason=choice.reason,
        seed=seed,
        trials=trials,
        generation=choice.generation,
        time_limit=time_limit,
        memory_limit=memory_limit,
        versions=versions_now(),
        holdout=held,
        validation=validation,
    )
    path = shelf.path_of(shelf.free_name(*problem.words()) if study is None else study)
    with Study.create(path, experiment) as opened:
        _hold_out(opened, problem)
        if not run:
            return _as_it_is(opened, problem)
        return _search(opened, problem, threads, on, progress, verdict=verdict)


def resume(
    study: str,
    *,
    strategy: type[Strategy] | Function | str | None = None,
    candles: CandlesGiven = None,
    trials: int | None = None,
    threads: int | None = None,
    on: Place | None = None,
    verdict: bool = True,
    run: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """Goes on with a study, to `trials` in all when given.

    `strategy` and `candles` are needed only where the study cannot find them again. `run`: search now; else only the
    budget and their places are written, for whoever goes on. StudyError, with what differs, when they are not those
    that it began with; InputError for fewer trials than it has.
    """
    with Study.write(shelf.path_of(study)) as opened:
        then = opened.experiment
        problem = problem_of(then, study, strategy, candles)
        require_same(then, problem, f"{study} cannot go on")
        budget = opened.budget if trials is None else trials
        if budget < (asked := opened.counts().asked):
            raise InputError(f"{study} has {asked:,} trials already: say how many it may have in all, more than that.")
        _check(budget, threads, then.time_limit, then.memory_limit, then.aggregate)
        opened.allow(budget)
        opened.redefine(_found_again(then, problem))
        _hold_out(opened, problem)
        if not run:
            return _as_it_is(opened, problem)
        return _search(opened, problem, threads, on, progress, verdict=verdict)


def _hold_out(study: Study, problem: Problem) -> None:
    """Notes which bars are held out, also where a first try to note it failed."""
    share_held = study.experiment.holdout
    if isinstance(problem, StrategyProblem) and share_held and study.noted("holdout") is None:
        study.note("holdout", Holdout(held_bars(problem.whole, share_held), ()).to_json())


def _as_it_is(study: Study, problem: Problem) -> SearchResult:
    """A study that waits for its search."""
    return SearchResult(study.path, found.summary(study), True, problem, study.experiment, study.budget)  # noqa: FBT003 - a field


def _found_again(then: Experiment, problem: Problem) -> Experiment:
    """The experiment with the places where its strategy and its candles are now, where they are known."""
    series = [
        replace(now, reference=now.reference or before.reference)
        for before, now in zip(then.series, problem.facts, strict=True)
    ]
    return replace(then, strategy=problem.reference or then.strategy, series=tuple(series))


def _search(
    study: Study,
    problem: Problem,
    threads: int | None,
    on: Place | None,
    progress: Callable[[Progress], None] | None,
    *,
    verdict: bool,
) -> SearchResult:
    slots = threads or cores()
    place = on or Here(slots)
    experiment = study.experiment
    validation = experiment.validation
    layout = Layout.of(validation, problem.series) if validation and isinstance(problem, StrategyProblem) else None
    folds = [None, *(layout.training() if layout else ())]

    def searched(fold: int) -> bool:
        work: Work[Any] = replace(problem.work(experiment, folds[fold]), name=study.name)
        part = f"fold {fold} of {len(folds) - 1}" if fold else ""
        with place.executor(work) as executor:

            def tell(now: Progress) -> None:
                executor.note(Far(now.finished + now.failed, now.trials, part))
                (progress or _silent)(replace(now, fold=fold, folds=len(folds) - 1))

            return Search(study, sampler_of(experiment), executor, fold).run(tell, stopped)

    with stop_wished() as stopped:
        study.begin(place.cores)
        complete = all(map(searched, range(len(folds))))
        study.end()
    if complete and validation is not None and isinstance(problem, StrategyProblem):
        study.note("validation", validated(study, problem, validation).to_json())
    if complete and verdict:
        judge(study, problem, slots)
    return SearchResult(study.path, found.summary(study), not complete, problem, experiment, study.budget)


def sampler_of(experiment: Experiment) -> Sampler:
    """The sampler of the experiment, at its beginning."""
    shape = (experiment.space, experiment.seed, experiment.trials, experiment.generation)
    return make(experiment.sampler, *shape, len(experiment.objectives))


def _silent(_: Progress) -> None:
    """Says nothing."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check(
    trials: int, threads: int | None, time_limit: float | None, memory_limit: float | None, aggregate: str
) -> None:
    if not 1 <= trials <= _MOST:
        raise InputError(f"trials must be between 1 and {_MOST:,}, not {trials:,}.")
    if aggregate not in AGGREGATES:
        hint = did_you_mean(aggregate, AGGREGATES) or f" There are {', '.join(AGGREGATES)}."
        raise InputError(f"metrics cannot be aggregated by {aggregate!r}.{hint}")
    if threads is not None and threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}.")
    if time_limit is not None and not 0 < time_limit < float("inf"):
        raise InputError(f"the time limit must be a positive number of seconds, not {time_limit}.")
    if memory_limit is not None and not 0 < memory_limit < float("inf"):
        raise InputError(f"the memory limit must be a positive number of megabytes, not {memory_limit}.")
