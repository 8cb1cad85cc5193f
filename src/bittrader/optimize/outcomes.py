"""From what an executor answered to what a study writes: metrics, or a cause of failure, for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.execution.base import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.run import Evaluated
    from bittrader.execution.base import Part
    from bittrader.optimize.goals import Objective


def judged(
    parts: Sequence[Part[Evaluated]], metrics: Sequence[str], objectives: Sequence[Objective]
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
        rows[part.start : part.stop] = part.outcome.metrics
        causes.update({part.start + index: _written(cause) for index, cause in part.outcome.errors.items()})
    for one in objectives:
        for index in np.flatnonzero(~np.isfinite(rows[:, metrics.index(one.metric)])).tolist():
            causes.setdefault(index, _undefined(dict(zip(metrics, rows[index].tolist(), strict=True)), one.metric))
    return rows, causes


def _written(cause: str) -> str:
    """A cause as a file can hold it: on one line, and with no half of a character."""
    return " ".join(cause.split()).encode("utf-8", "backslashreplace").decode("utf-8")


def _undefined(values: dict[str, float], objective: str) -> str:
    return f"{objective} is undefined" + (" without trades" if values.get("trades") == 0 else "")
