"""Longer bars from shorter ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import InputError
from bittrader.market.candles import Candles
from bittrader.market.resample import resample
from bittrader.market.sample import synthetic
from bittrader.market.store import read_candles
from bittrader.market.table import table_of, utc
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOURS = synthetic(600, seed=3)


def naive(candles: Candles, bar: int, anchor: int = 0) -> dict[int, tuple[float, ...]]:
    """The same by the definition, a row at a time."""
    found: dict[int, list[int]] = {}
    for row, time in enumerate(candles.time):
        found.setdefault((int(time) - anchor) // bar * bar + anchor, []).append(row)
    end = int(candles.time[-1]) + candles.timeframe.milliseconds
    return {
        start: (
            candles.open[rows[0]],
            max(candles.high[rows]),
            min(candles.low[rows]),
            candles.close[rows[-1]],
            sum(candles.volume[rows]),
        )
        for start, rows in found.items()
        if start >= candles.time[0] and start + bar <= end
    }


@given(
    st.integers(0, 30),
    st.integers(400, 600),
    st.sets(st.integers(31, 399), max_size=80),
    st.sampled_from(["2h", "3h", "4h", "12h", "1d"]),
)
def test_each_bar_is_made_of_what_lies_in_it(start: int, stop: int, missing: set[int], timeframe: str) -> None:
    rows = np.array([row for row in range(start, stop) if row not in missing])
    candles = table_of(HOURS).take(rows).candles("X", HOURS.timeframe)
    made = resample(candles, Timeframe.parse(timeframe))
    expected = naive(candles, made.timeframe.milliseconds)
    assert list(made.time) == list(expected)
    for row, values in enumerate(expected.values()):
        assert (made.open[row], made.high[row], made.low[row], made.close[row]) == values[:4]
        assert made.volume[row] == pytest.approx(values[4], rel=1e-12)


def test_cutting_the_future_off_changes_no_bar() -> None:
    whole, part = resample(HOURS, Timeframe.parse("4h")), resample(HOURS.head(333), Timeframe.parse("4h"))
    assert part.fingerprint == whole.head(len(part)).fingerprint


def test_five_minutes_make_the_hours_of_the_same_exchange(real_data: Callable[[str], Path]) -> None:
    minutes = read_candles(real_data("binance_btcusdt_5m_raw.parquet"), gaps="keep")
    hours = read_candles(real_data("binance_btcusdt_1h_raw.parquet"), gaps="keep")
    made = resample(minutes, hours.timeframe)
    starts, counts = np.unique(minutes.time // 3_600_000 * 3_600_000, return_counts=True)
    full = np.isin(made.time, starts[counts == 12])
    theirs = np.isin(hours.time, made.time[full])
    assert full.sum() == theirs.sum() == 12_094
    for name in ("time", "open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name)[full], getattr(hours, name)[theirs])
    volume, expected = made.volume[full], hours.volume[theirs]
    assert (np.abs(volume - expected) <= 3e-16 * expected).all()


def test_weeks_begin_on_monday() -> None:
    made = resample(HOURS, Timeframe.parse("1w"))
    assert utc(made.time[0])[:10] == "2023-12-11"
    fortnights = resample(resample(synthetic(24 * 70), Timeframe.parse("1w")), Timeframe.parse("2w"))
    assert {(time // 86_400_000 + 3) % 14 for time in fortnights.time} == {7}


def test_symbol_and_label_go_along() -> None:
    made = resample(HOURS, Timeframe.parse("4h"))
    assert (made.symbol, made.synthetic) == (HOURS.symbol, True)


@pytest.mark.parametrize(
    ("timeframe", "complaint"),
    [("90m", "not a multiple"), ("1h", "are 1h already"), ("5m", "not a multiple"), ("52w", "do not fill")],
)
def test_what_cannot_be_made_is_refused(timeframe: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        resample(HOURS, Timeframe.parse(timeframe))


def test_bars_off_the_grid_of_utc_are_refused() -> None:
    shifted = table_of(HOURS).columns() | {"time": HOURS.time + 60_000}
    with pytest.raises(InputError, match="do not start on the 1h grid"):
        resample(Candles("X", HOURS.timeframe, **shifted), Timeframe.parse("4h"))
