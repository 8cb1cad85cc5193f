"""How much each parameter alone explains of a study's outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Indexes = NDArray[np.int64]

_BINS = 12


def explained(column: Column, outcome: Column) -> float | None:
    """The share of the outcome's rank variance that bins of one parameter explain, from 0 to 1; None when unknown.

    This is the squared correlation ratio V(E[y | x]) / V(y) (Pearson 1905), which is also the first-order sensitivity
    index of Saltelli et al. (2008), with x in bins of equal count and Kelley's correction (1935) for what as many bins
    would explain by chance. Ranks in place of values, so that a few disasters do not decide. It speaks of the region
    that was searched, and sees no interactions.
    """
    bins = binned(column, _BINS)
    size, groups = len(outcome), int(bins.max(initial=0)) + 1
    if groups < 2 or size <= 2 * groups:
        return None
    ranks = _ranks(outcome)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0.0:
        return None
    counts = np.bincount(bins, minlength=groups)
    means = np.bincount(bins, weights=ranks, minlength=groups) / counts
    within = float(((ranks - means[bins]) ** 2).sum())
    return max(0.0, 1.0 - (within / (size - groups)) / (total / (size - 1)))


def binned(column: Column, bins: int) -> Indexes:
    """Each value's bin, numbered from 0 without holes: one a distinct value when there are few, else of equal count."""
    values = np.unique(column)
    if len(values) <= bins:
        return np.searchsorted(values, column).astype(np.int64)
    edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, column, side="right"), return_inverse=True)[1].astype(np.int64)


def _ranks(values: Column) -> Column:
    """Ranks, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse].astype(np.float64)
