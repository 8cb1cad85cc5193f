from __future__ import annotations

from copy import copy
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError, StrategyError
from bittrader.market.sample import synthetic
from bittrader.optimize.narrowing import Fixed, narrowed
from bittrader.optimize.samplers.grid import lattice
from bittrader.optimize.studies.space_json import space_from_json, space_to_json
from bittrader.strategies.activity import enabling
from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Choice, Float, Int
from bittrader.strategies.space import Space
from bittrader.testing.strategies import check_strategy

KINDS = [Choice("a", "b", "c"), Choice("a", "b", default="b"), Int(1, 3), Int(4, 5, default=5), Int(7, 7)]


@st.composite
def spaces(draw) -> Space:
    """Parameters of few values, each of which may depend on choices before it."""
    made = []
    for index in range(draw(st.integers(1, 6))):
        one = copy(draw(st.sampled_from(KINDS)))
        for switch in made:
            if isinstance(switch, Choice) and draw(st.booleans()):
                one = one.when(switch, *draw(st.lists(st.sampled_from(switch.values), min_size=1, unique=True)))
        one.name = f"p{index}"
        made.append(one)
    return Space(tuple(made))


def slow_meaning(space: Space, row) -> tuple[tuple[str, object], ...]:
    """What a row stands for, found parameter by parameter."""
    params = {}
    for one, number in zip(space.parameters, row, strict=True):
        if all(params.get(need.switch.name) in need.values for need in one.needs):
            params[one.name] = one.decode(number)
    return tuple(params.items())


def slow_sets(space: Space):
    """Every parameter set there is, from the whole product."""
    values = [[one.encode(one.decode(x)) for x in one.at((np.arange(one.count) + 0.5) / one.count)]
              for one in space.parameters]  # fmt: skip
    return {slow_meaning(space, row) for row in product(*values)}


@given(spaces(), st.integers(0, 2**31))
def test_two_rows_are_equal_just_when_they_stand_for_the_same_set(space, seed):
    rows = space.sample(np.random.default_rng(seed), 30)
    meanings = [tuple(space.decode(row).items()) for row in rows]
    assert meanings == [slow_meaning(space, row) for row in rows]
    assert len(set(meanings)) == len(np.unique(rows, axis=0))


@given(spaces(), st.integers(0, 2**31))
def test_a_row_and_its_parameter_set_are_the_same_thing(space, seed):
    rows = space.sample(np.random.default_rng(seed), 10)
    np.testing.assert_array_equal(space.encode_all([space.decode(row) for row in rows]), rows)


@given(spaces(), st.integers(0, 2**31))
def test_what_a_search_draws_is_canonical_already(space, seed):
    rows = space.at(np.random.default_rng(seed).random((20, len(space.names))))
    np.testing.assert_array_equal(space.canonical(rows), rows)
    again = space.at(space.position(rows))
    np.testing.assert_array_equal(again, rows)


@given(spaces())
def test_a_grid_holds_every_set_once_and_the_count_says_how_many(space):
    found = [tuple(space.decode(row).items()) for row in lattice(space, None)]
    assert len(found) == space.count
    assert len(set(found)) == len(found)
    assert set(found) == slow_sets(space)


@given(spaces(), st.data())
def test_a_fixed_parameter_leaves_the_sets_that_have_its_value(space, data):
    switch = data.draw(st.sampled_from(space.parameters))
    value = switch.decode(
        data.draw(st.sampled_from(switch.at((np.arange(switch.count) + 0.5) / switch.count).tolist()))
    )
    smaller = narrowed(space, {}, {switch.name: value})
    found = {tuple(smaller.decode(row).items()) for row in lattice(smaller, None)}
    assert found == {params for params in slow_sets(space) if dict(params).get(switch.name, value) == value}
    assert smaller.count == len(found)


@given(spaces(), st.integers(0, 2**31))
def test_a_space_from_json_reads_rows_the_same(space, seed):
    first = space.parameters[0]
    for one in (space, Space((Fixed(first, first.default), *space.parameters[1:]))):
        again = space_from_json(space_to_json(one))
        rows = one.sample(np.random.default_rng(seed), 10)
        assert [again.decode(row) for row in rows] == [one.decode(row) for row in rows]
        assert [each.condition for each in again.parameters] == [each.condition for each in one.parameters]


