"""The contract of a sampler: which parameter sets to try next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows, Space


class Sampler(ABC):
    """Asked for generations of parameter sets, and told what became of them.

    What `ask(start, count)` returns depends on the space, the seed, `start` (how many trials were asked before), and
    on what was told, in order; on nothing else. So a new sampler that is told a study's history goes on as the old one
    would have.
    """

    learns: ClassVar[bool] = True
    """Whether it must be told of one generation before it is asked for the next."""

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


def best_first(losses: NDArray[np.float64], violations: NDArray[np.float64]) -> NDArray[np.int64]:
    """The indexes from the best to the worst, by the rules of Deb (2000).

    What keeps the conditions comes first, by its loss, or for several objectives by how many others dominate it
    (Fonseca and Fleming 1993); then what breaks them, by how far; what failed is last. Equals stay in order.
    """
    merit = losses[:, 0] if losses.shape[1] == 1 else dominators(losses)
    return np.lexsort((merit, violations))


def dominators(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row, how many others are no worse in any objective and better in one."""
    as_good = (losses[:, None, :] <= losses[None, :, :]).all(axis=2)
    counts: NDArray[np.int64] = (as_good & ~as_good.T).sum(axis=0)
    return counts


def no_worse(
    first: tuple[NDArray[np.float64], NDArray[np.float64]], second: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """For each pair of (losses, violations) of one objective, whether the first is as good as the second, or better."""
    (loss, violation), (other_loss, other_violation) = first, second
    as_far = violation == other_violation
    answer: NDArray[np.bool_] = (violation < other_violation) | (as_far & (loss[:, 0] <= other_loss[:, 0]))
    return answer


def nearest_allowed(space: Space, rows: Rows, rng: np.random.Generator, tries: int = 256) -> Rows:
    """The rows, canonical, each forbidden one replaced by the nearest of `tries` allowed ones drawn at random."""
    rows = space.canonical(rows)
    forbidden = np.flatnonzero(~space.feasible(rows))
    if len(forbidden) == 0:
        return rows
    allowed = space.sample(rng, tries)
    distances = space.position(rows[forbidden])[:, None, :] - space.position(allowed)[None, :, :]
    mended = rows.copy()
    mended[forbidden] = allowed[(distances**2).sum(axis=2).argmin(axis=1)]
    return mended
