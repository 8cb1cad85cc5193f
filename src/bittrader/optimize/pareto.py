"""The Pareto front: what nothing else beats in every objective (Pareto 1896)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def non_dominated(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """The indexes, in order, of the rows of finite losses (smaller is better) that no other row dominates.

    One row dominates another when it is no worse in any objective and better in one. Of equal rows the first counts.
    """
    order = np.lexsort(losses.T[::-1])  # what dominates a row comes before it; lexsort is stable
    ranked = losses[order]
    kept = _of_two(ranked) if losses.shape[1] <= 2 else _of_many(ranked)
    return np.sort(order[kept])


def _of_two(ranked: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sorted by the first objective (and the second), a row is kept when its last is below all before it."""
    last = ranked[:, -1]
    before = np.minimum.accumulate(np.concatenate(([np.inf], last[:-1])))
    return np.flatnonzero(last < before)


def _of_many(ranked: NDArray[np.float64]) -> NDArray[np.int64]:
    """Takes the first that is left, and drops what it beats or equals, until nothing is left."""
    kept: list[int] = []
    left = np.arange(len(ranked))
    while len(left):
        kept.append(int(left[0]))
        left = left[(ranked[left] < ranked[left[0]]).any(axis=1)]
    return np.array(kept, dtype=np.int64)
