"""Searching for the best parameters of a strategy, from the outside."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import bittrader
from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import backtest
from bittrader.errors import InputError, StudyError
from bittrader.execution.processes import ProcessExecutor
from bittrader.execution.threads import ThreadExecutor
from bittrader.market.candles import Candles
from bittrader.market.store import default_name, load_candles, read_candles
from bittrader.optimize import found, shelf
from bittrader.optimize.evaluators import MakeEvaluator, engine_digest, first_rows
from bittrader.optimize.experiment import CandleFacts, Experiment, differences
from bittrader.optimize.goals import conditions_of, objectives_of, require_known
from bittrader.optimize.interrupt import stop_wished
from bittrader.optimize.loop import Progress, Search
from bittrader.optimize.samplers.choose import choose, make
from bittrader.optimize.spaces import narrowed
from bittrader.optimize.study import Study
from bittrader.strategies.registry import code_digest, load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bittrader.backtest.result import Result
    from bittrader.backtest.run import Evaluated
    from bittrader.execution.base import Executor
    from bittrader.optimize.samplers.base import Sampler
    from bittrader.optimize.spaces import Range
    from bittrader.optimize.summary import StudySummary, Trial
    from bittrader.strategies.base import Strategy

# More trials than anyone waits for, and no more than fit into a study's numbers.
_MOST = 10**12
_LIBRARIES = ("numpy", "numba", "scipy", "optuna")


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found, and where it is kept."""

    path: Path
    summary: StudySummary
    interrupted: bool
    """Whether it was asked to stop before its budget was spent; `resume` goes on."""
    strategy: type[Strategy]
    candles: Candles
    costs: Costs
    sizing: Sizing
    budget: int
    """How many trials the study may have in all."""

    @property
    def best(self) -> Trial | None:
        """The best evaluation; None when none finished."""
        return self.summary.best[0] if self.summary.best else None

    def backtest(self) -> Result | None:
        """The best evaluation in full: its trades, its equity, and holding the market beside it."""
        if self.best is None:
            return None
        return backtest(self.strategy, self.candles, self.best.params, self.costs, self.sizing)


