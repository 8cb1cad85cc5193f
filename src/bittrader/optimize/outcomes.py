"""From what an executor answered to what a study writes: metrics, or a cause of failure, for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from bittrader.execution.base import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bittrader.execution.base import Part
    from bittrader.optimize.goals import Objective


# Each is a column of the study.
MOST_NUMBERS = 200


class Outcome(Protocol):
    """What a batch of parameter sets gave: metrics, a row a set, in columns of `names`; NaN where undefined.

    `errors` gives the cause for each row that failed.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def metrics(self) -> NDArray[np.float64]: ...
    @property
    def errors(self) -> Mapping[int, str]: ...


def judged(
    parts: Sequence[Part[Outcome]], metrics: Sequence[str], objectives: Sequence[Objective]
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """The metrics of a batch's rows, and the causes of those that failed, by index.

    A row with an undefined objective has failed: a search could do nothing with it, and must not make a number up.
    """
    rows = np.full((parts[-1].stop, len(metrics)), np.nan)
    causes: dict[int, str] = {}
    for part in parts:
        if isinstance(part.outcome, Failure):
            causes.update(dict.fromkeys(range(part.start, part.stop), _written(part.outcome.cause)))
            continue
        rows[part.start : part.stop] = _aligned(part.outcome, metrics)
        failed = {**_refused(part.outcome, metrics), **part.outcome.errors}
        causes.update({part.start + index: _written(cause) for index, cause in failed.items()})
    for one in objectives:
        for index in np.flatnonzero(~np.isfinite(rows[:, metrics.index(one.metric)])).tolist():
            causes.setdefault(index, undefined(dict(zip(metrics, rows[index].tolist(), strict=True)), one.metric))
    rows[np.isinf(rows)] = np.nan  # only functions of the user's own give such
    return rows, causes


def unknown(parts: Sequence[Part[Outcome]], metrics: Sequence[str]) -> list[str]:
    """The names of numbers in a batch that are not among the metrics and can be added to them."""
    found: list[str] = []
    for part in parts:
        for name in () if isinstance(part.outcome, Failure) else part.outcome.names:
            if name not in metrics and _complaint(name, [*metrics, *found]) is None:
                found.append(name)
    return found


def _aligned(outcome: Outcome, metrics: Sequence[str]) -> NDArray[np.float64]:
    """The outcome's numbers in columns of `metrics`."""
    if tuple(outcome.names) == tuple(metrics):
        return outcome.metrics
    given = {name: outcome.metrics[:, column] for column, name in enumerate(outcome.names)}
    return np.column_stack([given.get(name, np.full(len(outcome.metrics), np.nan)) for name in metrics])


def _complaint(name: str, metrics: Sequence[str]) -> str | None:
    """Why a study cannot keep a number of this name beside these."""
    for other in metrics:
        if other.lower() == name.lower():
            return f"a study cannot tell the numbers {other} and {name} apart: rename one"
    return None if len(metrics) < MOST_NUMBERS else f"{name} is one number too many: a study keeps {MOST_NUMBERS}"


def _refused(outcome: Outcome, metrics: Sequence[str]) -> dict[int, str]:
    """The causes of rows with a number that the study does not keep."""
    return {
        int(index): _complaint(name, metrics) or ""
        for column, name in enumerate(outcome.names)
        if name not in metrics
        for index in np.flatnonzero(~np.isnan(outcome.metrics[:, column]))
    }


def _written(cause: str) -> str:
    """A cause as a file can hold it: on one line, and with no half of a character."""
    return " ".join(cause.split()).encode("utf-8", "backslashreplace").decode("utf-8")


def undefined(values: Mapping[str, float], objective: str) -> str:
    """Why a set with these metrics has failed: its objective is no number."""
    if np.isinf(values[objective]):
        return f"{objective} is infinite"
    return f"{objective} is undefined" + (" without trades" if values.get("trades") == 0 else "")
