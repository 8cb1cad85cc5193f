"""What a study says of its past: how far it came, and what its generations came to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bittrader.optimize.studies.database import metric_column, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Rows


@dataclass(frozen=True)
class Counts:
    """How far a study is."""

    asked: int
    finished: int
    failed: int
    repeated: int
    """How many of the asked were sets asked before."""
    infeasible: int = 0
    """How many of the finished break a condition."""

    @property
    def unanswered(self) -> int:
        """Asked, and neither finished nor failed."""
        return self.asked - self.finished - self.failed


class Generation(NamedTuple):
    """What a generation came to, as a sampler is told of it."""

    rows: Rows
    losses: NDArray[np.float64]
    """Shape (sets, objectives): smaller is better, infinite is failed."""
    violations: NDArray[np.float64]
    """0 where every condition is kept, else how far off; infinite is failed."""


def generations(study: Study, fold: int = 0) -> Iterator[Generation]:
    """What each generation came to, in order, one at a time in memory."""
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {_columns(study)} FROM trials WHERE fold = ? ORDER BY number",  # noqa: S608 - quoted columns
            (fold,),
        )
        for _, group in groupby(found, key=itemgetter(0)):
            yield _generation(study, list(group))


def last_generation(study: Study, number: int, fold: int = 0) -> Generation:
    """What the last generation of the fold, which is `number`, came to."""
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {_columns(study)} FROM trials WHERE fold = ? AND generation = ? AND number >"  # noqa: S608 - quoted columns
            " (SELECT number FROM trials WHERE fold = ? ORDER BY number DESC LIMIT 1) - ? ORDER BY number",
            (fold, number, fold, study.experiment.generation),
        ).fetchall()
    return _generation(study, found)


def _columns(study: Study) -> str:
    objectives = [metric_column(one.metric) for one in study.experiment.objectives]
    return ", ".join(["generation", "violation", *objectives, *study.parameter_columns])


def _generation(study: Study, found: list[tuple[Any, ...]]) -> Generation:
    """The generation of these rows; None where undefined."""
    objectives = study.experiment.objectives
    first = 2 + len(objectives)
    table = np.array(found, dtype=np.float64).reshape(len(found), first + len(study.parameter_columns))  # None is NaN
    losses = [one.losses(table[:, 2 + index]) for index, one in enumerate(objectives)]
    off = np.where(np.isnan(table[:, 1]), np.inf, table[:, 1])
    return Generation(table[:, first:], np.column_stack(losses), off)
