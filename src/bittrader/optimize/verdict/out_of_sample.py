"""What was earned on bars that no search saw: run again, and weighed beyond the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.run import backtest
from bittrader.belief.market import period_returns
from bittrader.belief.weigh import Record, outside
from bittrader.optimize.folds import held_out
from bittrader.optimize.studies.found import noted, validation
from bittrader.optimize.studies.validation_result import Holdout
from bittrader.optimize.verdict.returns import common_periods, period_length
from bittrader.optimize.verdict.validation import Layout, path_runs, that_ran

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.result import Result
    from bittrader.belief.figures import Outside
    from bittrader.market.candles import Candles
    from bittrader.optimize.problem import StrategyProblem
    from bittrader.optimize.studies.experiment import Experiment
    from bittrader.optimize.studies.study import Study
    from bittrader.optimize.studies.validation_result import Validated
    from bittrader.strategies.parameters import Value

    Equity = NDArray[np.float64]


def unseen(study: Study, problem: StrategyProblem, params: Mapping[str, Value]) -> tuple[Outside, ...]:
    """What the study's validation, and the first opening of its holdout, say; `params`: those of the best set.

    A later opening is no test any more, and neither is one of another set.
    """
    return tuple(_unseen(study, problem, params))


def kept_closed(study: Study) -> bool:
    """Whether the study holds bars out that nobody has looked at."""
    holdout = noted(study, "holdout", Holdout.from_json)
    return holdout is not None and not holdout.openings


def _unseen(study: Study, problem: StrategyProblem, params: Mapping[str, Value]) -> Iterator[Outside]:
    experiment = study.experiment
    validated = validation(study)
    if validated is not None and (found := _validation(experiment, problem, validated)) is not None:
        yield found
    holdout = noted(study, "holdout", Holdout.from_json)
    openings = () if holdout is None else holdout.openings
    if openings and openings[0].params == dict(params):
        results = on_holdout(experiment, problem, openings[0].params)
        record = _record([[(one.candles, one.equity) for one in results]])
        trades = float(np.mean([len(one.trades) for one in results]))
        if record is not None and (found := outside("holdout", record, trades)) is not None:
            yield found


def _validation(experiment: Experiment, problem: StrategyProblem, validated: Validated) -> Outside | None:
    """What the paths earned on average; None where a fold has no result."""
    assert experiment.validation is not None
    ran = that_ran(validated.folds)
    layout = Layout.of(experiment.validation, problem.series)
    if len(ran) < len(layout.plan.folds):
        return None
    paths = [path_runs(experiment, problem, layout, ran, pieces) for pieces in layout.plan.paths]
    record = _record([[(candles, run.equity) for candles, run in path] for path in paths])
    trades = float(np.mean([run.metrics.trades for path in paths for _, run in path]))
    return None if record is None else outside("validation", record, trades)


def on_holdout(experiment: Experiment, problem: StrategyProblem, params: Mapping[str, Value]) -> tuple[Result, ...]:
    """One set in full on what is held out of each series."""
    spans = held_out([one.time for one in problem.whole], experiment.holdout)
    return tuple(
        backtest(problem.strategy, candles, params, experiment.costs, experiment.sizing, [span])
        for candles, span in zip(problem.whole, spans, strict=True)
    )


def _record(paths: Sequence[Sequence[tuple[Candles, Equity]]]) -> Record | None:
    """What paths over the same bars of each series earned on average; None with less than one period."""
    series = [candles for candles, _ in paths[0]]
    ends = common_periods(series)
    if ends is None:
        return None
    each = [[period_returns(equity, at) for (_, equity), at in zip(path, ends, strict=True)] for path in paths]
    days, bars = period_length(series, ends)
    return Record(
        returns=np.mean(each, axis=0)[:, :, None],
        markets=np.stack([period_returns(one.close, at) for one, at in zip(series, ends, strict=True)]),
        days=days,
        bars=bars,
    )
