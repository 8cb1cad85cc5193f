import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.backtest.metrics import METRICS
from bittrader.report import words


def test_every_metric_has_words():
    assert tuple(words.WORDS) == METRICS


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("total_return", 0.1234, "12.34%"),
        ("total_return", 12.345, "1,234%"),
        ("total_return", -0.00001, "0.00%"),
        ("sharpe", 1.868, "1.87"),
        ("sharpe", None, "–"),  # noqa: RUF001 - the sign for no value
        ("sharpe", float("nan"), "–"),  # noqa: RUF001 - the sign for no value
        ("trades", 1234, "1,234"),
        ("average_trade_days", 0.02, "29 minutes"),
        ("average_trade_days", 0.5, "12.0 hours"),
        ("average_trade_days", 14.5, "14.5 days"),
        ("profit", 0.5, "0.5"),
    ],
)
def test_a_metric_is_written_with_its_unit(name, value, text):
    assert words.metric(name, value) == text


def test_dates_for_machines_are_iso_in_utc():
    assert words.iso(1_716_159_600_000) == "2024-05-19T23:00:00Z"


def test_parameters_are_short():
    assert [words.parameter(value) for value in (20, 0.1 + 0.2, "both", True)] == ["20", "0.3", "both", "True"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.534, "0.53 s"), (57.2, "57 s"), (738, "12.3 minutes"), (7_560, "2.1 hours")]
)
def test_a_duration_has_the_unit_that_suits_it(seconds, text):
    assert words.duration(seconds) == text


def test_a_name_within_a_sentence_is_small_unless_it_is_a_persons():
    assert [words.within(name) for name in ("max_drawdown", "sharpe", "profit_a_day")] == [
        "largest drawdown",
        "Sharpe ratio",
        "profit a day",
    ]


@given(st.floats(0, 1))
def test_a_share_is_never_said_to_be_certain_when_it_is_not(fraction):
    assert (words.share(fraction) in {"0%", "100%"}) == (fraction in {0.0, 1.0})


def test_a_share_has_the_digits_that_matter():
    assert [words.share(x) for x in (0.0004, 0.042, 0.374, 0.996, 0.99999)] == [
        "under 0.1%",
        "4.2%",
        "37%",
        "99.6%",
        "over 99.9%",
    ]
