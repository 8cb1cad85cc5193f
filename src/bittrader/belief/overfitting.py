"""How often choosing the best in one half of a history fails in the other.

Combinatorially symmetric cross-validation: Bailey, Borwein, López de Prado and Zhu, The Probability of Backtest
Overfitting (2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Returns = NDArray[np.float64]

# Splits at once, so that memory stays small.
_AT_ONCE = 2048


@dataclass(frozen=True)
class Overfitting:
    """What became of the best of one half in the other half, over all ways to halve the history."""

    blocks: int
    splits: int
    probability: float
    """Share of the splits in which the best of one half was no better than the median set in the other half."""
    loss: float
    """Share of the splits in which the best of one half had a Sharpe ratio below 0 in the other half."""
    slope: float | None
    """By how much the Sharpe ratio in the other half rises with the one it was chosen for (least squares)."""
    intercept: float | None
    ranks: tuple[int, ...]
    """How many splits put the best of one half into each twentieth of the other half's ranking, the worst first."""


def overfitting(returns: Returns, blocks: int = 16) -> Overfitting | None:
    """Choosing by Sharpe ratio among the columns of returns, shape (periods, sets); None with too little to choose.

    Periods that do not fill a whole block are left out at the start, as are columns that never vary.
    """
    length = len(returns) // blocks
    varying = returns[:, returns.std(axis=0) > 0.0] if len(returns) else returns
    if length < 2 or varying.shape[1] < 2:
        return None
    cut = varying[len(varying) - length * blocks :].reshape(blocks, length, -1)
    pieces = list(_chosen(cut.sum(axis=1), (cut**2).sum(axis=1), length))
    inside, outside, ranks = (np.concatenate(column) for column in zip(*pieces, strict=True))
    centred = inside - inside.mean()
    spread = float(centred @ centred)
    slope = float(centred @ outside) / spread if spread > 0.0 else None
    return Overfitting(
        blocks=blocks,
        splits=len(ranks),
        probability=float((ranks <= 0.5).mean()),
        loss=float((outside < 0.0).mean()),
        slope=slope,
        intercept=None if slope is None else float(outside.mean()) - slope * float(inside.mean()),
        # A rank on an edge belongs below it, as the middle does for the probability.
        ranks=tuple(np.bincount(np.ceil(ranks * 20.0).astype(np.int64) - 1, minlength=20).tolist()),
    )


def _chosen(sums: Returns, squares: Returns, length: int) -> Iterator[tuple[Returns, Returns, Returns]]:
    """For each split: the best Sharpe ratio inside, the same set's outside, and its relative rank there (0 to 1)."""
    blocks, sets = sums.shape
    half = length * (blocks // 2)
    # A split and its mirror image share their halves; with block 0 inside, each pair comes once.
    splits = [one for one in combinations(range(blocks), blocks // 2) if one[0] == 0]
    for start in range(0, len(splits), _AT_ONCE):
        part = np.array(splits[start : start + _AT_ONCE])
        member = np.zeros((len(part), blocks))
        member[np.arange(len(part))[:, None], part] = 1.0
        first, second = (_ratios(one @ sums, one @ squares, half) for one in (member, 1.0 - member))
        for inside, outside in ((first, second), (second, first)):
            row = np.arange(len(part))
            best = inside.argmax(axis=1)
            there = outside[row, best]
            below = (outside < there[:, None]).sum(axis=1)
            ties = (outside == there[:, None]).sum(axis=1)
            yield inside[row, best], there, (below + (ties + 1) / 2) / (sets + 1)


def _ratios(sums: Returns, squares: Returns, count: int) -> Returns:
    """Sharpe ratios from sums; 0 where a set did nothing in that half."""
    variances = (squares - sums**2 / count) / (count - 1)
    # Below this share of the squares, what is left of the variance is rounding.
    varies = variances > 1e-13 * squares
    return np.where(varies, sums / count / np.sqrt(np.where(varies, variances, 1.0)), 0.0)
