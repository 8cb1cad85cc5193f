"""Returns to judge: of no skill, and of some."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


def noise(periods, sets=1, seed=0, mean=0.0):
    return mean + 0.01 * np.random.default_rng(seed).standard_normal((periods, sets))


def autoregressive(periods, coefficient, seed=0):
    shocks = np.random.default_rng(seed).standard_normal(periods)
    series = np.zeros(periods)
    for at in range(1, periods):
        series[at] = coefficient * series[at - 1] + shocks[at]
    return series


# Returns as equity makes them: some zeros, some large, none below -100 %.
returns = st.floats(-0.5, 0.5, allow_subnormal=False).map(lambda value: round(value, 6))
series = arrays.arrays(np.float64, st.integers(3, 60), elements=returns)
tables = arrays.arrays(np.float64, st.tuples(st.integers(32, 80), st.integers(2, 6)), elements=returns)
