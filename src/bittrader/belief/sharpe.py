"""How far a Sharpe ratio can be trusted: its own uncertainty, and what trying many sets adds to it by luck alone.

Sharpe ratios here are those of one period, not of a year: mean / standard deviation (ddof 1) of the returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Returns = NDArray[np.float64]

_NORMAL = NormalDist()
# Below this share of the mean, what varies is the rounding.
_FLAT = 1e-13


@dataclass(frozen=True)
class Moments:
    """What the statistics ask of a series of returns."""

    count: int
    sharpe: float
    skewness: float
    """Third standardized moment; 0 for the normal distribution."""
    kurtosis: float
    """Fourth standardized moment, not less 3: the normal distribution has 3."""


def moments(returns: Returns) -> Moments | None:
    """The moments of one series of returns; None when it is too short, or never varies."""
    count = len(returns)
    ratio = float(sharpe_ratios(returns[:, None])[0])
    if math.isnan(ratio):
        return None
    deviations = returns - returns.mean()
    spread = float((deviations**2).mean())
    skewness, kurtosis = (float((deviations**power).mean()) / spread ** (power / 2) for power in (3, 4))
    return Moments(count, ratio, skewness, kurtosis)


def sharpe_ratios(returns: Returns) -> Returns:
    """The Sharpe ratio of each column of returns, shape (periods, sets); NaN for a column that never varies."""
    if len(returns) < 2:
        return np.full(returns.shape[1], np.nan)
    means, variances = returns.mean(axis=0), returns.var(axis=0, ddof=1)
    varies = variances > np.maximum(_FLAT * means**2, 1e-300)
    return np.where(varies, means / np.sqrt(np.where(varies, variances, 1.0)), np.nan)


def probabilistic(one: Moments, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe ratio is above `benchmark`.

    Bailey and López de Prado, The Sharpe Ratio Efficient Frontier (2012), equation 11.
    """
    return normal((one.sharpe - benchmark) * math.sqrt(one.count - 1) / math.sqrt(_inflation(one)))


def minimum_track_record(one: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """How many periods of such returns it takes to be so sure that the true Sharpe ratio is above `benchmark`.

    None when it is not above: then no record is long enough. Bailey and López de Prado (2012), equation 13.
    """
    if one.sharpe <= benchmark:
        return None
    return 1.0 + _inflation(one) * (_NORMAL.inv_cdf(confidence) / (one.sharpe - benchmark)) ** 2


def _inflation(one: Moments) -> float:
    """The variance of an estimated Sharpe ratio times the number of periods: 1 for normal returns of no skill.

    Mertens (2002). It cannot be negative for moments of one sample (skewness² < kurtosis), whatever they are.
    """
    return 1.0 - one.skewness * one.sharpe + (one.kurtosis - 1.0) / 4.0 * one.sharpe**2


def expected_maximum(trials: float, deviation: float) -> float:
    """The best Sharpe ratio to expect of so many independent trials without skill whose ratios vary by `deviation`.

    Bailey and López de Prado, The Deflated Sharpe Ratio (2014), equation 1. 0 for a single trial.
    """
    if trials <= 1.0:
        return 0.0
    usual, far = (_NORMAL.inv_cdf(1.0 - 1.0 / count) for count in (trials, trials * math.e))
    return max(0.0, deviation * ((1.0 - np.euler_gamma) * usual + np.euler_gamma * far))


def deflated(one: Moments, trials: float, deviation: float) -> float:
    """The probability that the true Sharpe ratio is above 0, given that it is the best of so many independent trials.

    `deviation` is the standard deviation of the trials' Sharpe ratios. Bailey and López de Prado (2014), equation 2.
    """
    return probabilistic(one, expected_maximum(trials, deviation))


def independent_trials(returns: Returns, trials: int) -> float:
    """The effective number of independent trials among `trials`, of which the columns of returns are a sample.

    With r the average correlation between them, r + (1 - r) N. Bailey and López de Prado (2014), appendix A.3.
    """
    varying = returns[:, ~np.isnan(sharpe_ratios(returns))]
    sets = varying.shape[1]
    if sets < 2:
        return float(min(trials, max(1, sets)))
    standard = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    together = float((standard.sum(axis=1) ** 2).mean())
    average = min(1.0, max(0.0, (together - sets) / (sets * (sets - 1))))
    return float(average + (1.0 - average) * trials)


def normal(value: float) -> float:
    """The standard normal distribution's probability of at most `value`, exact in its lower tail too."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
