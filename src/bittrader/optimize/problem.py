"""What a search evaluates: a strategy over its series of candles, or a function of the user's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import backtest
from bittrader.errors import InputError, StudyError
from bittrader.execution.work import Work
from bittrader.market.candles import Candles
from bittrader.market.store import default_name, load_candles, read_candles
from bittrader.optimize.evaluators import MakeEvaluator, engine_digest, first_rows
from bittrader.optimize.folds import held_out
from bittrader.optimize.functions import FunctionProblem
from bittrader.optimize.goals import require_known
from bittrader.optimize.origins import portable, reference
from bittrader.optimize.remote import remote_of
from bittrader.optimize.space_toml import named_space, read_space
from bittrader.optimize.studies.experiment import CandleFacts, differences, versions_now
from bittrader.strategies.registry import code_digest, load_strategy
from bittrader.strategies.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.backtest.result import Result
    from bittrader.backtest.run import Evaluated
    from bittrader.backtest.spans import Span
    from bittrader.optimize.functions import Function
    from bittrader.optimize.studies.experiment import Experiment
    from bittrader.strategies.base import Strategy
    from bittrader.strategies.parameters import Parameter, Value

    CandlesLike = Candles | str | Path
    CandlesGiven = CandlesLike | Sequence[CandlesLike] | None
    SpaceLike = Space | Mapping[str, Parameter[Any]] | str | Path


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
    whole: tuple[Candles, ...] = ()
    """The series with what is held out of them, for opening that."""
    objective: ClassVar[str] = "sharpe"
    """What is searched for when nothing is said."""

    @classmethod
    def of(
        cls, strategy: type[Strategy] | str, series: Sequence[CandlesLike], readings: Sequence[Mapping[str, str]]
    ) -> StrategyProblem:
        """The problem that these name; each series is read as its reading says."""
        if isinstance(strategy, str):
            known = load_strategy(strategy)
            origin = reference(known) if ".py" in strategy else strategy
        else:
            known, origin = strategy, reference(strategy)
        loaded = [_candles(one, reading) for one, reading in zip(series, readings, strict=True)]
        prints = [facts.fingerprint for _, facts in loaded]
        for index, (_, facts) in enumerate(loaded):
            if facts.fingerprint in prints[:index]:
                raise InputError(f"the same candles are given twice: {facts}. Give each series once.")
        return cls(known, origin, tuple(candles for candles, _ in loaded), tuple(facts for _, facts in loaded))

    def developing(self, holdout: float) -> StrategyProblem:
        """The problem without the share of the bars that is held out at their end."""
        kept = [start for start, _ in held_out([one.time for one in self.series], holdout)]
        seen = [one if bars == len(one) else one.head(bars) for one, bars in zip(self.series, kept, strict=True)]
        return replace(self, series=tuple(seen), whole=self.series)

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
        }

    def metrics(self, needed: Sequence[str]) -> tuple[str, ...]:
        """What is measured of each evaluation; InputError when what is needed is not among it."""
        require_known(needed, METRICS)
        return METRICS

    def words(self) -> tuple[str, ...]:
        """What a study of it may be called after."""
        first, *others = self.series
        more = (f"and-{len(others)}-more",) if others else ()
        return self.name, default_name(first.symbol, first.timeframe), *more

    def work(self, experiment: Experiment, spans: Sequence[Sequence[Span] | None] | None = None) -> Work[Evaluated]:
        """How the experiment's sets are evaluated; `spans`: for each series, the bars traded, or None."""
        made = MakeEvaluator(
            self.strategy,
            self.series,
            experiment.costs,
            experiment.sizing,
            experiment.aggregate,
            experiment.objectives,
            tuple(spans or [None] * len(self.series)),
        )
        return Work(
            made,
            replace(made, strategy=portable(self.strategy)),
            partial(remote_of, made, self.strategy),
            self.series,
            first_rows(experiment.space),
            experiment.time_limit,
            experiment.memory_limit,
        )

    def backtests(self, experiment: Experiment, params: Mapping[str, Value]) -> tuple[Result, ...]:
        """One parameter set in full on each series."""
        return tuple(backtest(self.strategy, one, params, experiment.costs, experiment.sizing) for one in self.series)


