"""Any belief that a study may hold, for laws about how it is shown."""

from __future__ import annotations

from hypothesis import strategies as st

from bittrader.belief.figures import (
    Belief,
    Change,
    Figures,
    Neighbourhood,
    Outside,
    Permutation,
    Ratio,
    Verdict,
)
from bittrader.belief.intervals import Interval
from bittrader.belief.overfitting import Overfitting
from bittrader.belief.reality import RealityCheck

_share = st.floats(0, 1)
_real = st.floats(-1e6, 1e6)
_maybe = st.none() | _real
_count = st.integers(1, 10**6)
_days = st.floats(0.01, 1e5)
_word = st.text(st.characters(codec="utf-8", exclude_characters="\x00&<>\"'\r"), min_size=1, max_size=40)


def _ratios():
    return st.builds(
        Ratio,
        sharpe=_real,
        skewness=_real,
        kurtosis=_real,
        probabilistic=_share,
        deviation=st.floats(0, 1e6),
        hurdle=_real,
        deflated=_share,
        needed_days=st.none() | _days,
    )


def _figures():
    overfitting = st.builds(
        Overfitting,
        blocks=st.just(16),
        splits=_count,
        probability=_share,
        loss=_share,
        slope=st.none() | _real,
        intercept=st.none() | _real,
        ranks=st.lists(st.integers(0, 1000), min_size=20, max_size=20).map(tuple),
    )
    reality = st.builds(
        RealityCheck,
        block=_days,
        resamples=_count,
        white=_share,
        lower=_share,
        consistent=_share,
        upper=_share,
        chosen=_share,
    )
    interval = st.tuples(_real, _real, _real).map(lambda three: Interval(*sorted(three)))
    names = st.sampled_from(("total_return", "cagr", "sharpe", "max_drawdown"))
    return st.builds(
        Figures,
        trials=_count,
        independent_trials=st.floats(1, 1e6),
        sets=_count,
        periods=_count,
        bars_per_period=_count,
        days=_days,
        trades=st.floats(0, 1e6),
        total_return=_real,
        market_return=_real,
        beta=_real,
        plain=st.none() | _ratios(),
        beyond=st.none() | _ratios(),
        overfitting=st.none() | overfitting,
        reality=st.none() | reality,
        intervals=st.dictionaries(names, interval),
        neighbourhood=st.none() | st.builds(Neighbourhood, _count, _maybe, _maybe, _maybe),
        permutation=st.none() | st.builds(Permutation, _count, _share, st.none() | _real),
        sensitivity=st.lists(
            st.builds(Change, _word, st.none() | _real, _real, st.none() | _real, st.floats(0, 1e5)), max_size=9
        ).map(tuple),
        outside=st.lists(
            st.builds(Outside, st.sampled_from(("validation", "holdout")), _count, _days, _real, _real, _share, _days),
            max_size=2,
        ).map(tuple),
    )


def beliefs():
    """A strategy of beliefs, with and without figures."""
    verdicts = st.builds(
        Verdict,
        call=st.sampled_from(("luck", "inconclusive", "edge")),
        p_value=st.none() | _share,
        reasons=st.lists(_word.filter(str.strip), max_size=4).map(tuple),
    )
    return st.builds(Belief, verdicts, st.none() | _figures())
