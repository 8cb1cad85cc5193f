"""Candles: what they accept, and what tells one series from another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bittrader.errors import DataError
from bittrader.market.candles import Candles
from bittrader.market.sample import synthetic
from bittrader.market.timeframe import Timeframe

GOOD = synthetic(50)
HOUR = Timeframe.parse("1h")


def candles(row: int | None = None, **values: Any) -> Candles:
    """The good series with some values of one row replaced."""
    columns = {name: column.copy() for name, column in GOOD.columns().items()}
    for name, value in values.items():
        columns[name][row] = value
    return Candles("X", HOUR, **columns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"time": GOOD.time[19]}, "rising order"),
        ({"time": GOOD.time[20] + 1}, "do not fit the 1h grid"),
        ({"open": np.nan}, "positive numbers"),
        ({"high": np.nan}, "positive numbers"),
        ({"close": np.inf}, "positive numbers"),
        ({"low": 0.0}, "positive numbers"),
        ({"low": -1.0}, "positive numbers"),
        ({"high": GOOD.low[20] / 2}, "a high is below"),
        ({"low": GOOD.high[20]}, "a low is above"),
        ({"close": GOOD.high[20] * 2}, "a high is below"),
        ({"volume": -1.0}, "volumes must not be negative"),
        ({"volume": np.nan}, "volumes must not be negative"),
    ],
)
def test_what_forms_no_series_is_refused(values: dict[str, float], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        candles(20, **values)


def test_no_bars_and_uneven_columns_are_refused() -> None:
    with pytest.raises(DataError, match="there are no bars"):
        GOOD.head(0)
    with pytest.raises(DataError, match="differ in length"):
        Candles("X", HOUR, **{**GOOD.columns(), "volume": GOOD.volume[1:]})  # type: ignore[arg-type]


def test_gaps_of_whole_bars_are_candles() -> None:
    kept = np.array([0, 1, 5, 6, 40])
    assert len(Candles("X", HOUR, **{name: column[kept] for name, column in GOOD.columns().items()})) == 5  # type: ignore[arg-type]


def test_columns_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        GOOD.close[0] = 1.0


def test_any_change_of_a_bar_or_the_timeframe_changes_the_fingerprint() -> None:
    prints = {candles().fingerprint, candles(3, volume=1.5).fingerprint, candles(3, close=candles().low[3]).fingerprint}
    prints.add(Candles("X", Timeframe.parse("30m"), **GOOD.columns()).fingerprint)  # type: ignore[arg-type]
    assert len(prints) == 4
    assert candles().fingerprint == GOOD.fingerprint


def test_windows_are_parts() -> None:
    assert np.array_equal(GOOD.window(10, 20).close, GOOD.close[10:20])
    assert GOOD.head(7).synthetic


def test_candles_are_shown_in_one_line() -> None:
    assert repr(GOOD).startswith("<Candles SYNTHETIC-BTC 1h: 50 synthetic bars, ")
