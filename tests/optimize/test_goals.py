from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError
from bittrader.optimize.goals import (
    UNDEFINED_SHORTFALL,
    Condition,
    Objective,
    conditions_of,
    objectives_of,
    require_known,
    violations,
)

RELATIONS = {
    "<": lambda x, bound: x < bound,
    "<=": lambda x, bound: x <= bound,
    ">": lambda x, bound: x > bound,
    ">=": lambda x, bound: x >= bound,
}
numbers = st.floats(-1e9, 1e9)


@given(relation=st.sampled_from(list(RELATIONS)), bound=numbers, x=numbers)
def test_the_shortfall_is_zero_exactly_where_the_condition_is_kept(relation, bound, x):
    (off,) = Condition("m", relation, bound).shortfalls(np.array([x]))
    assert (off == 0) == RELATIONS[relation](x, bound)
    assert 0 <= off <= UNDEFINED_SHORTFALL


@given(relation=st.sampled_from(list(RELATIONS)), bound=numbers, x=numbers, further=st.floats(0, 1e9))
def test_what_is_further_off_is_no_less_short(relation, bound, x, further):
    other = x + further if "<" in relation else x - further
    near, far = Condition("m", relation, bound).shortfalls(np.array([x, other]))
    assert far >= near


def test_the_shortfall_is_relative_to_the_bound():
    assert Condition("trades", ">=", 100).shortfalls(np.array([100, 90, 0, -50])).tolist() == [0, 0.1, 1, 1.5]
    assert Condition("total_return", ">=", 0).shortfalls(np.array([0.5, -0.25])).tolist() == [0, 0.25]


def test_an_undefined_metric_is_further_off_than_any_other_and_still_a_number():
    off = Condition("win_rate", ">", 1e-9).shortfalls(np.array([np.nan, -1e12]))
    assert off.tolist() == [UNDEFINED_SHORTFALL, UNDEFINED_SHORTFALL]
    assert math.isfinite(UNDEFINED_SHORTFALL)


def test_violations_add_the_shortfalls_of_all_conditions():
    where = conditions_of(["trades >= 100", "max_drawdown<20%"])
    metrics = np.array([[0.3, 50.0], [0.1, 100.0], [np.nan, 200.0]])
    assert violations(where, ["max_drawdown", "trades"], metrics).tolist() == pytest.approx(
        [1.0, 0, UNDEFINED_SHORTFALL]
    )
    assert violations((), ["max_drawdown", "trades"], metrics).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("trades >= 100", ("trades", ">=", 100.0)),
        ("max_drawdown < 20 %", ("max_drawdown", "<", 0.2)),
        (" max_drawdown<=20% ", ("max_drawdown", "<=", 0.2)),
        ("loss > -1.5e-3", ("loss", ">", -0.0015)),
        ("my metric < 0", ("my metric", "<", 0.0)),
    ],
)
def test_a_condition_is_read_as_written(text, parsed):
    condition = Condition.parse(text)
    assert (condition.metric, condition.relation, condition.value) == parsed
    assert Condition.parse(str(condition)) == condition


@pytest.mark.parametrize(
    "text", ["", "trades", "trades = 5", "trades >= many", ">= 5", "a < b < 3", "a >= nan", "a < inf"]
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(InputError, match="does not read as one"):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("sharpe", ("sharpe", "maximize")),
        ("max_drawdown", ("max_drawdown", "minimize")),
        ("max_drawdown:max", ("max_drawdown", "maximize")),
        ("loss : min", ("loss", "minimize")),
    ],
)
def test_an_objective_is_read_as_written(text, parsed):
    objective = Objective.parse(text)
    assert (objective.metric, objective.direction) == parsed
    assert Objective.parse(str(objective)) == objective


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("sharpe:high", "metric:max or metric:min"),
        (":max", "does not read as one"),
        (["sharpe", "sharpe:min"], "sharpe is given twice"),
        ([], "there is no objective"),
    ],
)
def test_what_are_no_objectives_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        objectives_of(given)


def test_a_mistyped_metric_is_met_with_the_one_meant():
    with pytest.raises(InputError, match="Did you mean 'sharpe'"):
        require_known(["sharp"], ["sharpe", "calmar"])


@given(st.lists(numbers | st.just(math.nan)), st.sampled_from(["maximize", "minimize"]))
def test_a_smaller_loss_is_a_better_value_and_failed_ones_are_worst(values, direction):
    losses = Objective("m", direction).losses(np.array(values, dtype=float))
    assert not np.isnan(losses).any()
    assert [math.isinf(loss) for loss in losses] == [math.isnan(value) for value in values]
    sign = -1 if direction == "maximize" else 1
    assert all(loss == sign * value for loss, value in zip(losses, values, strict=True) if not math.isnan(value))


def test_a_metric_in_other_letters_is_met_with_its_own():
    with pytest.raises(InputError, match="Did you mean 'trades'"):
        require_known(["TRADES"], ["sharpe", "trades"])


def test_a_metric_like_no_other_is_met_with_the_list():
    with pytest.raises(InputError, match="There are sharpe, trades"):
        require_known(["nope"], ["sharpe", "trades"])
