"""Parameter sets bred from the best so far: differential evolution, for budgets that a model is too slow for.

Our own, because scipy's cannot be asked and told, and pymoo's brings 24 packages, Matplotlib among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.optimize.samplers.base import Sampler, Told
from bittrader.strategies.parameters import Choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

    Positions = NDArray[np.float64]

# A parent is drawn from this share of the best (JADE, Zhang and Sanderson 2009).
_ELITE = 0.1
# Each child draws its own scale and mixing rate, so that no one setting has to suit every strategy.
_SCALE = (0.3, 0.9)
_MIXING = (0.3, 1.0)
_TRIES = 8


class DifferentialEvolutionSampler(Sampler):
    """Differential evolution, current-to-p-best/1/bin, over positions in the unit cube.

    A choice has no positions to go between. It becomes that of the better one, or where the two others differ that of
    one of them, each as likely as a number would go a whole way.

    Each member of the population gets one child a generation, and gives way to it when the child is no worse. A child
    that a constraint forbids is bred again; one that repeats its parent is replaced by a set drawn at random, which
    also keeps a population that has settled looking elsewhere.
    """

    def __init__(self, space: Space, seed: int, population: int) -> None:
        super().__init__(space, seed)
        self._size = population
        self._population = Told.nothing(space, 1)
        self._choices = np.flatnonzero([isinstance(one, Choice) for one in space.parameters])

    def ask(self, start: int, count: int) -> Rows:
        rng, population = self.rng(start), self._population.rows
        if len(population) < min(count, self._size):
            return self.space.sample(rng, count)
        parents = np.arange(count) % len(population)
        children = population[parents]
        barren = np.ones(count, dtype=np.bool_)
        for _ in range(_TRIES):
            again = np.flatnonzero(barren)
            children[again] = self.space.at(self._bred(parents[again], rng))
            same = (children == population[parents]).all(axis=1)
            barren = same | ~self.space.feasible(children)
            if not barren.any():
                return children
        children[barren] = self.space.sample(rng, int(barren.sum()))
        return children

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        children, met = Told(rows, losses, violations), min(len(rows), len(self._population))
        both = self._population[:met] + children[:met]
        standing = both.standing()
        places = np.arange(met)
        survivors = both[np.where(standing[met:] <= standing[:met], places + met, places)]
        self._population = (survivors + self._population[met:] + children[met:])[: self._size]

    def _bred(self, parents: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        """One child's position for each parent."""
        positions, size = self.space.position(self._population.rows), len(self._population)
        elite = self._population.best_first()[: max(1, round(_ELITE * size))]
        best, first, second = (positions[chosen] for chosen in self._drawn(elite, len(parents), rng))
        scale = rng.uniform(*_SCALE, (len(parents), 1))
        own = positions[parents]
        mutant = _folded(own + scale * (best - own) + scale * (first - second))
        if len(self._choices):
            at = self._choices
            mutant[:, at] = _chosen(own[:, at], best[:, at], first[:, at], second[:, at], scale, rng)
        mixed = rng.random(own.shape) < rng.uniform(*_MIXING, (len(parents), 1))
        if own.shape[1]:
            mixed[np.arange(len(parents)), rng.integers(own.shape[1], size=len(parents))] = True
        return np.where(mixed, mutant, own)

    def _drawn(self, elite: NDArray[np.int64], count: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        size = len(self._population)
        return [rng.choice(elite, count), rng.integers(size, size=count), rng.integers(size, size=count)]


def _chosen(
    own: Positions, best: Positions, first: Positions, second: Positions, scale: Positions, rng: np.random.Generator
) -> Positions:
    """As `own + scale * (best - own) + scale * (first - second)`, where one value is no nearer than another."""
    nearer = np.where(rng.random(own.shape) < scale, best, own)
    return np.where((first != second) & (rng.random(own.shape) < scale), first, nearer)


def _folded(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions outside the unit interval, reflected into it."""
    return np.minimum(1.0 - np.abs(1.0 - np.abs(position) % 2.0), np.nextafter(1.0, 0.0))
