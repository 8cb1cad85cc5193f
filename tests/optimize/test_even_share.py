from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bittrader.optimize.studies.even_share import even_share


@given(st.integers(0, 5000), st.integers(2, 500))
def test_a_share_has_both_ends_and_steps_that_differ_by_one_at_most(count, most):
    share = even_share(count, most)
    assert len(share) == min(count, most)
    if count > 1:
        steps = np.diff(share)
        assert (share[0], share[-1]) == (0, count - 1)
        assert steps.min() >= 1
        assert steps.max() - steps.min() <= 1
