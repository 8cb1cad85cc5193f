import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.backtest.costs import Costs, Sizing
from bittrader.cli import run
from bittrader.cli.options import costs_and_sizing, parse_settings
from bittrader.errors import InputError

names = st.text("az_", min_size=1, max_size=8)
values = st.text("az09.=-", min_size=1, max_size=8)


@given(st.dictionaries(names, values))
def test_settings_read_as_they_were_written(params):
    assert parse_settings([f"{name}={value}" for name, value in params.items()]) == params


@pytest.mark.parametrize("setting", ["fast", "fast=", "=20", ""])
def test_a_setting_that_does_not_read_so_is_refused(setting):
    with pytest.raises(InputError, match="Write --set name=value"):
        parse_settings([setting])


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InputError, match="fast twice"):
        parse_settings(["fast=1", "fast=2"])


def test_options_become_costs_and_sizing():
    options = {
        "fee": 0.002,
        "slippage_bps": 1.0,
        "funding_rate": 0.0001,
        "funding_hours": 4.0,
        "fraction": 0.5,
        "risk_per_trade": 0.01,
        "leverage": 2.0,
        "maintenance_margin": 0.01,
    }
    assert costs_and_sizing(**options) == (Costs(0.002, 1.0, 0.0001, 4.0), Sizing(0.5, 0.01, 2.0, 0.01))
    with pytest.raises(InputError, match="fee must be between"):
        costs_and_sizing(**{**options, "fee": -1.0})


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("backtest a b --fee 0,1", "--fee takes a number, not '0,1'. Write 0.1."),
        ("backtest a b --fee abc", "--fee takes a number, not 'abc'."),
        ("backtest a b --fee 1,2,3", "--fee takes a number, not '1,2,3'."),
        ("backtest a b --risk-per-trade 1%", "--risk-per-trade takes a number, not '1%'."),
        ("optimize a b --trials 1,000", "--trials takes a whole number, not '1,000'. Write 1000."),
        ("optimize a b --trials 1,000,000", "--trials takes a whole number, not '1,000,000'. Write 1000000."),
        ("optimize a b --trials 1.5", "--trials takes a whole number, not '1.5'."),
        ("optimize a b --trials 1e3", "--trials takes a whole number, not '1e3'."),
    ],
)
def test_what_is_no_number_is_met_with_one(words, complaint):
    with pytest.raises(InputError) as caught:
        run(words.split())
    assert str(caught.value).startswith(f"{complaint} See `bittrader ")


def test_a_value_that_is_no_choice_is_met_with_the_choices():
    with pytest.raises(InputError) as caught:
        run(["optimize", "a", "b", "--aggregate", "max"])
    choices = "invalid value for '--aggregate': 'max' is not one of 'mean', 'median', 'worst'."
    assert str(caught.value) == f"{choices} See `bittrader optimize --help`."
