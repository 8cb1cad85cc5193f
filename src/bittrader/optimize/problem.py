"""What a search evaluates: a strategy over its series of candles."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import backtest
from bittrader.errors import InputError
from bittrader.execution.processes import ProcessExecutor
from bittrader.execution.threads import ThreadExecutor
from bittrader.market.candles import Candles
from bittrader.market.store import default_name, load_candles, read_candles
from bittrader.optimize.evaluators import MakeEvaluator, engine_digest, first_rows
from bittrader.optimize.experiment import CandleFacts
from bittrader.optimize.windows import held_out
from bittrader.strategies.registry import code_digest, load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.backtest.result import Result
    from bittrader.backtest.run import Evaluated
    from bittrader.backtest.spans import Span
    from bittrader.execution.base import Executor
    from bittrader.optimize.experiment import Experiment
    from bittrader.strategies.base import Strategy
    from bittrader.strategies.parameters import Space, Value

    CandlesLike = Candles | str | Path


@dataclass(frozen=True, eq=False)
class StrategyProblem:
    """A strategy over one or several series."""

    strategy: type[Strategy]
    reference: str
    """What `load_strategy` takes to find the strategy again; empty for a class that no file holds."""
    series: tuple[Candles, ...]
    """What may be seen of them: without a holdout all bars."""
    facts: tuple[CandleFacts, ...]
    """Of the whole series."""

    @classmethod
    def of(
        cls, strategy: type[Strategy] | str, series: Sequence[CandlesLike], readings: Sequence[Mapping[str, str]]
    ) -> StrategyProblem:
        """The problem that these name; each series is read as its reading says."""
        if isinstance(strategy, str):
            known = load_strategy(strategy)
            reference = _reference(known) if ".py" in strategy else strategy
        else:
            known, reference = strategy, _reference(strategy)
        loaded = [_candles(one, reading) for one, reading in zip(series, readings, strict=True)]
        prints = [facts.fingerprint for _, facts in loaded]
        for index, (_, facts) in enumerate(loaded):
            if facts.fingerprint in prints[:index]:
                raise InputError(f"the same candles are given twice: {facts}. Give each series once.")
        return cls(known, reference, tuple(candles for candles, _ in loaded), tuple(facts for _, facts in loaded))

    def developing(self, holdout: float) -> StrategyProblem:
        """The problem without the share of the bars that is held out at their end."""
        kept = [start for start, _ in held_out([one.time for one in self.series], holdout)]
        seen = [one if bars == len(one) else one.head(bars) for one, bars in zip(self.series, kept, strict=True)]
        return replace(self, series=tuple(seen))

    @property
    def space(self) -> Space:
        """All that could be searched."""
        return self.strategy.space

    @property
    def name(self) -> str:
        """The strategy's own name."""
        return self.strategy.name

    def identity(self) -> dict[str, Any]:
        """What of an experiment this problem decides."""
        return {
            "strategy": self.reference,
            "name": self.name,
            "code": code_digest(self.strategy),
            "engine": engine_digest(),
            "series": self.facts,
            "metrics": METRICS,
        }

    def words(self) -> tuple[str, ...]:
        """What a study of it may be called after."""
        first, *others = self.series
        more = (f"and-{len(others)}-more",) if others else ()
        return self.name, default_name(first.symbol, first.timeframe), *more

    def executor(
        self, experiment: Experiment, slots: int, spans: Sequence[Sequence[Span] | None] | None = None
    ) -> Executor[Evaluated]:
        """Where the experiment's sets are evaluated, warm; `spans`: for each series, the bars traded, or None."""
        limited = experiment.time_limit is not None
        made = MakeEvaluator(
            _portable(self.strategy) if limited else self.strategy,
            self.series,
            experiment.costs,
            experiment.sizing,
            experiment.aggregate,
            experiment.objectives,
            tuple(spans or [None] * len(self.series)),
        )
        if limited:
            return ProcessExecutor(made, slots, experiment.time_limit, first=first_rows(experiment.space))
        evaluate = made()
        evaluate(first_rows(experiment.space))
        return ThreadExecutor(evaluate, slots)

    def backtests(self, experiment: Experiment, params: Mapping[str, Value]) -> tuple[Result, ...]:
        """One parameter set in full on each series."""
        return tuple(backtest(self.strategy, one, params, experiment.costs, experiment.sizing) for one in self.series)


def problem_of(
    experiment: Experiment,
    study: str,
    strategy: type[Strategy] | str | None = None,
    candles: Sequence[CandlesLike] = (),
) -> StrategyProblem:
    """The problem that a study's experiment says, or that is now at these places, without what is held out.

    InputError when it cannot be found; whether it is still the same is not looked at.
    """
    origins = candles or [one.reference or _missing(study, "candles") for one in experiment.series]
    if len(origins) != len(experiment.series):
        raise InputError(f"{study} has {len(experiment.series)} series of candles, not {len(origins)}: name them all.")
    readings = [one.reading for one in experiment.series]
    problem = StrategyProblem.of(strategy or experiment.strategy or _missing(study, "strategy"), origins, readings)
    return problem.developing(experiment.holdout)


def _missing(study: str, what: str) -> str:
    raise InputError(f"{study} does not know where its {what} came from: say so with --{what} (in Python, {what}=).")


def _portable(strategy: type[Strategy]) -> type[Strategy] | str:
    """What another process knows the class by: itself, or its file when only `load_strategy` made its module."""
    module = sys.modules.get(strategy.__module__)
    made_here = module is not None and module.__spec__ is None and strategy.__module__ != "__main__"
    return _reference(strategy) if made_here else strategy


def _reference(strategy: type[Strategy]) -> str:
    """What `load_strategy` takes to find the class again; empty when no file but a running program holds it."""
    if strategy.__module__ == "__main__":
        return ""
    file = Path(getattr(sys.modules.get(strategy.__module__), "__file__", None) or "")
    return f"{file.resolve()}:{strategy.__name__}" if file.suffix == ".py" and "." not in strategy.__qualname__ else ""


def _candles(candles: CandlesLike, reading: Mapping[str, str]) -> tuple[Candles, CandleFacts]:
    """The candles, and what a study keeps about them."""
    if isinstance(candles, Candles):
        return candles, CandleFacts.of(candles, None, {})
    market = read_candles(candles, **reading) if reading else load_candles(candles)
    path = Path(candles)
    return market, CandleFacts.of(market, str(path.resolve()) if path.exists() else str(candles), reading)
