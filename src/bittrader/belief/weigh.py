"""From what many sets earned in each period to figures about the first of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.belief.bootstrap import block_length, counts, draws
from bittrader.belief.figures import Figures, Outside, Ratio
from bittrader.belief.intervals import intervals
from bittrader.belief.market import betas, beyond
from bittrader.belief.overfitting import overfitting
from bittrader.belief.reality import reality_check
from bittrader.belief.sharpe import (
    deflated,
    expected_maximum,
    independent_trials,
    minimum_track_record,
    moments,
    probabilistic,
    sharpe_ratios,
)

if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import NDArray

    Returns = NDArray[np.float64]

RESAMPLES = 999


@dataclass(frozen=True, eq=False)
class Record:
    """What sets earned over equal periods on one or several series."""

    returns: Returns
    """Shape (series, periods, sets); the first set is the one in question."""
    markets: Returns
    """What holding each series earned, shape (series, periods)."""
    days: float
    """Length of a period."""
    bars: int
    """Bars in a period."""
    spread: int = 0
    """How many of the last sets were drawn at random, and not by the search."""

    @property
    def plain(self) -> Returns:
        """Returns with equal parts of the equity on each series, renewed each period."""
        return np.asarray(self.returns.mean(axis=0))

    @property
    def market(self) -> Returns:
        """What holding equal parts of the series earned."""
        return np.asarray(self.markets.mean(axis=0))

    @property
    def beyond(self) -> Returns:
        """Returns beyond the market that each series was held at."""
        pairs = zip(self.returns, self.markets, strict=True)
        return np.asarray(np.mean([beyond(returns, market) for returns, market in pairs], axis=0))


def weigh(record: Record, trials: int, trades: float, seed: int, tries: float = 0.0) -> Figures:
    """The figures about the first set, of `trials` that were tried; the same seed gives the same figures.

    `tries`: how many sets drawn at random find as much as these trials did, where that is more than are looked at.
    """
    plain, rest, market = record.plain, record.beyond, record.market
    periods, sets = plain.shape
    per_year = 365.0 / record.days
    rng = np.random.default_rng(seed)
    block = block_length(rest[:, 0])
    drawn = draws(rng, RESAMPLES, periods, block)
    return Figures(
        trials=trials,
        independent_trials=independent_trials(rest, trials),
        sets=sets,
        periods=periods,
        bars_per_period=record.bars,
        days=periods * record.days,
        trades=trades,
        total_return=compounded(plain[:, 0]),
        market_return=compounded(market),
        beta=float(betas(plain[:, :1], market)[0]),
        plain=ratio(plain, trials, per_year),
        beyond=ratio(rest, trials, per_year),
        overfitting=overfitting(plain),
        series=len(record.returns),
        reality=reality_check(rest, 0, counts(drawn), block, tries=tries, spread=record.spread),
        intervals=intervals(plain[:, 0], drawn, per_year),
    )


def compounded(returns: Returns) -> float:
    """What returns come to, one after the other."""
    return float(np.prod(1.0 + returns)) - 1.0


def ratio(returns: Returns, trials: int, per_year: float) -> Ratio | None:
    """What the first column's Sharpe ratio is worth beside the others'; None when it never varies."""
    one = moments(returns[:, 0])
    if one is None:
        return None
    year = math.sqrt(per_year)
    ratios = sharpe_ratios(returns)
    known = ratios[~np.isnan(ratios)]
    deviation = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    worth = independent_trials(returns, trials)
    hurdle = expected_maximum(worth, deviation)
    needed = minimum_track_record(one, hurdle)
    return Ratio(
        sharpe=one.sharpe * year,
        skewness=one.skewness,
        kurtosis=one.kurtosis,
        probabilistic=probabilistic(one),
        deviation=deviation * year,
        hurdle=hurdle * year,
        deflated=deflated(one, worth, deviation),
        needed_days=None if needed is None else needed * 365.0 / per_year,
    )


def outside(kind: Literal["validation", "holdout"], record: Record, trades: float) -> Outside | None:
    """What the first set's returns on bars that no search saw are worth; None where it did nothing there."""
    one = moments(record.beyond[:, 0])
    if one is None:
        return None
    return Outside(
        kind=kind,
        periods=one.count,
        days=one.count * record.days,
        sharpe=one.sharpe * math.sqrt(365.0 / record.days),
        total_return=compounded(record.plain[:, 0]),
        p_value=1.0 - probabilistic(one),
        trades=trades,
    )
