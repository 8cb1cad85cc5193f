from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError, StrategyError
from bittrader.strategies.base import DISTANCES, FLAGS, Signals, Strategy, checked
from bittrader.strategies.parameters import Choice, Float, Int


class Example(Strategy):
    fast = Int(5, 100)
    slow = Int(50, 400)
    side = Choice("long", "both")
    constraints = (fast < slow,)


class Heir(Example):
    slow = Int(60, 80)
    width = Float(1, 3)


def test_a_class_names_itself():
    class RSIOf14Days(Strategy):
        pass

    class Named(Strategy):
        name = "my own"

    assert Example.name == "example"
    assert type("SmaCross", (Strategy,), {}).name == "sma-cross"
    assert RSIOf14Days.name == "rsiof14-days"
    assert Named.name == "my own"


def test_parameters_are_themselves_on_the_class_and_values_on_an_instance():
    assert isinstance(Example.fast, Int)
    assert Example(fast=7).fast == 7
    assert Example(fast=7).params == {"fast": 7, "slow": 225, "side": "long"}


def test_an_heir_has_its_parents_parameters_too():
    assert Heir.space.names == ("fast", "slow", "side", "width")
    assert Heir.slow.high == 80


@given(seed=st.integers(0, 2**31))
def test_a_strategy_from_a_row_is_the_strategy_of_its_parameters(seed):
    row = Example.space.sample(np.random.default_rng(seed), 1)[0]
    assert Example.from_row(row).params == Example(**Example.space.decode(row)).params


@pytest.mark.parametrize("params", [{"fats": 7}, {"fast": 3}, {"fast": 90, "slow": 60}, {"side": "lang"}])
def test_a_strategy_with_parameters_that_are_not_allowed_is_not_made(params):
    with pytest.raises(InputError):
        Example(**params)


@pytest.mark.parametrize("name", ["signals", "params", "space", "_hidden", "name"])
def test_a_parameter_must_not_hide_what_a_strategy_is(name):
    with pytest.raises(StrategyError, match="must not be called"):
        type("Bad", (Strategy,), {name: Int(1, 2)})


def test_a_constraint_on_a_parameter_that_was_taken_away_is_refused():
    with pytest.raises(StrategyError, match="lacks"):
        type("Bad", (Strategy,), {"constraints": (Example.fast < Example.slow,)})


def test_signals_of_the_right_kind_pass():
    flags, prices = np.zeros(3, np.bool_), np.ones(3)
    good = Signals(**dict.fromkeys(FLAGS, flags), **dict.fromkeys(DISTANCES, prices), max_bars=1)
    assert checked(good, 3) is good


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        (None, "must return Signals"),
        (Signals(enter_long=np.zeros(3)), "enter_long must be a bool array of 3 bars, not float64"),
        (Signals(exit_short=np.zeros(4, np.bool_)), "exit_short must be a bool"),
        (Signals(stop=np.zeros(3, np.float32)), "stop must be a float64 array"),
        (Signals(trail=2.0), "not float"),
        (Signals(enter_long=[True, False, True]), "not list"),
        (Signals(max_bars=0), "at least 1, not 0"),
        (Signals(max_bars=2.5), "whole number"),
    ],
)
def test_signals_of_another_kind_are_refused_in_one_line(signals, words):
    with pytest.raises(StrategyError, match=words):
        checked(signals, 3)
