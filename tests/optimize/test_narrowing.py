from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.optimize.spaces import crossing, mixed

from bittrader.errors import InputError
from bittrader.optimize.narrowing import narrowed


def test_a_parameter_with_a_value_has_no_range_to_search():
    with pytest.raises(InputError, match="length is given a value and a range"):
        narrowed(mixed(), {"length": (10, 20)}, {"length": 15})


@given(st.integers(0, 2**32))
def test_rows_of_a_narrowed_space_read_the_same_in_the_whole_one(seed):
    smaller = narrowed(mixed(), {"low": (20, 30), "length": (10, 20)}, {"side": "both", "stop": 2})
    for row in smaller.sample(np.random.default_rng(seed), 5):
        params = mixed().decode(row)
        assert params == smaller.decode(row)
        assert 20 <= params["low"] <= 30
        assert 10 <= params["length"] <= 20
        assert (params["side"], params["stop"]) == ("both", 2.0)
        assert (mixed().encode(params) == row).all()


def test_a_range_of_one_value_fixes_the_parameter():
    assert narrowed(crossing(), {"fast": (7, 7)}, {}).parameters[0].describe() == "fixed at 7"


@pytest.mark.parametrize(
    ("ranges", "fixed", "words"),
    [
        ({"fats": (1, 2)}, {}, "no parameter 'fats'. Did you mean 'fast'"),
        ({}, {"fats": 1}, "no parameter 'fats'. Did you mean 'fast'"),
        ({"fast": (30, 10)}, {}, "the range of fast is empty: 30 is above 10"),
        ({"fast": (1, 10)}, {}, "fast takes 5 to 60, not 1"),
        ({}, {"fast": "many"}, "fast takes a number, not 'many'"),
    ],
)
def test_a_bad_range_is_refused_with_words(ranges, fixed, words):
    with pytest.raises(InputError, match=words):
        narrowed(crossing(), ranges, fixed)


def test_a_choice_has_no_range():
    with pytest.raises(InputError, match=r"fix it with --set side=VALUE \(one of long, short, both\)"):
        narrowed(mixed(), {"side": ("long", "short")}, {})


def test_a_fixed_parameter_takes_no_other_value():
    with pytest.raises(InputError, match="slow is fixed at 50, not 60"):
        narrowed(crossing(), {}, {"slow": 50}).encode({"slow": 60})
