from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.optimize.spaces import SPACES

from bittrader.optimize.studies.space_json import space_from_json, space_to_json
from bittrader.strategies.parameters import Float
from bittrader.strategies.space import Space


@given(st.sampled_from(sorted(SPACES)), st.integers(0, 2**32))
def test_rows_of_a_space_from_json_read_the_same(name, seed):
    space = SPACES[name]
    again = space_from_json(space_to_json(space))
    rows = space.sample(np.random.default_rng(seed), 5)
    assert [again.decode(row) for row in rows] == [space.decode(row) for row in rows]
    assert again.feasible(rows).all()


def test_a_step_wider_than_the_range_can_be_kept():
    parameter = Float(0, 1, step=5)
    parameter.name = "x"
    assert space_from_json(space_to_json(Space((parameter,)))).parameters[0].count == 1
