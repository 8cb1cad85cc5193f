"""Parameter sets bred towards a whole front of compromises between several objectives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from bittrader.optimize.samplers.base import Sampler, Told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.optimize.samplers.rust import RustStudy
    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

_TRIES = 4
_GENERATION = {"generation": "0"}
_SURVIVORS = "NSGAIISampler:parent:1"


class Nsga2Sampler(Sampler):
    """NSGA-II (Deb et al. 2002) with constrained domination; rustuna's.

    The population is what survives of the last population and the last generation. A child that repeats a member or a
    sibling, or that a constraint forbids, is bred again, and at last replaced by a set drawn at random.
    """

    def __init__(self, space: Space, seed: int, population: int, objectives: int) -> None:
        super().__init__(space, seed)
        self._size = population
        self._population = Told.nothing(space, objectives)

    def ask(self, start: int, count: int) -> Rows:
        rng = self.rng(start)
        if len(self._population) < min(count, self._size) or self.space.count == 1:
            return self.space.sample(rng, count)
        study = self._study(self._population, int(rng.integers(2**63)))
        children, barren = self.space.sample(rng, count), np.ones(count, dtype=np.bool_)
        known = {row.tobytes() for row in self._population.rows}
        for _ in range(_TRIES):
            again = np.flatnonzero(barren)
            bred = study.ask(len(again), apart=False)
            for index, child, allowed in zip(again, bred, self.space.feasible(bred), strict=True):
                if allowed and child.tobytes() not in known:
                    known.add(child.tobytes())
                    children[index], barren[index] = child, False
            if not barren.any():
                break
        return children

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        both = self._population + Told(rows, losses, violations)
        if len(both) > self._size and self.space.count > 1:
            study = self._study(both, 0)
            study.ask(1, apart=False)
            both = both[np.array(json.loads(study.noted(_SURVIVORS)))]
        self._population = both[: self._size]

    def _study(self, members: Told, seed: int) -> RustStudy:
        """A study whose next generation descends from as many of the members as the population has."""
        import rustuna  # noqa: PLC0415 - others need not load the library

        from bittrader.optimize.samplers.rust import RustStudy  # noqa: PLC0415 - as above

        sampler = rustuna.samplers.NSGAIISampler(seed=seed, population_size=min(self._size, len(members)))
        return RustStudy(self.space, sampler, members, _GENERATION)
