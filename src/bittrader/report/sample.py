"""The evaluations of a study that its figures draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.optimize.studies.summary import StudySummary, Trial

    Column = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Evaluations whose objective is defined, in the order asked."""

    place: Column
    """About which evaluation of the study each is, from 0."""
    rows: NDArray[np.float64]
    values: Column
    feasible: NDArray[np.bool_]
    """Whether each keeps every condition."""
    best: int | None
    """The index of the best; None when it is not among them."""

    def counting(self, *parameters: int) -> Sample:
        """Those evaluations in which all of these parameters count."""
        kept = np.flatnonzero(~np.isnan(self.rows[:, parameters]).any(axis=1))
        best = np.flatnonzero(kept == self.best)
        return Sample(
            self.place[kept],
            self.rows[kept],
            self.values[kept],
            self.feasible[kept],
            int(best[0]) if len(best) else None,
        )

    def varied(self, *parameters: int) -> bool:
        """Whether each of these parameters has several values where all of them count."""
        rows = self.counting(*parameters).rows[:, parameters]
        return len(rows) > 0 and bool((np.ptp(rows, axis=0) > 0).all())


def sample(study: StudySummary) -> Sample | None:
    """The evaluations to draw; None when no objective is defined.

    A summary of a large study holds an even share of its rows, which rarely has the best: these are added.
    """
    rows, values = study.rows, study.metrics[study.objective].astype(np.float64)
    violations = study.violations
    share = len(rows) < study.finished
    place = np.linspace(0, study.finished, len(rows), endpoint=False)
    if share and study.best:
        place = np.append(place, [trial.number for trial in study.best])
        rows = np.concatenate([rows, [_row(study, trial) for trial in study.best]])
        values = np.append(values, [_number(trial.metrics[study.objective]) for trial in study.best])
        violations = np.append(violations, [trial.violation for trial in study.best])
    order = np.argsort(place, kind="stable")
    order = order[np.isfinite(values[order])]
    if not len(order):
        return None
    values, violations = values[order], violations[order]
    losses = -values if study.direction == "maximize" else values
    best = int(np.lexsort((losses, violations))[0])
    return Sample(place[order], rows[order], values, violations == 0.0, best)


def _row(study: StudySummary, trial: Trial) -> list[float]:
    """Its numbers as the summary's rows have them: NaN where a parameter does not count."""
    counted = {
        name: study.choices[name].index(value) if name in study.choices else value
        for name, value in trial.params.items()
    }
    return [float(counted.get(name, np.nan)) for name in study.parameter_names]


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