@given(spaces())
def test_whatever_counts_at_all_can_be_made_to_count(space):
    reachable = {name for params in slow_sets(space) for name, _ in params}
    for one in space.parameters:
        if one.name in reachable and all(len(need.switch.needs) == 0 for need in one.needs):
            assert one.name in space.decode(space.encode({**enabling(one), one.name: one.default}))


def rules():
    entry = Choice("cross", "rsi")
    fast, slow = Int(2, 20).when(entry, "cross"), Int(10, 50, default=30).when(entry, "cross")
    length = Int(2, 30).when(entry, "rsi")
    for name, one in {"entry": entry, "fast": fast, "slow": slow, "length": length}.items():
        one.name = name
    return Space((entry, fast, slow, length), (fast < slow, length > 3))


def test_a_parameter_that_does_not_count_cannot_be_set():
    with pytest.raises(InputError, match="length counts only when entry is rsi: leave it out"):
        rules().encode({"length": 9})
    with pytest.raises(InputError, match="fast counts only when entry is cross: leave it out"):
        narrowed(rules(), {}, {"entry": "rsi", "fast": 9})
    with pytest.raises(InputError, match="slow counts only when entry is cross: leave it out"):
        narrowed(rules(), {"slow": (20, 30)}, {"entry": "rsi"})


def test_a_constraint_holds_only_between_parameters_that_count():
    space = rules()
    assert space.decode(space.encode({"entry": "rsi", "length": 4})) == {"entry": "rsi", "length": 4}
    with pytest.raises(InputError, match="break fast < slow"):
        space.encode({"entry": "cross", "fast": 20, "slow": 10})
    with pytest.raises(InputError, match="break length > 3"):
        space.encode({"entry": "rsi", "length": 2})
    rows = space.sample(np.random.default_rng(1), 300)
    crosses = rows[:, 0] == 0
    assert 100 < crosses.sum() < 250
    assert (rows[crosses, 1] < rows[crosses, 2]).all()
    assert (rows[~crosses, 3] > 3).all()


def test_a_continuous_parameter_makes_infinitely_many_sets_only_where_it_counts():
    switch = Choice("on", "off")
    width = Float(0, 1).when(switch, "on")
    switch.name, width.name = "switch", "width"
    assert Space((switch, width)).count == np.inf
    assert narrowed(Space((switch, width)), {}, {"switch": "off"}).count == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Int(1, 2).when(Int(1, 2), 1), "values of a Choice"),
        (lambda: Int(1, 2).when(Choice("a", "b")), "values of a Choice"),
        (lambda: Int(1, 2).when(Choice("cross", "rsi"), "cros"), "Did you mean 'cross'"),
        (lambda: Space((Int(1, 2).when(Choice("a", "b"), "a"),)), "declare that one first"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(make, words):
    with pytest.raises(StrategyError, match=words):
        make()


def test_a_condition_reads_as_one_would_say_it():
    entry, side = Choice("a", "b", "c"), Choice("long", "short")
    entry.name, side.name = "entry", "side"
    assert (
        Int(1, 2).when(entry, "a", "b", "c").when(side, "long").condition == "when entry is a, b or c and side is long"
    )
    many = Choice(*"abcdefg")
    many.name = "many"
    assert Int(1, 2).when(many, *"abcd").condition == "when many is a, b, c or d"
    assert Int(1, 2).when(many, *"abcdef").condition == "when many is a, b, c or 3 others"


class Either(Strategy):
    """Crossings of averages, or of the relative strength index."""

    entry = Choice("average", "rsi")
    length = Int(2, 60, default=20).when(entry, "average")
    rsi_length = Int(2, 30, default=14).when(entry, "rsi")
    level = Float(20, 60, default=40).when(entry, "rsi")

    def signals(self, chart):
        if self.entry == "average":
            a, b = chart.close, chart.sma(self.length)
        else:
            a, b = chart.rsi(self.rsi_length), self.level
        return Signals(enter_long=crossed_above(a, b), exit_long=crossed_below(a, b))


def test_a_strategy_knows_only_the_parameters_that_count():
    assert Either(entry="rsi").params == {"entry": "rsi", "rsi_length": 14, "level": 40.0}
    assert Either.from_row(Either.space.encode({"length": 7})).params == {"entry": "average", "length": 7}
    assert Either(entry="rsi").length == 20  # its default, for whoever asks


def test_the_check_of_a_strategy_tries_the_ends_of_what_counts():
    assert check_strategy(Either, synthetic(500)) == []
