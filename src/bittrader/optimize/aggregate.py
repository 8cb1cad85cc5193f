"""One row of metrics from those on several series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.metrics import METRICS, direction
from bittrader.backtest.run import Evaluated
from bittrader.optimize.outcomes import undefined
from bittrader.optimize.studies.found import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.metrics import Metrics
    from bittrader.backtest.run import Evaluator
    from bittrader.optimize.goals import Objective
    from bittrader.optimize.studies.experiment import Aggregate
    from bittrader.strategies.parameters import Rows


class SeriesEvaluator:
    """A strategy over several series: calling it with rows of parameters gives their aggregated metrics.

    A row that fails on one series, or has an undefined objective there, has failed; the cause names the series.
    """

    def __init__(
        self, evaluators: Mapping[str, Evaluator], aggregate: Aggregate, objectives: Sequence[Objective]
    ) -> None:
        self._evaluators = evaluators
        self._aggregate = aggregate
        self._objectives = tuple(objectives)

    def __call__(self, rows: Rows) -> Evaluated:
        answers = {name: evaluate(rows) for name, evaluate in self._evaluators.items()}
        errors: dict[int, str] = {}
        for name, answer in answers.items():
            for index, cause in {**self._undefined(answer), **answer.errors}.items():
                errors.setdefault(index, f"{name}: {cause}")
        metrics = aggregated([answer.metrics for answer in answers.values()], self._aggregate, self._objectives)
        metrics[list(errors)] = np.nan
        return Evaluated(metrics, errors)

    def _undefined(self, answer: Evaluated) -> dict[int, str]:
        return {
            int(index): undefined(dict(zip(METRICS, answer.metrics[index].tolist(), strict=True)), one.metric)
            for one in self._objectives
            for index in np.flatnonzero(np.isnan(answer.metrics[:, METRICS.index(one.metric)]))
        }


def aggregated(
    each: Sequence[NDArray[np.float64]], how: Aggregate, objectives: Sequence[Objective]
) -> NDArray[np.float64]:
    """Metrics (columns of `METRICS`) on each series as one table: NaN where undefined on any of them.

    The worst is the least of what an objective maximizes, or of what more of is better; else the most.
    """
    table = np.stack(each)
    if how == "mean":
        return np.asarray(table.mean(axis=0))
    if how == "median":
        return np.asarray(np.median(table, axis=0))
    pushed = {one.metric: one.direction for one in objectives}
    lowest = np.array([pushed.get(name, direction(name)) == "maximize" for name in METRICS])
    return np.asarray(np.where(lowest, table.min(axis=0), table.max(axis=0)))


def measured(each: Sequence[Metrics], how: Aggregate, objectives: Sequence[Objective]) -> dict[str, float | int | None]:
    """The metrics on each series as one of each name; None where undefined on any of them."""
    return named(aggregated([one.as_row() for one in each], how, objectives))


def named(row: NDArray[np.float64]) -> dict[str, float | int | None]:
    """A row of metrics by name; None where undefined."""
    values = zip(METRICS, row.tolist(), strict=True)
    return {name: counted(name, None if math.isnan(value) else value) for name, value in values}


def series_names(labels: Sequence[str]) -> list[str]:
    """Labels of series, as in `BTC/USDT 1h`; those that are not the only one of theirs are numbered."""
    return [f"{label} ({index + 1})" if labels.count(label) > 1 else label for index, label in enumerate(labels)]
