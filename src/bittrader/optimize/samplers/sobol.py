"""Parameter sets spread more evenly than chance would: Sobol points, scrambled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import StrategyError
from bittrader.optimize.samplers.base import Sampler

if TYPE_CHECKING:
    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

_CHUNK = 4096
# As many points as the generator has bits for; and one in a thousand must be allowed, or the space counts as empty.
_POINTS = 2**30
_PATIENCE = 1000


class SobolSampler(Sampler):
    """The scrambled Sobol sequence (Owen 1998), without the points that a constraint forbids."""

    learns = False

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._restart()

    def ask(self, start: int, count: int) -> Rows:
        if start < self._given:
            self._restart()
        self._take(start - self._given)
        return self._take(count)

    def _restart(self) -> None:
        from scipy.stats import qmc  # noqa: PLC0415 - half a second that other samplers need not spend

        self._points = qmc.Sobol(max(1, len(self.space.names)), rng=np.random.default_rng(self.seed))
        self._ready = np.empty((0, len(self.space.names)))
        self._given = 0

    def _take(self, count: int) -> Rows:
        found, missing, barren = [self._ready[:0]], count, 0
        while missing > 0:
            if len(self._ready) == 0:
                self._ready = self._more()
                barren += len(self._ready) == 0
            if barren > _PATIENCE * (1 + count // _CHUNK) or self._points.num_generated + _CHUNK > _POINTS:
                words = ", ".join(map(str, self.space.constraints))
                raise StrategyError(f"the constraints ({words}) leave next to nothing to search. Widen the ranges.")
            found.append(self._ready[:missing])
            self._ready = self._ready[missing:]
            missing -= len(found[-1])
        self._given += count
        return np.concatenate(found)

    def _more(self) -> Rows:
        rows = self.space.at(self._points.random(_CHUNK)[:, : len(self.space.names)])
        return rows[self.space.feasible(rows)]
