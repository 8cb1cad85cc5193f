"""What a strategy earned beyond the market: a rising market pays whoever holds it, with or without skill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Returns = NDArray[np.float64]

_ROUNDING = 1e-12
# Below this, floats lose digits, and rounding no longer shrinks with the numbers.
_TINY = float(np.finfo(np.float64).tiny)


def betas(returns: Returns, market: Returns) -> Returns:
    """How much of the market each column of returns held, by least squares; 0 where the market never moved."""
    centred = market - market.mean()
    spread = float(centred @ centred)
    return (centred @ returns) / spread if spread > 0.0 else np.zeros(returns.shape[1])


def beyond(returns: Returns, market: Returns) -> Returns:
    """What each column earned beyond the market held at the column's own beta, period by period.

    Its mean is the intercept of Jensen, The Performance of Mutual Funds in the Period 1945-1964 (1968).
    """
    held = market[:, None] * betas(returns, market)
    rest = returns - held
    # What is left of a set that is nothing but the market is rounding, which could look like skill.
    return np.where(np.abs(rest) > _ROUNDING * np.abs(held).max(axis=0, initial=0.0) + _TINY, rest, 0.0)


def period_ends(bars: int, most: int) -> NDArray[np.int64]:
    """The last bars of at most `most` equal periods; the first bars that fill no whole period are left out.

    The first number is the bar that the first period starts from.
    """
    length = max(1, -(-(bars - 1) // most))
    return np.arange((bars - 1) % length, bars, length, dtype=np.int64)


def period_returns(equity: Returns, ends: NDArray[np.int64]) -> Returns:
    """The relative change of equity over each period; 0 once everything is lost."""
    before, after = equity[ends[:-1]], equity[ends[1:]]
    alive = before > 0.0
    return np.where(alive, after / np.where(alive, before, 1.0) - 1.0, 0.0)