Problem = StrategyProblem | FunctionProblem


def new_problem(
    strategy: type[Strategy] | Function | str,
    candles: CandlesGiven,
    space: SpaceLike | None,
    reading: Mapping[str, str],
) -> Problem:
    """The problem that a new search is given: with a space that of a function, else that of a strategy over candles."""
    series = _listed(candles)
    if space is None:
        if not isinstance(strategy, type | str):
            raise InputError("a function needs the space of its parameters: space=.")
        if not series:
            raise InputError(
                "there are no candles: `bittrader optimize STRATEGY CANDLES`."
                " (A function of your own takes --space FILE.)"
            )
        return StrategyProblem.of(strategy, series, [reading] * len(series))
    if series or reading:
        raise InputError("--space is for a function, which takes no candles. Leave out one of them.")
    if isinstance(strategy, type):
        raise InputError(f"{strategy.__name__} is a class: a strategy takes candles, not a space.")
    if isinstance(space, str | Path):
        return FunctionProblem.of(strategy, read_space(space))
    return FunctionProblem.of(strategy, space if isinstance(space, Space) else named_space(space))


def problem_of(
    experiment: Experiment,
    study: str,
    strategy: type[Strategy] | Function | str | None = None,
    candles: CandlesGiven = None,
) -> Problem:
    """The problem that a study's experiment says, or that is now at these places, without what is held out.

    InputError when it cannot be found; whether it is still the same is not looked at.
    """
    if experiment.series:
        return strategy_problem_of(experiment, study, strategy, candles)
    if _listed(candles):
        raise InputError(f"{study} searched a function, which takes no candles.")
    function: Any = strategy or experiment.strategy or _missing(study, "strategy")
    return FunctionProblem.of(function, experiment.space)


def strategy_problem_of(
    experiment: Experiment,
    study: str,
    strategy: type[Strategy] | Function | str | None = None,
    candles: CandlesGiven = None,
) -> StrategyProblem:
    """As `problem_of`, of a study that is known to have searched a strategy."""
    code: Any = strategy or experiment.strategy or _missing(study, "strategy")
    origins = _listed(candles) or [one.reference or _missing(study, "candles") for one in experiment.series]
    if len(origins) != len(experiment.series):
        raise InputError(f"{study} has {len(experiment.series)} series of candles, not {len(origins)}: name them all.")
    readings = [one.reading for one in experiment.series]
    return StrategyProblem.of(code, origins, readings).developing(experiment.holdout)


def require_same(experiment: Experiment, problem: Problem, refusal: str) -> None:
    """StudyError, with what differs after the refusal, when the problem is no longer what the experiment says."""
    now = replace(experiment, **problem.identity(), versions=versions_now())
    if others := differences(experiment, now):
        raise StudyError(f"{refusal}: {'; '.join(others)}. Begin a new study with `bittrader optimize`.")


def _listed(candles: CandlesGiven) -> Sequence[CandlesLike]:
    return [candles] if isinstance(candles, Candles | str | Path) else list(candles or ())


def _missing(study: str, what: str) -> str:
    raise InputError(f"{study} does not know where its {what} came from: say so with --{what} (in Python, {what}=).")


def _candles(candles: CandlesLike, reading: Mapping[str, str]) -> tuple[Candles, CandleFacts]:
    """The candles, and what a study keeps about them."""
    if isinstance(candles, Candles):
        return candles, CandleFacts.of(candles, None, {})
    market = read_candles(candles, **reading) if reading else load_candles(candles)
    path = Path(candles)
    return market, CandleFacts.of(market, str(path.resolve()) if path.exists() else str(candles), reading)
