"""Lengths of bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError
from bittrader.market.timeframe import Timeframe


@given(st.integers(1, 999), st.sampled_from("smhdw"))
def test_a_timeframe_is_written_so_that_it_can_be_read(number: int, unit: str) -> None:
    timeframe = Timeframe.parse(f"{number}{unit}")
    assert Timeframe.parse(str(timeframe)) == timeframe


@pytest.mark.parametrize("text", ["", "h", "0h", "1x", "1.5h", "1 h", "-1h", "1M", "1hh", "9999999h"])
def test_what_is_no_timeframe_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a timeframe"):
        Timeframe.parse(text)


def test_a_year_has_8760_hours() -> None:
    assert Timeframe.parse("1h").bars_per_year == 8760
    assert Timeframe.parse("4h").days == pytest.approx(1 / 6)
