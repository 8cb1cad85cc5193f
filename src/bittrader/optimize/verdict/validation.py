"""The folds of a search over its series: what each learns from, and how its best set does on the bars it never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.backtest.run import Evaluator, stitched
from bittrader.backtest.spans import joined
from bittrader.errors import InputError
from bittrader.optimize.aggregate import aggregated, measured, named
from bittrader.optimize.folds import held_out, same_time
from bittrader.optimize.studies import found
from bittrader.optimize.studies.even_share import even_share
from bittrader.optimize.studies.validation_result import Curve, FoldResult, Path, Period, Validated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.backtest.run import Run
    from bittrader.backtest.spans import Span
    from bittrader.market.candles import Candles
    from bittrader.optimize.folds import Piece, Plan, Validation
    from bittrader.optimize.problem import StrategyProblem
    from bittrader.optimize.studies.experiment import Experiment
    from bittrader.optimize.studies.study import Study
    from bittrader.optimize.studies.validation_result import Measured
    from bittrader.strategies.parameters import Value

    Params = Mapping[str, Value]
    Spans = tuple[tuple[Span, ...], ...]

# A picture shows no more, and a study stays handy.
_POINTS = 1_000


@dataclass(frozen=True, eq=False)
class Layout:
    """A plan laid over series: in bars of the longest, and the same time of the others."""

    plan: Plan
    series: tuple[Candles, ...]

    @classmethod
    def of(cls, validation: Validation, series: Sequence[Candles]) -> Layout:
        """The layout; InputError when a series has no bars in a fold."""
        longest = max(series, key=len)
        layout = cls(validation.plan(len(longest), longest.timeframe), tuple(series))
        for index, fold in enumerate(layout.plan.folds, start=1):
            for one, *parts in zip(series, layout.spans(fold.train), *map(layout.spans, _each(fold.test)), strict=True):
                if not all(parts):
                    what = f"{one.symbol} {one.timeframe}"
                    raise InputError(f"{what} has no bars in fold {index}. Search a time that all series share.")
        return layout

    @property
    def longest(self) -> Candles:
        """The series in whose bars the plan counts."""
        return max(self.series, key=len)

    def spans(self, spans: Iterable[Span]) -> Spans:
        """For each series its bars of these spans."""
        some, times = tuple(spans), self.longest.time
        return tuple(same_time(some, times, one.time) for one in self.series)

    def training(self) -> list[Spans]:
        """For each fold and series, the bars to learn from."""
        return [self.spans(fold.train) for fold in self.plan.folds]

    def periods(self, spans: Iterable[Span]) -> tuple[Period, ...]:
        """The spans with their times."""
        return tuple(period(self.longest, span) for span in spans)


def period(candles: Candles, span: Span) -> Period:
    """A span with its times."""
    start, stop = span
    return Period(start, stop, int(candles.time[start]), int(candles.time[stop - 1]))


def held_bars(series: Sequence[Candles], holdout: float) -> Period:
    """What is held out of whole series, in bars of the longest."""
    longest = max(series, key=len)
    (span,) = held_out([longest.time], holdout)
    return period(longest, span)


def validated(study: Study, problem: StrategyProblem, validation: Validation) -> Validated:
    """How the best set of each fold's search, which must be complete, does on the bars that it never saw."""
    layout = Layout.of(validation, problem.series)
    folds = tuple(_fold(study, problem, layout, index) for index in range(len(layout.plan.folds)))
    paths = tuple(_path(study.experiment, problem, layout, that_ran(folds), pieces) for pieces in layout.plan.paths)
    return Validated(validation.mode, study.budget, folds, paths)


def that_ran(folds: Sequence[FoldResult]) -> dict[int, Params]:
    """The sets of the folds that gave a result, by the fold's index."""
    return {index: one.params for index, one in enumerate(folds) if one.params is not None and one.cause is None}


def path_runs(
    experiment: Experiment,
    problem: StrategyProblem,
    layout: Layout,
    params: Mapping[int, Params],
    pieces: Sequence[Piece],
) -> list[tuple[Candles, Run]]:
    """For each series the bars of a path, and the run over them: `params` says each fold's set."""
    strategies = [problem.strategy(**params[piece.fold]) for piece in pieces]
    apart = [layout.spans([piece.span]) for piece in pieces]
    runs = []
    for index, candles in enumerate(problem.series):
        spans = [spans[index] for spans in apart]
        parts = [
            (Evaluator(problem.strategy, candles, experiment.costs, experiment.sizing, some), strategy)
            for some, strategy in zip(spans, strategies, strict=True)
        ]
        runs.append((joined(candles, [span for some in spans for span in some]), stitched(parts)))
    return runs


def _fold(study: Study, problem: StrategyProblem, layout: Layout, index: int) -> FoldResult:
    fold = layout.plan.folds[index]
    train, test = layout.periods(fold.train), layout.periods(fold.test)
    best = found.best(study, 1, index + 1)
    if not best:
        commonest = next(iter(found.failures(study, index + 1)), "nothing was evaluated")
        why = f"no set finished on the training bars; the commonest cause: {commonest}"
        return FoldResult(train, test, None, None, feasible=False, in_sample=None, out_of_sample=None, cause=why)
    (trial,) = best
    out_of_sample, cause = _tested(study.experiment, problem, layout.spans(fold.test), trial.params)
    return FoldResult(
        train,
        test,
        trial.number,
        dict(trial.params),
        feasible=trial.feasible,
        in_sample=dict(trial.metrics),
        out_of_sample=out_of_sample,
        cause=cause,
    )


def _tested(
    experiment: Experiment, problem: StrategyProblem, apart: Spans, params: Params
) -> tuple[Measured | None, str | None]:
    """A set's metrics over each series' spans, aggregated, or why there are none."""
    row = problem.space.encode(params).reshape(1, -1)
    answers = [
        Evaluator(problem.strategy, candles, experiment.costs, experiment.sizing, spans)(row)
        for candles, spans in zip(problem.series, apart, strict=True)
    ]
    cause = next((answer.errors[0] for answer in answers if answer.errors), None)
    if cause is not None:
        return None, cause
    each = [answer.metrics[0] for answer in answers]
    return named(aggregated(each, experiment.aggregate, experiment.objectives)), None


def _path(
    experiment: Experiment,
    problem: StrategyProblem,
    layout: Layout,
    params: Mapping[int, Params],
    pieces: Sequence[Piece],
) -> Path:
    if not all(piece.fold in params for piece in pieces):
        return Path(None, ())
    runs = path_runs(experiment, problem, layout, params, pieces)
    metrics = measured([run.metrics for _, run in runs], experiment.aggregate, experiment.objectives)
    return Path(metrics, tuple(curve_of(candles, run.equity) for candles, run in runs))


def curve_of(candles: Candles, equity: NDArray[np.float64]) -> Curve:
    """The equity at a bounded number of these bars' closes."""
    shown = even_share(len(candles), _POINTS)
    return Curve(candles.symbol, tuple(candles.time[shown].tolist()), tuple(equity[shown].tolist()))


def _each(spans: Sequence[Span]) -> list[list[Span]]:
    return [[span] for span in spans]
