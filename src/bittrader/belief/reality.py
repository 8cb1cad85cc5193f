"""How often the best of many sets without skill does as well as this one did.

White, A Reality Check for Data Snooping (2000); Hansen, A Test for Superior Predictive Ability (2005). For one set
among many, the single-step adjusted p-value of Romano and Wolf, Stepwise Multiple Testing as Formalized Data Snooping
(2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Returns = NDArray[np.float64]


# Hansen's threshold for a poor set takes the logarithm of a logarithm; and fewer periods say nothing anyway.
_FEWEST = 8
# Fewer columns say nothing about what more of them would add.
_QUARTERED = 16


@dataclass(frozen=True)
class RealityCheck:
    """P-values: the share of resampled histories without skill in which the best of all did at least as well."""

    block: float
    """Average length of a resampled block, in periods."""
    resamples: int
    white: float
    """Of the best mean: White (2000)."""
    lower: float
    consistent: float
    upper: float
    """Of the best studentized mean, by how the poor sets count: Hansen (2005)."""
    chosen: float
    """Of the chosen set's studentized mean against the best of all: Romano and Wolf (2005), with the allowance."""
    allowance: float
    """What is added to the best score of each resampled history, because more was tried than is looked at."""
    score: float
    """The chosen set's studentized mean."""
    needed: float
    """The score above which the p-value of the chosen set would be at most 5 %."""


def reality_check(
    gains: Returns, chosen: int, counted: Returns, block: float, *, tries: float = 0.0, spread: int = 0
) -> RealityCheck | None:
    """Tests that no column of gains, shape (periods, sets), has a mean above 0; None when no column varies.

    `chosen`: the column that is asked about. `counted`: how often each resample holds each period (`bootstrap.counts`,
    with blocks of `block` periods on average). `tries`: how many sets, drawn at random, find as much as the search did;
    `spread`: how many of the last columns were drawn at random (0: all count as such).
    """
    periods = len(gains)
    if periods < _FEWEST:
        return None
    deviations = np.sqrt(np.maximum(long_run_variances(gains, block), 0.0))
    usable = (deviations > 1e-12 * np.abs(gains).max(initial=0.0)) & (deviations > 0.0)
    if not usable.any():
        return None
    means, deviations = gains[:, usable].mean(axis=0), deviations[usable]
    root = math.sqrt(periods)
    moved = root * (counted @ gains[:, usable] / periods - means)
    scores = root * means / deviations
    poor = means < -deviations * math.sqrt(2.0 * math.log(math.log(periods)) / periods)
    studentized = moved / deviations
    lowest, middle, highest = (
        np.maximum((studentized + shift).max(axis=1), 0.0)
        for shift in (np.minimum(scores, 0.0), np.where(poor, scores, 0.0), 0.0)
    )
    allowance = _allowance(studentized[:, -usable[len(usable) - spread :].sum() :] if spread else studentized, tries)
    allowed = middle + allowance
    best = max(float(scores.max()), 0.0)
    own = float(scores[usable[:chosen].sum()]) if usable[chosen] else 0.0
    return RealityCheck(
        block=block,
        resamples=len(counted),
        white=share_at_least(np.maximum(moved.max(axis=1), 0.0), max(root * float(means.max()), 0.0)),
        lower=share_at_least(lowest, best),
        consistent=share_at_least(middle, best),
        upper=share_at_least(highest, best),
        chosen=share_at_least(allowed, max(own, 0.0)),
        allowance=allowance,
        score=own,
        needed=float(np.quantile(allowed, 0.95)),
    )


def _allowance(studentized: Returns, tries: float) -> float:
    """How much better the best of `tries` sets is than that of these columns: by what each doubling adds to it.

    What a doubling adds is what it added to a quarter of the columns, twice. It adds ever less, so this is no less
    than the truth.
    """
    sets = studentized.shape[1]
    if sets < _QUARTERED or tries <= sets:
        return 0.0
    quarters = [studentized[:, start::4].max(axis=1).mean() for start in range(4)]
    doubling = (float(studentized.max(axis=1).mean()) - float(np.mean(quarters))) / 2.0
    return max(0.0, doubling) * math.log2(tries / sets)


def share_at_least(drawn: Returns, value: float) -> float:
    """The p-value of `value` among draws without skill: never 0, because the history itself is one draw.

    Davison and Hinkley, Bootstrap Methods and their Application (1997), section 4.2.
    """
    return (1.0 + float((drawn >= value).sum())) / (1.0 + len(drawn))


def long_run_variances(values: Returns, block: float) -> Returns:
    """The variance of sqrt(n) times the mean of each column, resampled in blocks of `block` periods on average.

    What endless resampling would give: Politis and Romano (1994), lemma 1.
    """
    periods = len(values)
    centred = values - values.mean(axis=0)
    # Padded to a power of two, and at least twice as long: what wraps around meets zeros.
    length = 1 << (2 * periods - 1).bit_length()
    spectrum = np.fft.rfft(np.ascontiguousarray(centred.T), length, axis=1)
    covariances = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :periods] / periods
    lags, stays = np.arange(1, periods), 1.0 - 1.0 / max(1.0, block)
    weights = (1.0 - lags / periods) * stays**lags + lags / periods * stays ** (periods - lags)
    variances: Returns = covariances[:, 0] + 2.0 * covariances[:, 1:] @ weights
    return variances
