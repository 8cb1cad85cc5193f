"""What the sets of a study earned from period to period: run again, because no study could keep it for every set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.belief.market import period_ends, period_returns
from bittrader.belief.weigh import Record
from bittrader.errors import StrategyError, is_interrupt
from bittrader.optimize.aggregate import aggregated
from bittrader.optimize.goals import violations
from bittrader.optimize.samplers.grid import allowed_count
from bittrader.optimize.studies import found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from bittrader.backtest.run import Evaluator
    from bittrader.market.candles import Candles
    from bittrader.optimize.studies.experiment import Experiment
    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

    Ends = NDArray[np.int64]

# So many sets over so many periods are 8 MB, on each series.
SETS = 512
PERIODS = 2048
# Of these, sets that no sampler chose: what a search could have tried, had chance led it elsewhere.
SPREAD = 128


@dataclass(frozen=True, eq=False)
class Earned:
    """What one set earned."""

    returns: NDArray[np.float64]
    """Shape (series, periods)."""
    metrics: NDArray[np.float64]
    """A row in the order of `METRICS`."""


def record(
    study: Study, best: NDArray[np.float64], evaluators: Sequence[Evaluator], pool: ThreadPoolExecutor, *, spread: bool
) -> Record | None:
    """What the best set, an even share of all that finished, and with `spread` as many others, earned.

    Sets that break the study's conditions could not have been chosen, so they are left out, unless the best is one of
    them. None when the series have no two bars in common, or the best fails now.
    """
    experiment = study.experiment
    ends = common_periods([one.candles for one in evaluators])
    if ends is None:
        return None
    tried = found.tried(study, SETS - 1 - SPREAD)
    others = _spread(experiment.space, len(tried), study.counts().asked, experiment.seed) if spread else tried[:0]
    # Neighbours in the space share indicators.
    tried, others = (np.unique(rows[(rows != best).any(axis=1)], axis=0) for rows in (tried, others))
    first, *rest = pool.map(lambda row: earned(evaluators, ends, row, experiment), [best, *tried, *others])
    if first is None:
        return None
    searched, drawn = (
        [one for one in part if one is not None and _choosable(one, first, experiment)]
        for part in (rest[: len(tried)], rest[len(tried) :])
    )
    kept = [first, *searched, *drawn]
    series = [one.candles for one in evaluators]
    days, bars = period_length(series, ends)
    return Record(
        returns=np.stack([one.returns for one in kept], axis=-1),
        markets=np.stack([period_returns(one.close, at) for one, at in zip(series, ends, strict=True)]),
        days=days,
        bars=bars,
        spread=len(drawn),
    )


def earned(
    evaluators: Sequence[Evaluator], ends: Sequence[Ends], row: NDArray[np.float64], experiment: Experiment
) -> Earned | None:
    """What the set earned on each series over the periods; None when it fails."""
    try:
        runs = [one.run(one.orders(one.strategy.from_row(row))) for one in evaluators]
    except BaseException as error:
        if is_interrupt(error):
            raise
        return None
    return Earned(
        returns=np.stack([period_returns(one.equity, at) for one, at in zip(runs, ends, strict=True)]),
        metrics=aggregated([one.metrics.as_row() for one in runs], experiment.aggregate, experiment.objectives),
    )


def common_periods(series: Sequence[Candles], most: int = PERIODS) -> list[Ends] | None:
    """For each series the bars at which the same periods end, the first of which begins with the first of these bars.

    One series is cut by its bars; of several, the time that all cover, by the bars of the one that has most in it.
    """
    start, stop = max(one.time[0] for one in series), min(one.time[-1] for one in series)
    inside = [np.flatnonzero((one.time >= start) & (one.time <= stop)) for one in series]
    longest = int(np.argmax([len(bars) for bars in inside]))
    if len(inside[longest]) < 2:
        return None
    moments = series[longest].time[inside[longest][period_ends(len(inside[longest]), most)]]
    return [np.searchsorted(one.time, moments, side="right") - 1 for one in series]


def period_length(series: Sequence[Candles], ends: Sequence[Ends]) -> tuple[float, int]:
    """The days and the bars of a period, gaps left out, in the series that has most bars in one."""
    lengths = [int(np.median(np.diff(at))) for at in ends]
    most = int(np.argmax(lengths))
    return lengths[most] * series[most].timeframe.days, lengths[most]


def _choosable(one: Earned, best: Earned, experiment: Experiment) -> bool:
    off, best_off = violations(experiment.where, METRICS, np.stack([one.metrics, best.metrics]))
    return bool(off == 0.0 or best_off > 0.0)


def _spread(space: Space, tried: int, asked: int, seed: int) -> Rows:
    """As many sets as were asked for, drawn evenly from the space; none where all there are were tried."""
    count = allowed_count(space)
    if count is not None and count <= tried:
        return np.empty((0, len(space.names)))
    try:
        rows = space.sample(np.random.default_rng(seed), min(SPREAD, asked))
    except StrategyError:  # next to nothing is allowed, so the search has seen it
        return np.empty((0, len(space.names)))
    return space.canonical(rows)
