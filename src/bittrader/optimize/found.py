"""What a study found, asked of its file: the best, the failures, and all of it in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import StudyError
from bittrader.optimize.database import quoted, told
from bittrader.optimize.samplers.grid import allowed_count
from bittrader.optimize.spaces import Fixed
from bittrader.optimize.summary import StudySummary, Trial
from bittrader.strategies.parameters import Choice

if TYPE_CHECKING:
    from bittrader.optimize.study import Study
    from bittrader.strategies.parameters import Space, Value

# A picture shows no more points, and a million of them must not fill the memory.
_ROWS = 100_000


def best(study: Study, count: int = 20) -> tuple[Trial, ...]:
    """The best finished evaluations, best first, each parameter set once; the earlier of equals first."""
    order = "DESC" if study.experiment.direction == "maximize" else "ASC"
    columns = ", ".join(["number", *study.parameter_columns, *study.metric_columns])
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {columns} FROM trials WHERE state = 'finished' AND same_as IS NULL"  # noqa: S608 - quoted columns
            f" ORDER BY {quoted(study.experiment.objective)} {order}, number LIMIT ?",
            (count,),
        ).fetchall()
    return tuple(_trial(study, row) for row in found)


def numbered(study: Study, number: int) -> Trial:
    """The finished evaluation with that number; StudyError when there is none."""
    columns = ", ".join(["number", *study.parameter_columns, *study.metric_columns])
    with told(study.path):
        row = study.connection.execute(
            f"SELECT {columns} FROM trials WHERE state = 'finished' AND number = ?",  # noqa: S608 - quoted columns
            (number,),
        ).fetchone()
    if row is None:
        raise StudyError(f"{study.name} has no finished evaluation {number}. `bittrader studies show` lists the best.")
    return _trial(study, row)


def _trial(study: Study, row: tuple[Any, ...]) -> Trial:
    space, metrics = study.experiment.space, study.experiment.metrics
    values = row[1 + len(space.names) :]
    measured = {name: _counted(name, value) for name, value in zip(metrics, values, strict=True)}
    return Trial(row[0], space.decode(np.array(row[1 : 1 + len(space.names)])), measured)


def _counted(name: str, value: float | None) -> float | int | None:
    return int(value) if name == "trades" and value is not None else value


def goal(study: Study) -> int:
    """How many trials the complete search has: its budget, or all sets there are when the grid holds them."""
    experiment, budget = study.experiment, int(study.budget)
    count = allowed_count(experiment.space) if experiment.sampler == "grid" else None
    return budget if count is None or count > experiment.trials else min(count, budget)


def failures(study: Study) -> dict[str, int]:
    """Causes of failure and how often each came, the commonest first."""
    with told(study.path):
        found = study.connection.execute(
            "SELECT cause, COUNT(*) AS times FROM trials WHERE state = 'failed'"
            " GROUP BY cause ORDER BY times DESC, cause"
        )
        return dict(found.fetchall())


def seconds_and_cores(study: Study) -> tuple[float, int]:
    """Time spent searching, all sessions together, and the most cores that one of them used."""
    with told(study.path):
        seconds, cores = study.connection.execute(
            "SELECT COALESCE(SUM(seconds), 0), COALESCE(MAX(cores), 0) FROM sessions"
        ).fetchone()
    return float(seconds), int(cores)


def summary(study: Study, rows: int = _ROWS) -> StudySummary:
    """The study as a report needs it; of more than `rows` finished evaluations, an even share of them in order."""
    experiment, counts = study.experiment, study.counts()
    table = _table(study, step=-(-counts.asked // rows) or 1)
    width = len(experiment.space.names)
    seconds, cores = seconds_and_cores(study)
    return StudySummary(
        name=study.name,
        strategy=experiment.name,
        symbol=experiment.candles.symbol,
        objective=experiment.objective,
        direction=experiment.direction,
        sampler=experiment.sampler,
        sampler_reason=experiment.sampler_reason,
        seed=experiment.seed,
        asked=counts.asked,
        finished=counts.finished,
        failed=counts.failed,
        failures=failures(study),
        seconds=seconds,
        cores=cores,
        parameter_names=experiment.space.names,
        rows=table[:, :width],
        metrics={name: table[:, width + index] for index, name in enumerate(experiment.metrics)},
        best=best(study),
        choices=_choices(experiment.space),
    )


def _choices(space: Space) -> dict[str, tuple[Value, ...]]:
    kinds = [one.of if isinstance(one, Fixed) else one for one in space.parameters]
    return {one.name: one.values for one in kinds if isinstance(one, Choice)}


def _table(study: Study, step: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Parameters and metrics of every `step`-th trial that finished, read in pieces."""
    names = [*study.parameter_columns, *study.metric_columns]
    pieces = [np.empty((0, len(names)))]
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {', '.join(names)} FROM trials WHERE state = 'finished' AND number % ? = 0 ORDER BY number",  # noqa: S608 - quoted columns
            (step,),
        )
        while chunk := found.fetchmany(10_000):
            pieces.append(np.array(chunk, dtype=np.float64))  # None becomes NaN
    return np.concatenate(pieces)
