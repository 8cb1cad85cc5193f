"""Between which values a figure would come to lie, had the same kind of history happened again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Returns = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """The middle share of a figure's values over resampled histories, and its median there."""

    low: float
    middle: float
    high: float


def intervals(
    returns: Returns, drawn: NDArray[np.int64], per_year: float, confidence: float = 0.95
) -> Mapping[str, Interval]:
    """Intervals of the metrics that follow from period returns, over the resamples of `bootstrap.draws`.

    Percentile intervals: Efron (1979). `per_year`: periods in a year. Drawdowns are those at the ends of periods. A
    figure that is undefined in a resample is left out there, and has no interval where it is undefined in all.
    """
    growth = np.log1p(np.maximum(returns, -1.0 + 1e-12))[drawn]
    total = growth.sum(axis=1)
    again = returns[drawn]
    deviations = again.std(axis=1, ddof=1) if len(returns) > 1 else np.zeros(len(drawn))
    sharpe = np.where(deviations > 0.0, again.mean(axis=1) / np.where(deviations > 0.0, deviations, 1.0), np.nan)
    wealth = np.concatenate([np.zeros((len(drawn), 1)), np.cumsum(growth, axis=1)], axis=1)
    falls = (wealth - np.maximum.accumulate(wealth, axis=1)).min(axis=1)
    values = {
        "total_return": np.expm1(total),
        "cagr": np.expm1(np.minimum(total * (per_year / len(returns)), math.log(1e12))),
        "sharpe": sharpe * math.sqrt(per_year),
        "max_drawdown": -np.expm1(falls),
    }
    return {name: found for name, column in values.items() if (found := _interval(column, confidence)) is not None}


def _interval(values: Returns, confidence: float) -> Interval | None:
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return None
    tail = (1.0 - confidence) / 2.0
    return Interval(*(float(value) for value in np.quantile(defined, (tail, 0.5, 1.0 - tail))))
