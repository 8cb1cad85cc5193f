"""A study as a report or a table needs it: plain columns, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Value


@dataclass(frozen=True, eq=False)
class Trial:
    """One finished evaluation."""

    number: int
    params: Mapping[str, Value]
    metrics: Mapping[str, float | int | None]


@dataclass(frozen=True, eq=False)
class StudySummary:
    """What a search asked and found.

    `rows` holds the finished evaluations in the order they were asked (of more than 100,000, an even share), shape
    (finished, parameters), as `Space.decode` reads them; `metrics` the named metric columns beside them (NaN where
    undefined).
    """

    name: str
    strategy: str
    symbol: str
    objective: str
    direction: Literal["maximize", "minimize"]
    sampler: str
    sampler_reason: str
    seed: int
    asked: int
    finished: int
    failed: int
    failures: Mapping[str, int]
    """Causes of failure and how often each came."""
    seconds: float
    """Time spent searching, all sessions together."""
    cores: int
    parameter_names: tuple[str, ...]
    rows: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]
    best: tuple[Trial, ...]
    """The best evaluations, best first (at most 20)."""
    choices: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """The values of each `Choice` parameter, which its column of `rows` counts."""

    @property
    def evaluations_per_second(self) -> float:
        """Finished and failed evaluations per second of search; 0 before any time has passed."""
        return (self.finished + self.failed) / self.seconds if self.seconds > 0 else 0.0