def optimize(
    strategy: type[Strategy] | str,
    candles: Candles | str | Path,
    *,
    trials: int = 80,
    objective: str | Sequence[str] = "sharpe",
    where: str | Sequence[str] = (),
    sampler: str = "auto",
    seed: int = 1,
    study: str | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    ranges: Mapping[str, Range] | None = None,
    fixed: Mapping[str, object] | None = None,
    threads: int | None = None,
    time_limit: float | None = None,
    reading: Mapping[str, str] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """The best parameters of a strategy over candles, searched with `trials` evaluations and kept as a study.

    `strategy`: a class, a built-in name or `file.py:Class`. `candles`: candles, a stored name or a file. `objective`: a
    metric, `metric:max`, `metric:min`, or several of these, which give a Pareto front. `where`: conditions that a set
    must keep to count as good, as in `trades >= 100`. `study`: its name, or one is made. `ranges`: parameters held to a
    smaller range; `fixed`: held to one value. `threads`: cores to use, or all. `time_limit`: seconds that one
    evaluation may take, which then run in processes. `reading`: how to read a file of candles that leaves a choice, as
    `read_candles` takes it.
    """
    known, reference = _strategy(strategy)
    market, facts = _candles(candles, reading or {})
    objectives, conditions = objectives_of(objective), conditions_of(where)
    require_known([*(one.metric for one in objectives), *(one.metric for one in conditions)], METRICS)
    _check(trials, threads, time_limit)
    space = narrowed(known.space, ranges or {}, fixed or {})
    choice = choose(sampler, space, trials, len(objectives))
    first_rows(space)  # a space without one set is refused before a study is made of it
    experiment = Experiment(
        strategy=reference,
        name=known.name,
        code=code_digest(known),
        engine=engine_digest(),
        series=(facts,),
        aggregate="mean",
        space=space,
        costs=costs or Costs(),
        sizing=sizing or Sizing(),
        objectives=objectives,
        where=conditions,
        metrics=METRICS,
        sampler=choice.sampler,
        sampler_reason=choice.reason,
        seed=seed,
        trials=trials,
        generation=choice.generation,
        time_limit=time_limit,
        versions=_versions(),
    )
    name = shelf.free_name(known.name, default_name(market.symbol, market.timeframe)) if study is None else study
    path = shelf.path_of(name)
    with Study.create(path, experiment) as opened:
        return _search(opened, known, market, threads, progress)


def resume(
    study: str,
    *,
    strategy: type[Strategy] | str | None = None,
    candles: Candles | str | Path | None = None,
    trials: int | None = None,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """Goes on with a study, to `trials` in all when given.

    `strategy` and `candles` are needed only where the study cannot find them again. StudyError, with what differs, when
    they are not those that it began with.
    """
    with Study.write(shelf.path_of(study)) as opened:
        then = opened.experiment
        known, reference = _strategy(strategy or then.strategy or _missing(study, "strategy"))
        (series,) = then.series
        origin = candles or series.reference or _missing(study, "candles")
        market, facts = _candles(origin, series.reading)
        _refuse_other(study, then, known, facts)
        budget = opened.budget if trials is None else trials
        if budget < (asked := opened.counts().asked):
            raise InputError(f"{study} has {asked:,} trials already: say how many it may have in all, more than that.")
        _check(budget, threads, then.time_limit)
        opened.allow(budget)
        found_at = replace(facts, reference=facts.reference or series.reference)
        opened.redefine(replace(then, strategy=reference or then.strategy, series=(found_at,)))
        return _search(opened, known, market, threads, progress)


def _refuse_other(study: str, then: Experiment, known: type[Strategy], candles: CandleFacts) -> None:
    now = replace(
        then,
        name=known.name,
        code=code_digest(known),
        engine=engine_digest(),
        series=(candles,),
        versions=_versions(),
    )
    if others := differences(then, now):
        raise StudyError(f"{study} cannot go on: {'; '.join(others)}. Begin a new study with `bittrader optimize`.")


def _missing(study: str, what: str) -> str:
    raise InputError(f"{study} does not know where its {what} came from: say so with --{what} (in Python, {what}=).")


def _search(
    study: Study,
    strategy: type[Strategy],
    candles: Candles,
    threads: int | None,
    progress: Callable[[Progress], None] | None,
) -> SearchResult:
    slots = threads or cores()
    experiment = study.experiment
    sampler = sampler_of(experiment)
    with stop_wished() as stopped, _executor(experiment, strategy, candles, slots) as executor:
        study.begin(slots)
        complete = Search(study, sampler, executor).run(progress or _silent, stopped)
    return SearchResult(
        path=study.path,
        summary=found.summary(study),
        interrupted=not complete,
        strategy=strategy,
        candles=candles,
        costs=experiment.costs,
        sizing=experiment.sizing,
        budget=study.budget,
    )


def sampler_of(experiment: Experiment) -> Sampler:
    """The sampler of the experiment, at its beginning."""
    shape = (experiment.space, experiment.seed, experiment.trials, experiment.generation)
    return make(experiment.sampler, *shape, len(experiment.objectives))


def _silent(_: Progress) -> None:
    """Says nothing."""


def _executor(experiment: Experiment, strategy: type[Strategy], candles: Candles, slots: int) -> Executor[Evaluated]:
    if experiment.time_limit is not None:
        made = MakeEvaluator(_portable(strategy), candles, experiment.costs, experiment.sizing)
        return ProcessExecutor(made, slots, experiment.time_limit, first=first_rows(experiment.space))
    evaluator = MakeEvaluator(strategy, candles, experiment.costs, experiment.sizing)()
    evaluator(first_rows(experiment.space))
    return ThreadExecutor(evaluator, slots)


def _portable(strategy: type[Strategy]) -> type[Strategy] | str:
    """What another process knows the class by: itself, or its file when only `load_strategy` made its module."""
    module = sys.modules.get(strategy.__module__)
    made_here = module is not None and module.__spec__ is None and strategy.__module__ != "__main__"
    return _reference(strategy) if made_here else strategy


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _strategy(strategy: type[Strategy] | str) -> tuple[type[Strategy], str]:
    """The class, and what `load_strategy` takes to find it again; empty for a class that no file holds."""
    if not isinstance(strategy, str):
        return strategy, _reference(strategy)
    known = load_strategy(strategy)
    return known, _reference(known) if ".py" in strategy else strategy


def _reference(strategy: type[Strategy]) -> str:
    """What `load_strategy` takes to find the class again; empty when no file but a running program holds it."""
    if strategy.__module__ == "__main__":
        return ""
    file = Path(getattr(sys.modules.get(strategy.__module__), "__file__", None) or "")
    return f"{file.resolve()}:{strategy.__name__}" if file.suffix == ".py" and "." not in strategy.__qualname__ else ""


def _candles(candles: Candles | str | Path, reading: Mapping[str, str]) -> tuple[Candles, CandleFacts]:
    """The candles, and what a study keeps about them."""
    if isinstance(candles, Candles):
        return candles, CandleFacts.of(candles, None, {})
    market = read_candles(candles, **reading) if reading else load_candles(candles)
    path = Path(candles)
    return market, CandleFacts.of(market, str(path.resolve()) if path.exists() else str(candles), reading)


def _check(trials: int, threads: int | None, time_limit: float | None) -> None:
    if not 1 <= trials <= _MOST:
        raise InputError(f"trials must be between 1 and {_MOST:,}, not {trials:,}.")
    if threads is not None and threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}.")
    if time_limit is not None and not 0 < time_limit < float("inf"):
        raise InputError(f"the time limit must be a positive number of seconds, not {time_limit}.")


def _versions() -> dict[str, str]:
    return {"bittrader": bittrader.__version__, **{name: version(name) for name in _LIBRARIES}}
