"""Every parameter set there is, or an even grid of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bittrader.optimize.samplers.base import Sampler
from bittrader.strategies.activity import active
from bittrader.strategies.parameters import Int

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bittrader.strategies.parameters import Parameter, Rows
    from bittrader.strategies.space import Space

# Products of more points than this are not walked to find the few allowed ones among them.
_WALKED = 2_000_000
_BELOW_ONE = math.nextafter(1.0, 0.0)


class GridSampler(Sampler):
    """All allowed parameter sets when there are no more than `budget`; else an even grid, then others at random."""

    learns = False
    exact = True

    def __init__(self, space: Space, seed: int, budget: int) -> None:
        super().__init__(space, seed)
        whole = allowed_count(space)
        self._whole = whole is not None and whole <= budget
        self._grid = lattice(space, None) if self._whole else coarse(space, budget)

    def ask(self, start: int, count: int) -> Rows:
        rows = self._grid[start : start + count]
        missing = count - len(rows)
        return rows if self._whole or missing == 0 else np.concatenate([rows, self._others(start, missing)])

    def _others(self, start: int, count: int) -> Rows:
        return self.space.sample(self.rng(start), count)


def allowed_count(space: Space) -> int | None:
    """How many parameter sets are allowed; None when there are too many to be counted."""
    if space.count > _WALKED:
        return None
    return len(lattice(space, None)) if space.constraints else int(space.count)


def coarse(space: Space, budget: int) -> Rows:
    """The finest grid of at most `budget` allowed points with about as many levels for each parameter."""
    dimensions = len(space.parameters)
    most = 1
    while _points(space, [most * 2] * dimensions) <= _WALKED and most < budget:
        most *= 2
    levels = [_bisect(space, budget, 1, 2 * most)] * dimensions
    for index in range(dimensions):
        more = [level + (position == index) for position, level in enumerate(levels)]
        if _points(space, more) <= _WALKED and len(lattice(space, more)) <= budget:
            levels = more
    return lattice(space, levels)


def _bisect(space: Space, budget: int, low: int, high: int) -> int:
    """The most levels from `low` up to, not including, `high` that keep within the budget when all have as many."""
    while high - low > 1:
        middle = (low + high) // 2
        levels = [middle] * len(space.parameters)
        fits = _points(space, levels) <= _WALKED and len(lattice(space, levels)) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return low


def _points(space: Space, levels: Sequence[int]) -> float:
    taken = list(zip(space.parameters, levels, strict=True))
    switches = {one.name: _values(one, level) for one, level in taken if one.name in space.switches}
    return space.combinations([min(one.count, level) for one, level in taken], switches)


def lattice(space: Space, levels: Sequence[int] | None) -> Rows:
    """The allowed points of the product of each parameter's values, or of so many of them, evenly chosen.

    The last parameter changes fastest. What does not count is not varied, so that each point is there once.
    """
    chosen = levels or [_WALKED] * len(space.parameters)
    rows = np.empty((1, 0))
    for one, level in zip(space.parameters, chosen, strict=True):
        rows = _spread(space, rows, _values(one, level))
    return rows[space.feasible(rows)]


def _spread(space: Space, rows: Rows, values: Rows) -> Rows:
    """The rows with one column more: each with each of the values, or once with the default where it does not count."""
    if not space.conditional:
        return np.column_stack([np.repeat(rows, len(values), axis=0), np.tile(values, len(rows))])
    one = space.parameters[rows.shape[1]]
    counts = active(space.parameters[: rows.shape[1] + 1], np.column_stack([rows, np.zeros(len(rows))]))[:, -1]
    times = np.where(counts, len(values), 1)
    turn = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    column = np.where(np.repeat(counts, times), values[turn], one.encode(one.default))
    return np.column_stack([np.repeat(rows, times, axis=0), column])


def _values(one: Parameter[Any], levels: int) -> Rows:
    """All values of a parameter as row numbers, or `levels` of them from the lowest to the highest."""
    if levels >= one.count:
        if isinstance(one, Int):
            return np.arange(one.low, one.high + 1, one.step, dtype=np.float64)
        return one.at((np.arange(one.count, dtype=np.float64) + 0.5) / np.float64(one.count))
    if levels == 1:
        return one.at(np.array([0.5]))
    end = 1.0 if math.isinf(one.count) else _BELOW_ONE
    return np.unique(one.at(np.linspace(0.0, end, levels)))
