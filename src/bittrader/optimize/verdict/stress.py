"""The best set under other circumstances: a small step of a parameter, other costs, a delay, a shuffled market."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import Evaluator
from bittrader.belief.figures import Change, Neighbourhood, Permutation
from bittrader.belief.reality import share_at_least
from bittrader.belief.shuffle import Bars, shuffled
from bittrader.market.candles import Candles
from bittrader.optimize.aggregate import aggregated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.costs import Costs
    from bittrader.optimize.goals import Objective
    from bittrader.optimize.studies.experiment import Experiment
    from bittrader.strategies.base import Strategy
    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

    Row = NDArray[np.float64]

# A small step of a parameter, as a share of its range (of its logarithm where that is what is searched).
STEP = 0.05


# Shuffling long series would take longer than their search: only so many bars, the latest, are shuffled.
SHUFFLED = 50_000


@dataclass(frozen=True, eq=False)
class Stage:
    """Where sets are run: a strategy, its series, and all that an experiment states."""

    strategy: type[Strategy]
    series: tuple[Candles, ...]
    experiment: Experiment

    def evaluators(self, costs: Costs | None = None, delay: int = 0, left_out: float = 0.0) -> list[Evaluator]:
        """One a series; `left_out`: the share of the bars at its start on which nothing is traded."""
        charged = costs or self.experiment.costs
        return [
            Evaluator(
                self.strategy, one, charged, self.experiment.sizing, [(int(left_out * len(one)), len(one))], delay
            )
            for one in self.series
        ]

    def objective(self, best: Row) -> float:
        """The first objective of a set; NaN where it fails."""
        metric = self.experiment.objectives[0].metric
        return float(self.metrics(self.evaluators(), best[None])[0, METRICS.index(metric)])

    def metrics(self, evaluators: Sequence[Evaluator], rows: Rows) -> Rows:
        """The aggregated metrics of each row; NaN where it fails."""
        each = [one(rows).metrics for one in evaluators]
        return np.asarray(aggregated(each, self.experiment.aggregate, self.experiment.objectives))


@dataclass(frozen=True)
class Circumstance:
    """One thing that is otherwise."""

    words: str
    costs: Costs
    delay: int = 0
    left_out: float = 0.0


def circumstances(costs: Costs) -> tuple[Circumstance, ...]:
    """What the best set is tried under, besides what the search assumed."""
    fees = {"no fee": 0.0, "twice the fee": 2.0, "three times the fee": 3.0} if costs.fee else {}
    return (
        *(Circumstance(words, replace(costs, fee=min(0.5, times * costs.fee))) for words, times in fees.items()),
        *([] if costs.fee else [Circumstance("a fee of 0.1%", replace(costs, fee=0.001))]),
        Circumstance(
            "5 basis points more slippage", replace(costs, slippage_bps=min(5_000.0, costs.slippage_bps + 5.0))
        ),
        Circumstance("every order one bar later", costs, delay=1),
        *(Circumstance(f"the first {share:.0%} left out", costs, left_out=share) for share in (0.1, 0.2, 0.3)),
    )


def changed(stage: Stage, best: Row, circumstance: Circumstance) -> Change | None:
    """What the best set gives under a circumstance; None where it fails."""
    given = stage.evaluators(circumstance.costs, circumstance.delay, circumstance.left_out)
    row = stage.metrics(given, best[None])[0]
    named = dict(zip(METRICS, (None if np.isnan(value) else float(value) for value in row), strict=True))
    total, trades = named["total_return"], named["trades"]
    if total is None or trades is None:
        return None
    objective = named[stage.experiment.objectives[0].metric]
    return Change(circumstance.words, objective, total, named["sharpe"], trades)


def neighbours(space: Space, best: Row) -> Rows:
    """The allowed sets that differ from the best by one small step up or down of one parameter that counts.

    A step is 5 % of the range; where that is no other value, the nearest doubling of it that is one.
    """
    counts = space.active(best[None])[0]
    moved = [
        row
        for index in np.flatnonzero(counts).tolist()
        for sign in (-1.0, 1.0)
        for row in _stepped(space, best, index, sign)
    ]
    if not moved:
        return np.empty((0, len(best)))
    rows = space.canonical(np.array(moved))
    allowed: Rows = np.unique(rows[space.feasible(rows)], axis=0)
    other: NDArray[np.bool_] = (allowed != best).any(axis=1)
    return allowed[other]


def _stepped(space: Space, best: Row, index: int, sign: float) -> Iterator[Row]:
    start = space.position(best[None])[0]
    step = STEP
    while 0.0 <= (at := start[index] + sign * step) < 1.0:
        value = space.at(np.where(np.arange(len(start)) == index, at, start)[None])[0, index]
        if value != best[index]:
            yield np.where(np.arange(len(best)) == index, value, best)
            return
        step *= 2.0


def neighbourhood(objective: Objective, best: float, around: Row) -> Neighbourhood | None:
    """How the neighbours do, by their objective (NaN where they fail, which is the worst); None without any."""
    if len(around) == 0:
        return None
    losses = objective.losses(around)
    middle, worst = float(np.median(losses)), float(losses.max())
    kept = None
    if best > 0.0:
        kept = max(0.0, -middle / best) if objective.direction == "maximize" else best / max(middle, best)
    return Neighbourhood(len(around), _value(objective, middle), _value(objective, worst), kept)


def _value(objective: Objective, loss: float) -> float | None:
    """What a loss stands for; None for that of what failed."""
    return (-loss if objective.direction == "maximize" else loss) if np.isfinite(loss) else None


def latest(stage: Stage) -> Stage:
    """The stage with no more bars than are shuffled."""
    return replace(stage, series=tuple(one.window(max(0, len(one) - SHUFFLED), len(one)) for one in stage.series))


def shuffled_market(stage: Stage, seed: Sequence[int]) -> Stage:
    """The stage with its bars in another order, which the seed decides."""
    return replace(stage, series=tuple(_shuffled(one, (*seed, index)) for index, one in enumerate(stage.series)))


def _shuffled(candles: Candles, seed: tuple[int, ...]) -> Candles:
    bars = Bars(candles.open, candles.high, candles.low, candles.close, candles.volume)
    moved = shuffled(bars, np.random.default_rng(seed))
    return Candles(candles.symbol, candles.timeframe, candles.time, *moved, synthetic=True)


def permutation(objective: Objective, best: float, drawn: Sequence[float]) -> Permutation | None:
    """How often another order of the bars does as well by the objective; None without any, or where the best fails."""
    if not drawn or np.isnan(best):
        return None
    losses = objective.losses(np.array(drawn))
    loss = float(objective.losses(np.array([best]))[0])
    return Permutation(len(drawn), share_at_least(-losses, -loss), _value(objective, float(np.median(losses))))
