from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bittrader.errors import InputError, StrategyError
from bittrader.strategies.parameters import Choice, Float, Int, Parameter
from bittrader.strategies.space import Space


@st.composite
def ints(draw):
    low = draw(st.integers(-1000, 1000))
    if draw(st.booleans()):
        low = abs(low) + 1
        return Int(low, low + draw(st.integers(0, 1000)), log=True)
    return Int(low, low + draw(st.integers(0, 1000)), step=draw(st.integers(1, 50)))


@st.composite
def floats(draw):
    low = draw(st.integers(-1000, 1000)) / 10
    high = low + draw(st.integers(1, 1000)) / 10
    kind = draw(st.sampled_from(["plain", "step", "log"]))
    if kind == "step":
        return Float(low, high, step=draw(st.sampled_from([0.1, 0.25, 0.5, 1.0, 7.0])))
    if kind == "log":
        return Float(abs(low) + 0.1, abs(low) + 0.1 + high - low, log=True)
    return Float(low, high)


choices = st.lists(
    st.one_of(st.integers(-5, 5), st.text("abc", min_size=1)), min_size=1, max_size=5, unique_by=str
).map(lambda values: Choice(*values))
parameters = st.one_of(ints(), floats(), choices)
units = st.floats(0, 1, exclude_max=True)


def named(parameter: Parameter, name: str = "it") -> Parameter:
    parameter.__set_name__(object, name)
    return parameter


@given(parameter=parameters, unit=units)
@example(parameter=Float(-1 / 3, 2 / 7), unit=math.nextafter(1.0, 0.0))  # rounding led beyond the end
@example(parameter=Float(-4.0, 1 / 7), unit=1.0)
def test_whatever_a_search_draws_is_allowed(parameter, unit):
    number = parameter.at(np.array([unit]))[0]
    assert parameter.encode(parameter.decode(number)) == number


@given(parameter=parameters, unit=units)
def test_a_value_lies_in_its_own_share_of_the_unit(parameter, unit):
    drawn = parameter.at(np.array([unit]))
    place = parameter.position(drawn)
    assert 0.0 <= place[0] <= 1.0
    again = parameter.at(np.minimum(place, math.nextafter(1.0, 0.0)))
    np.testing.assert_allclose(again, drawn, rtol=1e-9, atol=1e-9)


@given(parameter=st.one_of(ints(), floats()))
def test_both_ends_of_a_range_are_reached(parameter):
    ends = parameter.at(np.array([0.0, math.nextafter(1.0, 0.0)]))
    np.testing.assert_allclose(ends, [parameter.low, parameter.high], rtol=1e-9, atol=1e-9)


@given(parameter=parameters)
def test_a_default_is_allowed(parameter):
    assert parameter.decode(parameter.encode(parameter.default)) == parameter.default


@given(parameter=parameters)
def test_a_parameter_takes_as_many_values_as_it_counts(parameter):
    assume(parameter.count <= 200)
    drawn = parameter.at((np.arange(20_000) + 0.5) / 20_000)
    assert len(set(drawn)) == parameter.count


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (Int(5, 100), 4, "it takes 5 to 100, not 4"),
        (Int(5, 100), 7.5, "whole numbers"),
        (Int(5, 100), "fast", "takes a number"),
        (Int(5, 100), [], "takes a number"),
        (Int(5, 100, step=5), 7, "in steps of 5"),
        (Float(0, 1), 1.5, "0 to 1"),
        (Float(0, 1), math.nan, "takes a number"),
        (Float(0, 1, step=0.25), 0.3, "in steps of 0.25"),
        (Choice("long", "both"), "lang", "Did you mean 'long'"),
    ],
)
def test_a_value_that_is_not_allowed_is_met_with_what_is(parameter, value, words):
    with pytest.raises(InputError, match=words):
        named(parameter).encode(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Int(5, 4),
        lambda: Int(0, 4, log=True),
        lambda: Float(1, 1),
        lambda: Float(-1, 1, log=True),
        lambda: Float(0, 1, step=-1),
        lambda: Float(0, 1, step=math.nan),
        lambda: Float(-1.7e308, 1.7e308),
        lambda: Int(0, 2**53 + 1),
        lambda: Int(0, 10, step=2.5),
        Choice,
        lambda: Choice("a", "a"),
    ],
)
def test_a_range_that_holds_nothing_is_refused(make):
    with pytest.raises(StrategyError):
        make()


def test_numbers_written_as_words_are_understood():
    assert named(Int(5, 100)).encode("20") == 20
    assert named(Float(0, 1)).encode("0.25") == 0.25
    switch = named(Choice(*[True, False]))
    assert switch.decode(switch.encode("False")) is False


def space_of(*constraints_of) -> Space:
    fast, slow = named(Int(1, 20), "fast"), named(Int(1, 20), "slow")
    return Space((fast, slow), tuple(make(fast, slow) for make in constraints_of))


@given(seed=st.integers(0, 2**31), count=st.integers(0, 300))
def test_a_constraint_is_never_broken_by_what_is_sampled(seed, count):
    space = space_of(lambda fast, slow: fast < slow, lambda fast, slow: slow >= 3)
    rows = space.sample(np.random.default_rng(seed), count)
    assert rows.shape == (count, 2)
    assert (rows[:, 0] < rows[:, 1]).all()
    assert (rows[:, 1] >= 3).all()
    assert space.feasible(rows).all()


@given(seed=st.integers(0, 2**31))
def test_a_row_and_its_parameter_set_are_the_same_thing(seed):
    space = Space((named(Int(1, 9), "a"), named(Float(0, 1), "b"), named(Choice("x", "y"), "c")))
    rows = space.sample(np.random.default_rng(seed), 5)
    np.testing.assert_array_equal(space.encode_all([space.decode(row) for row in rows]), rows)


def test_every_allowed_row_is_drawn_about_equally_often():
    rows = space_of(lambda fast, slow: fast < slow).sample(np.random.default_rng(1), 190 * 200)
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    assert len(counts) == 190
    assert counts.min() > 100


def test_constraints_that_leave_nothing_are_refused():
    space = space_of(lambda fast, slow: fast < slow, lambda fast, slow: fast > slow)
    with pytest.raises(StrategyError, match="Widen the ranges"):
        space.sample(np.random.default_rng(1), 1)


def test_a_set_that_breaks_a_constraint_is_refused_with_its_values():
    with pytest.raises(InputError, match="break fast < slow: fast=9, slow=3"):
        space_of(lambda fast, slow: fast < slow).encode({"fast": 9, "slow": 3})


def test_a_mistyped_parameter_is_met_with_the_right_one():
    with pytest.raises(InputError, match=r"no parameter 'fats'\. Did you mean 'fast'"):
        space_of().encode({"fats": 9})


def test_comparisons_in_a_chain_are_refused_because_half_of_them_would_be_lost():
    fast, slow = named(Int(1, 20), "fast"), named(Int(1, 20), "slow")
    with pytest.raises(StrategyError, match="on its own"):
        1 < fast < slow  # noqa: B015 - what is refused


def test_a_choice_has_no_order():
    with pytest.raises(StrategyError, match="numeric"):
        named(Choice("a", "b"), "side") < named(Int(1, 2), "fast")  # noqa: B015 - what is refused
