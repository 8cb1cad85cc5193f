"""Evaluations as the rows of a table: parameters, what was searched for, and what says the most besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.report import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.optimize.summary import StudySummary, Trial
    from bittrader.strategies.parameters import Value

_BESIDE = ("total_return", "cagr", "sharpe", "max_drawdown", "profit_factor", "win_rate", "trades")


@dataclass(frozen=True)
class Row:
    """One evaluation's cells, and whether it keeps every condition."""

    cells: tuple[str, ...]
    feasible: bool


@dataclass(frozen=True)
class Table:
    """Heads and rows; `keys` are the places of the columns that were searched for."""

    columns: tuple[str, ...]
    keys: tuple[int, ...]
    rows: tuple[Row, ...]


def trial_table(study: StudySummary, trials: Sequence[Trial]) -> Table:
    """The table of these evaluations; a parameter that does not count in one is a dash there.

    One that counts in none has no column.
    """
    metrics = shown_metrics(study)
    names = [name for name in study.parameter_names if any(name in trial.params for trial in trials)]
    first = 1 + len(names)
    return Table(
        columns=("Evaluation", *names, *map(words.short, metrics)),
        keys=tuple(range(first, first + len(study.objectives))),
        rows=tuple(Row(_cells(trial, names, metrics), trial.feasible) for trial in trials),
    )


def shown_metrics(study: StudySummary) -> tuple[str, ...]:
    """The objectives, the metrics of conditions, and those that say the most besides."""
    asked = (*(one.metric for one in study.objectives), *(one.metric for one in study.where))
    beside = _BESIDE if study.series else tuple(study.metrics)[: len(_BESIDE)]
    return tuple(dict.fromkeys((*asked, *beside)))


def _cells(trial: Trial, names: Sequence[str], metrics: Sequence[str]) -> tuple[str, ...]:
    params = (_short(trial.params[name]) if name in trial.params else words.UNDEFINED for name in names)
    return (f"{trial.number:,}", *params, *(words.metric(name, trial.metrics.get(name)) for name in metrics))


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else words.parameter(value)
