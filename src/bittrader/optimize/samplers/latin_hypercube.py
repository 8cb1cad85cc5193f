"""Parameter sets of which each parameter's values are spread evenly: Latin hypercubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import StrategyError
from bittrader.optimize.samplers.base import Sampler

if TYPE_CHECKING:
    from bittrader.strategies.parameters import Rows

# As few as one point in a thousand may be allowed, or the space counts as empty.
_PATIENCE = 1000
_LEAST = 256


class LatinHypercubeSampler(Sampler):
    """One Latin hypercube a generation (McKay, Beckman and Conover 1979), and more where constraints forbid points."""

    learns = False

    def ask(self, start: int, count: int) -> Rows:
        from scipy.stats import qmc  # noqa: PLC0415 - half a second that other samplers need not spend

        points = qmc.LatinHypercube(max(1, len(self.space.names)), rng=self.rng(start))
        found, missing, tried = [np.empty((0, len(self.space.names)))], count, 0
        while missing > 0:
            if tried > _PATIENCE * max(count, _LEAST):
                words = ", ".join(map(str, self.space.constraints))
                raise StrategyError(f"the constraints ({words}) leave next to nothing to search. Widen the ranges.")
            size = count if tried == 0 else max(missing, _LEAST)
            rows = self.space.at(points.random(size)[:, : len(self.space.names)])
            tried += size
            found.append(rows[self.space.feasible(rows)][:missing])
            missing -= len(found[-1])
        return np.concatenate(found)
