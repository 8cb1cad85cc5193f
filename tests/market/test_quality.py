"""What is found wrong, and what mending makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.errors import DataError, InputError
from bittrader.market.problems import Choices
from bittrader.market.quality import inspect, mend
from bittrader.market.sample import synthetic
from bittrader.market.table import Table, moment, table_of, typical_step
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOUR = Timeframe.parse("1h")
NOW = moment("2026-01-01")
CLEAN = table_of(synthetic(400, seed=7))
EVERYTHING = Choices("drop", "sort", "first", "drop", "drop", "drop", "fill")
REAL = {
    "binance_bnbusdt_1h_raw": {"gaps": 122},
    "binance_btcusdt_1h_clean": {},
    "binance_btcusdt_1h_overlapping_downloads": {"unordered": 1, "duplicates": 11_213, "gaps": 31},
    "binance_btcusdt_1h_raw": {"gaps": 128},
    "binance_btcusdt_5m_raw": {"gaps": 304},
    "binance_ethusdt_1h_raw": {"gaps": 128},
    "binance_solusdt_1h_raw": {"gaps": 20},
    "binance_xrpusdt_1h_raw": {"gaps": 88},
    "bitfinex_btcusd_1h_clean": {},
    "bitfinex_btcusd_1m_2013_raw": {"bad-ticks": 8, "gaps": 247_938},
    "bitfinex_btcusd_5m_clean": {},
    "bitfinex_ethusd_1h_clean": {},
    "kraken_btcusd_1h_clean": {},
    "kraken_btcusd_1h_raw": {"gaps": 10_856},
    "kraken_ethusd_1h_raw": {"gaps": 3_474},
    "yahoo_btcusd_15m_raw": {
        "duplicates": 21, "conflicting-duplicates": 11, "unfinished": 1, "off-grid": 2, "gaps": 243,
    },
}  # fmt: skip


def table_from(path: Path) -> Table:
    columns = {name: column.to_numpy() for name, column in zip(*_columns(path), strict=True)}
    columns["time"] = columns.pop("timestamp")
    return Table(**columns)


def _columns(path: Path) -> tuple[list[str], list[Any]]:
    table = pq.ParquetFile(path).read()
    return table.column_names, table.columns


def edited(**columns: dict[int, float]) -> Table:
    """The clean table with some values replaced, by row."""
    changed = {}
    for name, values in columns.items():
        changed[name] = getattr(CLEAN, name).copy()
        for row, value in values.items():
            changed[name][row] = value
    return replace(CLEAN, **changed)


def kinds(table: Table, timeframe: Timeframe = HOUR, now: int = NOW) -> dict[str, int]:
    return {problem.kind: problem.count for problem in inspect(table, timeframe, now=now) if not problem.note}


def same(one: Table, other: Table) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.columns().values(), other.columns().values(), strict=True))


@pytest.mark.parametrize("name", REAL)
def test_real_files_have_the_problems_that_they_are_known_for(name: str, real_data: Callable[[str], Path]) -> None:
    table = table_from(real_data(f"{name}.parquet"))
    timeframe = typical_step(table.time)
    assert timeframe is not None
    assert kinds(table, timeframe) == REAL[name]


@pytest.mark.parametrize("market", ["btcusdt", "ethusdt", "bnbusdt", "xrpusdt", "solusdt"])
def test_filling_the_raw_file_gives_the_clean_one(market: str, real_data: Callable[[str], Path]) -> None:
    raw, clean = (table_from(real_data(f"binance_{market}_1h_{kind}.parquet")) for kind in ("raw", "clean"))
    assert same(mend(raw, HOUR, Choices(gaps="fill"), now=NOW).table, clean)


def test_filling_krakens_raw_file_from_2016_gives_the_clean_one(real_data: Callable[[str], Path]) -> None:
    raw, clean = (table_from(real_data(f"kraken_btcusd_1h_{kind}.parquet")) for kind in ("raw", "clean"))
    assert same(mend(raw.between(moment("2016-01-01"), None), HOUR, Choices(gaps="fill"), now=NOW).table, clean)


def test_a_clean_table_has_no_problem_and_is_left_as_it_is() -> None:
    assert inspect(CLEAN, HOUR, now=NOW) == []
    mended = mend(CLEAN, HOUR, Choices(), now=NOW)
    assert mended.table is CLEAN
    assert mended.done == ()


@given(st.sets(st.integers(1, 398), max_size=60))
def test_every_missing_bar_is_counted_and_filled(missing: set[int]) -> None:
    holes = CLEAN.take(np.array([row for row in range(400) if row not in missing]))
    assert kinds(holes).get("gaps", 0) == len(missing)
    filled = mend(holes, HOUR, Choices(gaps="fill"), now=NOW).table
    assert np.array_equal(filled.time, CLEAN.time)
    for row in missing:
        assert filled.open[row] == filled.high[row] == filled.low[row] == filled.close[row] == filled.close[row - 1]
        assert filled.volume[row] == 0


@given(st.permutations(range(40)), st.lists(st.integers(0, 39), max_size=15))
def test_shuffled_and_repeated_rows_are_put_right(order: list[int], repeats: list[int]) -> None:
    part = CLEAN.take(slice(0, 40))
    messy = part.take(np.array(order + repeats))
    choices = Choices(unordered="sort", duplicates="drop")
    assert same(mend(messy, HOUR, choices, now=NOW).table, part)


WILD = st.dictionaries(st.integers(0, 399), st.sampled_from([np.nan, np.inf, 0.0, -1.0, 0.01, 1e9]), max_size=3)


@given(
    st.fixed_dictionaries({name: WILD for name in CLEAN.columns() if name != "time"}),
    st.sets(st.integers(0, 399), max_size=20),
    st.lists(st.integers(0, 379), max_size=10),
    st.integers(0, 2**32),
)
def test_whatever_is_mended_makes_candles(
    wild: dict[str, dict[int, float]], missing: set[int], repeats: list[int], seed: int
) -> None:
    rows = np.array([row for row in range(400) if row not in missing] + repeats)
    messy = edited(**wild).take(np.random.default_rng(seed).permutation(rows))
    candles = mend(messy, HOUR, EVERYTHING, now=NOW).table.candles("X", HOUR)
    assert (np.diff(candles.time) == HOUR.milliseconds).all()


def test_a_low_of_one_cent_is_a_bad_tick() -> None:
    assert kinds(edited(low={50: 0.01})) == {"bad-ticks": 1}


def test_a_high_of_ten_times_the_price_is_a_bad_tick() -> None:
    assert kinds(edited(high={399: 10 * CLEAN.high[399]})) == {"bad-ticks": 1}


def test_a_crash_by_half_that_stays_is_no_bad_tick() -> None:
    after = np.arange(400) >= 200
    halved = {
        name: np.where(after, getattr(CLEAN, name) / 10, getattr(CLEAN, name)) for name in ("high", "low", "close")
    }
    crash = replace(CLEAN, **halved, open=np.where(np.arange(400) > 200, CLEAN.open / 10, CLEAN.open))
    crash = replace(crash, high=np.maximum(crash.high, crash.open))
    assert kinds(crash) == {}


def test_a_crash_by_half_that_recovers_in_the_hour_is_no_bad_tick() -> None:
    assert kinds(edited(low={200: CLEAN.low[200] / 2})) == {}


def test_dropping_a_bad_tick_leaves_a_gap_that_is_asked_about_at_once() -> None:
    with pytest.raises(DataError, match=r"To mend: --bad-ticks drop \(or keep\), --gaps fill \(or keep\)"):
        mend(edited(low={50: 0.01}), HOUR, Choices(), now=NOW)


def test_impossible_rows_are_told_apart() -> None:
    bad = edited(low={3: -1.0}, close={5: np.nan}, high={9: CLEAN.low[9] / 2}, volume={20: -3.0})
    assert kinds(bad) == {"not-a-price": 2, "inconsistent": 1, "bad-volume": 1, "gaps": 4}


def test_conflicting_repeats_need_a_choice_between_them() -> None:
    rows = np.array([*range(10), 9])
    repeated = replace(CLEAN.take(rows), close=np.where(np.arange(11) == 10, CLEAN.low[9], CLEAN.close[rows]))
    assert kinds(repeated) == {"conflicting-duplicates": 1}
    with pytest.raises(DataError, match=r"--duplicates first \(or last\)"):
        mend(repeated, HOUR, Choices(duplicates="drop"), now=NOW)
    assert mend(repeated, HOUR, Choices(duplicates="first"), now=NOW).table.close[9] == CLEAN.close[9]
    assert mend(repeated, HOUR, Choices(duplicates="last"), now=NOW).table.close[9] == CLEAN.low[9]


def test_a_last_bar_off_the_grid_is_unfinished() -> None:
    late = edited(time={399: int(CLEAN.time[399]) + 5_000})
    assert kinds(late) == {"unfinished": 1}
    assert len(mend(late, HOUR, Choices(unfinished="drop"), now=NOW).table) == 399


def test_a_last_bar_that_has_not_ended_is_unfinished() -> None:
    assert kinds(CLEAN, now=int(CLEAN.time[-1]) + 10) == {"unfinished": 1}
    assert kinds(CLEAN, now=int(CLEAN.time[-1]) + HOUR.milliseconds) == {}


def test_bars_of_the_future_cannot_be_mended() -> None:
    early = int(CLEAN.time[100])
    assert kinds(CLEAN, now=early)["future"] == 299
    with pytest.raises(DataError, match="299 rows are in the future: is the time unit right"):
        mend(CLEAN, HOUR, EVERYTHING, now=early)


def test_another_timeframe_is_told() -> None:
    for claimed in ("5m", "2h", "1d"):
        with pytest.raises(DataError, match=f"the bars are 1h apart, not {claimed}: say --timeframe 1h"):
            mend(CLEAN, Timeframe.parse(claimed), EVERYTHING, now=NOW)


def test_a_stretch_of_another_timeframe_is_told() -> None:
    rows = np.array([*range(200), *range(200, 400, 4)])
    with pytest.raises(DataError, match="timeframes are mixed: the bars are 1h apart, but 4h apart from"):
        mend(CLEAN.take(rows), HOUR, EVERYTHING, now=NOW)


def test_hours_published_twice_under_other_times_are_noted() -> None:
    rows = np.array([*range(100), *range(95, 100), *range(105, 400)])
    copied = replace(CLEAN.take(rows), time=CLEAN.time)
    assert [problem.kind for problem in inspect(copied, HOUR, now=NOW) if problem.note] == ["copies"]


def test_idle_bars_are_a_note() -> None:
    (note,) = inspect(edited(volume={7: 0.0, 8: 0.0}), HOUR, now=NOW)
    assert (note.kind, note.count, note.note) == ("zero-volume", 2, True)


def test_each_deed_is_told_with_what_it_changed() -> None:
    holes = CLEAN.take(np.array([row for row in range(400) if row not in (5, 6, 20)]))
    (deed,) = mend(holes, HOUR, Choices(gaps="fill"), now=NOW).done
    assert deed.startswith("3 bars are missing in 2 gaps")
    assert deed.endswith("filled 3 flat bars with volume 0")


def test_an_unknown_choice_is_met_with_a_near_one() -> None:
    with pytest.raises(InputError, match=r"--gaps takes refuse, fill, keep, not 'fil'. Did you mean 'fill'"):
        Choices(gaps="fil")  # type: ignore[arg-type]


def test_filling_more_than_twenty_bars_for_each_is_refused() -> None:
    sparse = CLEAN.take(np.array([0, 1, 2, 399]))
    with pytest.raises(DataError, match="would have to be made"):
        mend(sparse, HOUR, Choices(gaps="fill"), now=NOW)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="no bars"):
        inspect(CLEAN.take(slice(0, 0)), HOUR, now=NOW)
