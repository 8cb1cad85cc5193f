"""Figures as a study would give them."""

from __future__ import annotations

from dataclasses import replace

from bittrader.belief.figures import Change, Figures, Neighbourhood, Outside, Permutation, Ratio
from bittrader.belief.intervals import Interval
from bittrader.belief.overfitting import Overfitting
from bittrader.belief.reality import RealityCheck

RATIO = Ratio(
    sharpe=2.1,
    skewness=0.1,
    kurtosis=4.0,
    probabilistic=0.99,
    deviation=0.5,
    hurdle=0.9,
    deflated=0.96,
    needed_days=200.0,
)
RANKS = (*range(20, 200, 20), 387, 1010, 1100, 1150, 1200, 1250, 1300, 1250, 1200, 1150, 973)
REALITY = RealityCheck(
    block=2.0,
    resamples=999,
    white=0.01,
    lower=0.004,
    consistent=0.004,
    upper=0.004,
    chosen=0.004,
    allowance=0.0,
    score=3.6,
    needed=2.6,
)


def figures(**changes):
    """Figures of a good result, with what is always there."""
    base = Figures(
        trials=80,
        independent_trials=30.0,
        sets=80,
        periods=1667,
        bars_per_period=3,
        days=208.0,
        trades=150,
        total_return=0.4,
        market_return=0.1,
        beta=0.2,
        plain=RATIO,
        beyond=RATIO,
        overfitting=None,
        reality=REALITY,
    )
    return replace(base, **changes)


def known(**changes):
    """Figures with everything in them."""
    everything = {
        "overfitting": Overfitting(16, 12870, 0.1, 0.05, 0.4, 0.01, RANKS),
        "intervals": {"sharpe": Interval(0.5, 2.1, 3.7)},
        "neighbourhood": Neighbourhood(4, 1.8, 1.2, 0.86),
        "permutation": Permutation(39, 0.025, 0.3),
        "sensitivity": (Change("no fee", 2.5, 0.5, 2.5, 150), Change("fee x 3", None, -0.1, None, 150)),
        "outside": (Outside("holdout", 400, 50.0, 1.5, 0.08, 0.04, 25),),
    }
    return figures(**{**everything, **changes})
