"""Evaluations as the rows of a table: parameters, what was searched for, and what says the most besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.report import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.optimize.studies.summary import StudySummary, Trial
    from bittrader.strategies.parameters import Value

_BESIDE = ("total_return", "cagr", "sharpe", "max_drawdown", "profit_factor", "win_rate", "trades")

# More parameters than this share one column.
_COLUMNS = 8


@dataclass(frozen=True)
class Row:
    """One evaluation's cells, and whether it keeps every condition."""

    cells: tuple[str, ...]
    feasible: bool


@dataclass(frozen=True)
class Table:
    """Heads and rows."""

    columns: tuple[str, ...]
    keys: tuple[int, ...]
    """The places of the columns that were searched for."""
    long: tuple[int, ...]
    """The places of the columns that hold several values."""
    rows: tuple[Row, ...]


def trial_table(study: StudySummary, trials: Sequence[Trial]) -> Table:
    """The table of these evaluations; a parameter that does not count in one is a dash there, and one that counts in
    none has no column. Many parameters share one column, which names those that count.
    """
    metrics = shown_metrics(study)
    names = [name for name in study.parameter_names if any(name in trial.params for trial in trials)]
    together = len(names) > _COLUMNS
    heads = ["Parameters"] if together else names
    first = 1 + len(heads)
    return Table(
        columns=("Evaluation", *heads, *map(words.short, metrics)),
        keys=tuple(range(first, first + len(study.objectives))),
        long=(1,) if together else (),
        rows=tuple(Row(_cells(trial, None if together else names, metrics), trial.feasible) for trial in trials),
    )


def shown_metrics(study: StudySummary, telling: Sequence[str] = _BESIDE, most: int = 10) -> tuple[str, ...]:
    """The objectives, the metrics of conditions, and those that say the most besides, `most` in all where that holds
    what was asked for; of a function of the user's own, what it gives.
    """
    asked = dict.fromkeys([*(one.metric for one in study.objectives), *(one.metric for one in study.where)])
    beside = telling if study.series else tuple(study.metrics)
    return tuple(dict.fromkeys((*asked, *beside)))[: max(most, len(asked))]


def _cells(trial: Trial, names: Sequence[str] | None, metrics: Sequence[str]) -> tuple[str, ...]:
    """Its cells; all parameters in one where there are no names of theirs."""
    if names is None:
        params = [listed(trial.params)]
    else:
        params = [_short(trial.params[name]) if name in trial.params else words.UNDEFINED for name in names]
    return (f"{trial.number:,}", *params, *(words.metric(name, trial.metrics.get(name)) for name in metrics))


def listed(params: Mapping[str, Value]) -> str:
    """A parameter set on one line: `fast 20, slow 100`."""
    return ", ".join(f"{name} {_short(value)}" for name, value in params.items())


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else words.parameter(value)
