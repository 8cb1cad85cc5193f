"""Fewer points with the same picture: what a screen cannot show apart is left out, extremes never."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Indexes = NDArray[np.int64]


def keep(*columns: NDArray[Any], limit: int = 4000) -> Indexes:
    """Rising indexes, at most `limit`, that draw these equal-length columns as all of their points would.

    The columns are cut into equal buckets, and each bucket keeps, of every column, the first, last, lowest and highest
    point: the M4 aggregation of Jugel, Jerzak, Hackenbroich and Markl (2014), which is exact for a line drawn one
    pixel column a bucket. Everything is kept when it fits the limit.
    """
    size = len(columns[0])
    if size <= limit:
        return np.arange(size, dtype=np.int64)
    buckets = max(1, limit // (2 + 2 * len(columns)))
    edges = np.linspace(0, size, buckets + 1).astype(np.int64)
    found = [edges[:-1], edges[1:] - 1]
    for column in columns:
        found += [_extremes(column, edges, np.argmin), _extremes(column, edges, np.argmax)]
    return np.unique(np.concatenate(found))


def _extremes(column: NDArray[Any], edges: Indexes, which: Any) -> Indexes:
    """The index of each bucket's extreme; buckets differ in length by one at most, so two blocks hold them all."""
    lengths = np.diff(edges)
    answer = np.empty(len(lengths), dtype=np.int64)
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        block = column[edges[chosen, None] + np.arange(length)]
        answer[chosen] = edges[chosen] + which(block, axis=1)
    return answer


def spread(size: int, limit: int, always: Indexes) -> Indexes:
    """Rising indexes below `size`: `always`, and evenly spaced ones up to `limit` in all (everything when it fits)."""
    if size <= limit:
        return np.arange(size, dtype=np.int64)
    kept = np.unique(always)[:limit]
    even = np.linspace(0, size - 1, max(0, limit - len(kept))).astype(np.int64)
    return np.unique(np.concatenate([kept, even]))


def apart(x: NDArray[Any], y: NDArray[Any], limit: int) -> Indexes:
    """Rising indexes, at most `limit`, of points that a screen can show apart: one for each occupied cell of a grid."""
    if len(x) <= limit:
        return np.arange(len(x), dtype=np.int64)
    cells = 1024
    while True:
        _, first = np.unique(_cell(x, cells) * cells + _cell(y, cells), return_index=True)
        if len(first) <= limit:
            return np.sort(first).astype(np.int64)
        cells = cells * 4 // 5


def _cell(values: NDArray[Any], cells: int) -> Indexes:
    low, high = float(values.min()), float(values.max())
    width = (high - low) or 1.0
    return np.minimum((values - low) / width * cells, cells - 1).astype(np.int64)
