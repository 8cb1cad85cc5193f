"""The Pareto front: what nothing else beats in every objective (Pareto 1896)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 256


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
    """A block at a time: what an earlier block's rows do not beat, and none before it in its own."""
    kept = np.empty(0, dtype=np.int64)
    for start in range(0, len(ranked), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(ranked)))
        block = block[~_no_worse(ranked[kept], ranked[block]).any(axis=1)]
        beaten = np.tril(_no_worse(ranked[block], ranked[block]), -1).any(axis=1)
        kept = np.concatenate([kept, block[~beaten]])
    return kept


def _no_worse(some: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For each row (first axis), which of some are no worse in any objective."""
    answer = np.ones((len(rows), len(some)), dtype=np.bool_)
    for column in range(rows.shape[1]):
        answer &= some[None, :, column] <= rows[:, None, column]
    return answer
