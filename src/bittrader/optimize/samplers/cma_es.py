"""Parameter sets from a normal distribution that learns where to lie: the covariance matrix adaptation (CMA-ES)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.samplers.base import Sampler, Told, nearest_allowed, rows_at
from bittrader.strategies.parameters import Int

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Parameter, Rows
    from bittrader.strategies.space import Space

# In shares of each parameter's range: wide enough to reach both ends from the middle (Hansen 2016).
_SIGMA = 0.3
_LEAST = 4
_TRIES = 8


class CmaEsSampler(Sampler):
    """CMA-ES (Hansen 2016) with margin, so that it does not settle on one whole number (Hamano et al. 2022).

    The distribution lies over positions in the unit cube; the library is `cmaes`. It learns from the points as drawn,
    which the rows do not tell: they are drawn again from the same random numbers. Where it finds no better ones any
    more, it begins anew elsewhere with twice the population (Auger and Hansen 2005).
    """

    def __init__(self, space: Space, seed: int, population: int) -> None:
        super().__init__(space, seed)
        self._free = np.flatnonzero([one.count > 1 for one in space.parameters])
        self._told = 0
        self._points, self._waiting = np.empty((0, len(self._free))), Told.nothing(space, 1)
        self._last = (-1, 0), (self._waiting.rows, self._points)
        self._best, self._idle = Told.nothing(space, 1), 0
        if len(self._free):
            self._begin(np.full(len(self._free), 0.5), max(_LEAST, population))

    def ask(self, start: int, count: int) -> Rows:
        if len(self._free) == 0:
            return self.space.sample(self.rng(start), count)
        rows, _ = self._drawn(start, count)
        return rows

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        if len(self._free) == 0:
            return
        drawn, points = self._drawn(self._told, len(rows))
        self._last = (-1, 0), (drawn, points)
        others = (drawn != rows).any(axis=1)
        points = np.where(others[:, None], self.space.position(rows)[:, self._free], points)
        self._told += len(rows)
        self._points = np.concatenate([self._points, points])
        self._waiting += Told(rows, losses, violations)
        while len(self._waiting) >= (size := self._optimizer.population_size):
            self._learn(self._points[:size], self._waiting[:size])
            self._points, self._waiting = self._points[size:], self._waiting[size:]

    def _drawn(self, start: int, count: int) -> tuple[Rows, NDArray[np.float64]]:
        """Allowed rows from the distribution as it is, and the points that they stand for."""
        if (start, count) != self._last[0]:
            self._last = (start, count), self._draw(start, count)
        return self._last[1]

    def _draw(self, start: int, count: int) -> tuple[Rows, NDArray[np.float64]]:
        rng = self.rng(start)
        self._optimizer.reseed_rng(int(rng.integers(2**32)))
        points = np.empty((count, len(self._free)))
        shown = np.full((count, len(self.space.names)), 0.5)
        forbidden = np.arange(count)
        for _ in range(_TRIES):
            for index in forbidden:
                shown[index, self._free], points[index] = self._optimizer.ask()
            rows = rows_at(self.space, shown)
            forbidden = np.flatnonzero(~self.space.feasible(rows))
            if len(forbidden) == 0:
                return rows, points
        rows = nearest_allowed(self.space, rows, rng)
        points[forbidden] = self.space.position(rows[forbidden])[:, self._free]
        return rows, points

    def _learn(self, points: NDArray[np.float64], told: Told) -> None:
        """Moves the distribution by one of its generations, or begins a new one."""
        standing = told.standing()
        self._optimizer.tell(list(zip(points, standing.tolist(), strict=True)))
        best = told[told.best_first()[:1]]
        better = (self._best + best).best_first()[0] == len(self._best)
        self._best = best if better else self._best
        self._idle = 0 if better else self._idle + 1
        size = len(points)
        if self._idle >= 10 + math.ceil(30 * len(self._free) / size) or self._optimizer.should_stop():
            elsewhere = self.space.position(self.space.sample(self.rng(self._told), 1))[0, self._free]
            self._begin(elsewhere, 2 * size)

    def _begin(self, mean: NDArray[np.float64], population: int) -> None:
        from cmaes import CMAwM  # noqa: PLC0415 - only this sampler needs it

        steps = np.array([_step(self.space.parameters[index]) for index in self._free])
        bounds = np.column_stack([steps / 2, 1.0 - steps / 2])
        mean = np.clip(mean, *bounds.T)
        self._optimizer = CMAwM(mean, _SIGMA, bounds, steps, population_size=population)
        self._best, self._idle = Told.nothing(self.space, 1), 0


def _step(one: Parameter[Any]) -> float:
    """How far a parameter's values lie apart in the unit cube; 0 for those that do so unevenly, or not at all."""
    uneven = isinstance(one, Int) and one.log
    return 0.0 if uneven or math.isinf(one.count) else 1.0 / one.count
