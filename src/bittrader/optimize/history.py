"""What a study says of its past: how far it came, and what its generations came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.optimize.goals import Objective
    from bittrader.strategies.parameters import Rows


@dataclass(frozen=True)
class Counts:
    """How far a study is."""

    asked: int
    finished: int
    failed: int
    repeated: int
    """How many of the asked were sets asked before."""
    infeasible: int = 0
    """How many of the finished break a condition."""

    @property
    def unanswered(self) -> int:
        """Asked, and neither finished nor failed."""
        return self.asked - self.finished - self.failed


class Generation(NamedTuple):
    """What a generation came to, as a sampler is told of it."""

    rows: Rows
    losses: NDArray[np.float64]
    """Shape (sets, objectives): smaller is better, infinite is failed."""
    violations: NDArray[np.float64]
    """0 where every condition is kept, else how far off; infinite is failed."""


def generation_of(found: Sequence[tuple[Any, ...]], objectives: Sequence[Objective], width: int) -> Generation:
    """The generation of rows as a study has them: violation, objectives, `width` parameters; None where undefined."""
    table = np.array(found, dtype=np.float64).reshape(len(found), 1 + len(objectives) + width)  # None becomes NaN
    losses = [one.losses(table[:, 1 + index]) for index, one in enumerate(objectives)]
    off = np.where(np.isnan(table[:, 0]), np.inf, table[:, 0])
    return Generation(table[:, 1 + len(objectives) :], np.column_stack(losses), off)
