"""The contract of a sampler: which parameter sets to try next."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

_BELOW_ONE = math.nextafter(1.0, 0.0)
# Allowed sets from which the nearest to a forbidden one is taken.
_DRAWN = 256


class Sampler(ABC):
    """Asked for generations of parameter sets, and told what became of them.

    What `ask(start, count)` returns depends on the space, the seed, `start` (how many trials were asked before), and
    on what was told, in order; on nothing else. So a new sampler that is told a study's history goes on as the old one
    would have.
    """

    learns: ClassVar[bool] = True
    """Whether it must be told of one generation before it is asked for the next."""
    exact: ClassVar[bool] = False
    """Whether every set that it asks for is needed, so that none may give way to the defaults."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.seed = seed

    @abstractmethod
    def ask(self, start: int, count: int) -> Rows:
        """The parameter sets of trials `start`, `start` + 1, …: allowed ones only, at most `count`.

        Fewer than `count` only when there are no others to try.
        """

    def tell(  # noqa: B027 - those that do not learn need none
        self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]
    ) -> None:
        """What a whole generation came to, in the order it was asked.

        `losses`, shape (n, objectives): smaller is better, infinite is failed. `violations`, shape (n,): 0 where every
        condition on the results is kept, else how far off it is, infinite where failed.
        """

    def rng(self, start: int) -> np.random.Generator:
        """The random numbers of the generation that begins with trial `start`."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, start]))


@dataclass(frozen=True)
class Told:
    """What a sampler was told and remembers: parameter sets, their losses and violations."""

    rows: Rows
    losses: NDArray[np.float64]
    violations: NDArray[np.float64]

    @classmethod
    def nothing(cls, space: Space, objectives: int) -> Self:
        """No sets yet."""
        return cls(np.empty((0, len(space.names))), np.empty((0, objectives)), np.empty(0))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | NDArray[np.int64]) -> Told:
        return Told(self.rows[chosen], self.losses[chosen], self.violations[chosen])

    def __add__(self, other: Told) -> Told:
        return Told(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.losses, other.losses]),
            np.concatenate([self.violations, other.violations]),
        )

    def best_first(self) -> NDArray[np.int64]:
        """The indexes from the best to the worst, by the rules of Deb (2000).

        What keeps the conditions comes first, by its loss, or for several objectives by how many others dominate it
        (Fonseca and Fleming 1993); then what breaks them, by how far; what failed is last. Equals stay in order.
        """
        return np.lexsort((self._merit(), self.violations))

    def standing(self) -> NDArray[np.int64]:
        """How many of the others are better, by the same rules."""
        order = self.best_first()
        violations, merit = self.violations[order], self._merit()[order]
        worse = (violations[1:] > violations[:-1]) | (merit[1:] > merit[:-1])
        standing = np.zeros(len(order), dtype=np.int64)
        standing[order[1:]] = np.maximum.accumulate(np.where(worse, np.arange(1, len(worse) + 1), 0))
        return standing

    def _merit(self) -> NDArray[np.float64]:
        return self.losses[:, 0] if self.losses.shape[1] == 1 else dominators(self.losses).astype(np.float64)

    def reduced(self, best: int, latest: int) -> Told:
        """The `latest` ones and the `best` of those before, in order: what a model whose cost grows can look at."""
        if len(self) <= best + latest:
            return self
        older = np.sort(self[: len(self) - latest].best_first()[:best])
        return self[np.concatenate([older, np.arange(len(self) - latest, len(self))])]


def dominators(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row, how many others are no worse in any objective and better in one."""
    as_good = (losses[:, None, :] <= losses[None, :, :]).all(axis=2)
    counts: NDArray[np.int64] = (as_good & ~as_good.T).sum(axis=0)
    return counts


def defaults_first(space: Space, rows: Rows) -> Rows:
    """The rows of a search's first generation with the parameters' defaults in front, where these are allowed.

    They take the place of the first row, which takes theirs where they were among the others.
    """
    defaults = space.canonical(space.defaults[None])
    if len(rows) == 0 or not space.feasible(defaults)[0]:
        return rows
    first = rows.copy()
    first[(rows == defaults).all(axis=1)] = rows[0]
    first[0] = defaults[0]
    return first


def rows_at(space: Space, position: NDArray[np.float64]) -> Rows:
    """The rows at positions, those outside the unit cube taken to its edge."""
    return space.at(np.clip(position, 0.0, _BELOW_ONE))


def nearest_allowed(space: Space, rows: Rows, rng: np.random.Generator) -> Rows:
    """The rows, canonical, each forbidden one replaced by the nearest of some allowed ones drawn at random."""
    rows = space.canonical(rows)
    forbidden = np.flatnonzero(~space.feasible(rows))
    if len(forbidden) == 0:
        return rows
    allowed = space.sample(rng, _DRAWN)
    distances = space.position(rows[forbidden])[:, None, :] - space.position(allowed)[None, :, :]
    mended = rows.copy()
    mended[forbidden] = allowed[(distances**2).sum(axis=2).argmin(axis=1)]
    return mended
