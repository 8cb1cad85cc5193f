import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.report.months import monthly_returns

DAY = 86_400_000


def days(first, count):
    start = np.datetime64(first, "ms").astype(np.int64)
    return start + np.arange(count, dtype=np.int64) * DAY


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=900), st.integers(0, 400))
def test_months_compound_to_years_and_years_to_the_total(returns, later):
    time = days("2019-11-20", len(returns)) + later * DAY
    equity = np.cumprod(1 + np.array(returns))
    years = monthly_returns(time, equity)
    for year in years:
        months = [1 + m for m in year.months if m is not None]
        assert np.prod(months) == pytest.approx(1 + year.total)
    assert np.prod([1 + year.total for year in years]) == pytest.approx(equity[-1])


def test_a_month_is_from_its_first_bar_to_its_last_in_utc():
    time = days("2024-01-30", 4)
    (year,) = monthly_returns(time, np.array([1.0, 1.1, 1.21, 1.21]))
    assert year.year == 2024
    assert year.months[:3] == (pytest.approx(0.1), pytest.approx(0.1), None)


def test_a_month_without_bars_is_empty_and_not_zero():
    time = np.concatenate([days("2024-01-30", 1), days("2024-03-01", 1)])
    (year,) = monthly_returns(time, np.array([1.0, 2.0]))
    assert year.months[1] is None
    assert year.months[2] == 1.0


def test_a_year_between_without_bars_is_shown_empty():
    time = np.concatenate([days("2020-05-01", 1), days("2022-05-01", 1)])
    assert [year.total for year in monthly_returns(time, np.array([1.0, 1.5]))] == [0.0, None, 0.5]


def test_after_the_equity_is_lost_no_return_is_made_up():
    (year,) = monthly_returns(days("2024-01-31", 31), np.append(0.5, np.zeros(30)))
    assert year.months[:3] == (-0.5, -1.0, None)
    assert year.total == -1.0
