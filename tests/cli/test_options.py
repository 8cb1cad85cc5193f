import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.backtest.costs import Costs, Sizing
from bittrader.cli import run
from bittrader.cli.options import costs_and_sizing, parse_settings
from bittrader.errors import DataError, InputError

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


@pytest.mark.parametrize(
    ("words", "elsewhere"),
    [
        ("backtest sma-cross FILE", "--duplicates"),
        ("optimize sma-cross FILE", "--duplicates"),
        ("data resample FILE 4h", "--duplicates, --gaps"),
        ("strategies check sma-cross --candles FILE", "--duplicates, --gaps"),
    ],
)
def test_advice_that_a_command_cannot_take_names_the_one_that_can(words, elsewhere, holes):
    with pytest.raises(DataError) as caught:
        run([str(holes) if word == "FILE" else word for word in words.split()])
    assert "--duplicates drop (or first, last), --gaps fill (or keep)." in str(caught.value)
    assert str(caught.value).endswith(f" `bittrader data import` takes {elsewhere}: go on with what it stores.")


@pytest.mark.parametrize("words", ["backtest sma-cross FILE", "data import FILE --duplicates drop"])
def test_advice_that_a_command_can_take_stands_alone(words, holes):
    if words.startswith("backtest"):
        lines = holes.read_text().splitlines()
        holes.write_text("\n".join(dict.fromkeys(lines)))
    with pytest.raises(DataError, match=r"To mend: --gaps fill \(or keep\)\.$"):
        run([str(holes) if word == "FILE" else word for word in words.split()])


@pytest.fixture
def holes(tmp_path):
    """A file of hourly candles of which one comes twice and some are missing."""
    hours = (0, 1, 1, 5, 6, 7)
    rows = [f"2024-01-01 0{hour}:00,{100 + hour},{103 + hour},{99 + hour},{101 + hour},5" for hour in hours]
    path = tmp_path / "holes.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return path
