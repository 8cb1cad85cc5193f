"""A study as a report or a table needs it: plain columns, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.belief.figures import Belief
    from bittrader.optimize.goals import Condition, Direction, Objective
    from bittrader.optimize.studies.experiment import Aggregate, CandleFacts
    from bittrader.optimize.studies.validation_result import Holdout, Validated
    from bittrader.strategies.parameters import Value


@dataclass(frozen=True, eq=False)
class Trial:
    """One finished evaluation."""

    number: int
    params: Mapping[str, Value]
    metrics: Mapping[str, float | int | None]
    violation: float = 0.0
    """0 where every condition is kept, else how far off it is."""

    @property
    def feasible(self) -> bool:
        """Whether it keeps every condition."""
        return self.violation == 0.0


@dataclass(frozen=True, eq=False)
class StudySummary:
    """What a search asked and found.

    `rows` holds the finished evaluations in the order they were asked (of more than 100,000, an even share), shape
    (finished, parameters), as `Space.decode` reads them, NaN where a parameter does not count; `metrics` the named
    metric columns beside them (NaN where undefined), and `violations` how far each is from keeping every condition.
    """

    name: str
    strategy: str
    reference: str
    """What `load_strategy` takes to find the strategy again; empty where nothing does."""
    series: tuple[CandleFacts, ...]
    """The candles each set was judged on; empty where a function of the user's own evaluated."""
    aggregate: Aggregate
    """How the metrics on several series became one number each."""
    objectives: tuple[Objective, ...]
    where: tuple[Condition, ...]
    """The conditions a set must keep."""
    sampler: str
    sampler_reason: str
    seed: int
    asked: int
    finished: int
    failed: int
    infeasible: int
    """How many of the finished break a condition."""
    failures: Mapping[str, int]
    """Causes of failure and how often each came."""
    seconds: float
    """Time spent searching, all sessions together."""
    cores: int
    parameter_names: tuple[str, ...]
    rows: NDArray[np.float64]
    metrics: Mapping[str, NDArray[np.float64]]
    violations: NDArray[np.float64]
    best: tuple[Trial, ...]
    """The best evaluations by the first objective, best first (at most 20); any that break a condition come last."""
    front: tuple[Trial, ...] = ()
    """With several objectives, the Pareto front of what keeps every condition, by the first objective."""
    front_left_out: int = 0
    """How many more sets are on the front, of which those kept here are an even share."""
    choices: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """The values of each `Choice` parameter, which its column of `rows` counts."""
    rules: str = ""
    """What the best does, in words; empty for a strategy that is no mixture of rules."""
    belief: Belief | None = None
    """How much of the best is luck; None where nobody has judged it."""
    validation: Validated | None = None
    """How the search did on bars it did not see; None where it was not validated, or is not complete."""
    holdout: Holdout | None = None
    """What was held out, and each look at it; None where nothing was."""
    exhausted: bool = False
    """Whether every parameter set there is was asked, so that there are no more to try."""
    in_folds: int = 0
    """How many more evaluations the searches of a validation took."""

    @property
    def objective(self) -> str:
        """The metric of the first objective, by which the best is the best."""
        return self.objectives[0].metric

    @property
    def direction(self) -> Direction:
        """Which way the search pushed the first objective."""
        return self.objectives[0].direction

    @property
    def front_size(self) -> int:
        """How many sets are on the front."""
        return len(self.front) + self.front_left_out

    @property
    def symbol(self) -> str:
        """What was traded; empty where a function of the user's own evaluated."""
        return ", ".join(dict.fromkeys(one.symbol for one in self.series))

    @property
    def evaluations_per_second(self) -> float:
        """Finished and failed evaluations per second of search, of all folds; 0 before any time has passed."""
        return (self.finished + self.failed + self.in_folds) / self.seconds if self.seconds > 0 else 0.0
