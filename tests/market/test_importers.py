"""Files of all usual forms, and those that leave a doubt."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from bittrader.errors import DataError, InputError
from bittrader.market.importers import Reading, read, scan
from bittrader.market.importers.names import symbol_in, symbol_of, timeframe_in
from bittrader.market.importers.times import milliseconds
from bittrader.market.problems import Choices
from bittrader.market.sample import synthetic
from bittrader.market.store import read_candles
from bittrader.market.table import moment, utc
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bittrader.market.candles import Candles

NOW = moment("2026-01-01")
CANDLES = synthetic(800, seed=5)
ROWS = list(zip(*(column.tolist() for column in CANDLES.columns().values()), strict=True))
NAMES = ["time", "open", "high", "low", "close", "volume"]


def text(rows: list[Any], header: str | None = "time,open,high,low,close,volume", separator: str = ",") -> str:
    lines = [separator.join(map(str, row)) for row in rows]
    return "\n".join([header, *lines] if header else lines) + "\n"


def saved(folder: Path, content: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def imported(path: Path, choices: Choices | None = None, **reading: Any) -> Candles:
    return read([path], Reading(**reading), choices or Choices(), now=NOW).candles


def same(candles: Candles, other: Candles = CANDLES) -> bool:
    return candles.fingerprint == other.fingerprint


# Spellings of one series.


@pytest.mark.parametrize(("unit", "scale"), [("s", 1e-3), ("ms", 1), ("us", 1_000), ("ns", 1_000_000)])
def test_the_unit_of_times_is_told_by_their_size(tmp_path: Path, unit: str, scale: float) -> None:
    rows = [[int(row[0] * scale), *row[1:]] for row in ROWS]
    assert same(imported(saved(tmp_path, text(rows))))
    assert same(imported(saved(tmp_path, text(rows)), time_unit=unit))


def test_units_may_change_within_a_file(tmp_path: Path) -> None:
    rows = [[row[0] * (1_000 if number > 400 else 1), *row[1:]] for number, row in enumerate(ROWS)]
    scanned = scan([saved(tmp_path, text(rows))], Reading())
    assert np.array_equal(scanned.table.time, CANDLES.time)
    assert "the times are partly in ms and partly in us" in scanned.notes


SPELLINGS = {
    "iso": "{0:%Y-%m-%d %H:%M:%S}",
    "iso with T and Z": "{0:%Y-%m-%dT%H:%M:%SZ}",
    "offset": "{0:%Y-%m-%d %H:%M:%S}+00:00",
    "milliseconds": "{0:%Y-%m-%d %H:%M:%S}.000",
    "half days": "{0:%Y-%m-%d %I-%p}",
    "day first": "{0:%d.%m.%Y %H:%M}",
    "month first": "{0:%m/%d/%Y %I:%M %p}",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_dates_are_read_as_they_are_written(tmp_path: Path, spelling: str) -> None:
    moments = [np.datetime64(row[0], "ms").item() for row in ROWS]
    rows = [[spelling.format(when), *row[1:]] for when, row in zip(moments, ROWS, strict=True)]
    assert same(imported(saved(tmp_path, text(rows))))


@given(st.lists(st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)), min_size=1, max_size=5))  # noqa: DTZ001 - as hypothesis wants it
def test_any_iso_date_is_read_to_the_millisecond(moments: list[datetime]) -> None:
    texts = pa.chunked_array([[when.isoformat(sep=" ", timespec="milliseconds") for when in moments]])
    expected = [int(np.datetime64(when, "ms").astype(np.int64)) for when in moments]
    assert milliseconds(texts, None, None)[0].tolist() == expected


def test_dates_of_one_file_may_carry_several_offsets() -> None:
    texts = pa.chunked_array([["2021-10-31 01:45:00+01:00", "2021-10-31 01:00:00+00:00", "2021-10-30T20:15:00-05:00"]])
    assert [utc(time) for time in milliseconds(texts, None, None)[0]] == [
        "2021-10-31 00:45",
        "2021-10-31 01:00",
        "2021-10-31 01:15",
    ]


def test_midnight_and_noon_of_half_days() -> None:
    texts = pa.chunked_array([["2020-01-01 12-AM", "2020-01-01 01-AM", "2020-01-01 12-PM", "2020-01-01 11-PM"]])
    assert [utc(time)[-5:] for time in milliseconds(texts, None, None)[0]] == ["00:00", "01:00", "12:00", "23:00"]


def test_dates_that_may_be_read_in_two_ways_are_asked_about(tmp_path: Path) -> None:
    rows = [[f"03/04/2020 {hour:02}:00", *ROWS[hour][1:]] for hour in range(24)]
    path = saved(tmp_path, text(rows))
    with pytest.raises(DataError, match=r"may have the day or the month first. Say --dates day-first\|month-first"):
        imported(path)
    assert utc(imported(path, dates="day-first").time[0]) == "2020-04-03 00:00"
    assert utc(imported(path, dates="month-first").time[0]) == "2020-03-04 00:00"


def test_an_order_of_dates_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, text([[f"{day:02}/03/2020", *ROWS[day][1:]] for day in range(1, 32)]))
    assert utc(imported(path, dates="day-first").time[-1]) == "2020-03-31 00:00"
    with pytest.raises(DataError, match="its dates cannot be month-first"):
        imported(path, dates="month-first")


@pytest.mark.parametrize(
    ("first", "complaint"),
    [
        ("yesterday", "'yesterday' \\(row 1\\) is no date that can be read"),
        ("2020-02-30 00:00", "is no date"),
        ("2020-13-01 00:00", "is no date"),
        ("2020-01-01 25:00", "is no date"),
        ("2020-01-01 13-PM", "is no date"),
        ("01/02/20 00:00", "has no year of four digits"),
        ("2020-01-01 00:00Z", "some of its dates carry an offset"),
        ("", "row 1 has no time|is no date"),
    ],
)
def test_what_is_no_date_is_told(tmp_path: Path, first: str, complaint: str) -> None:
    rows = [[first, *ROWS[0][1:]], *(["2020-01-01 01:00", *row[1:]] for row in ROWS[1:3])]
    with pytest.raises(DataError, match=complaint):
        imported(saved(tmp_path, text(rows)))


def test_numbers_that_are_no_time_ask_for_the_unit(tmp_path: Path) -> None:
    rows = [[43_831 + number, *row[1:]] for number, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"Say --time-unit s\|ms\|us\|ns"):
        imported(saved(tmp_path, text(rows)))


# Forms of text.


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    content = text(ROWS, separator.join(NAMES), separator)
    assert same(imported(saved(tmp_path, content)))


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    rows = [[row[0], *(str(value).replace(".", ",") for value in row[1:])] for row in ROWS]
    assert same(imported(saved(tmp_path, text(rows, ";".join(NAMES), ";"))))


def test_banner_lines_and_quotes_and_odd_columns_are_passed_over(tmp_path: Path) -> None:
    rows = [[row[0], "BTC/USDT", *(f'"{value}"' for value in row[1:]), 17] for row in ROWS]
    content = "Thanks, for coming\nhttps://example.org\n" + text(
        rows, '"Unix","Symbol",Open,High,Low,Close,Volume,tradecount'
    )
    candles = imported(saved(tmp_path, content))
    assert same(candles)
    assert candles.symbol == "BTC/USDT"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_windows_programs_do_no_harm(tmp_path: Path, encoding: str) -> None:
    assert same(imported(saved(tmp_path, text(ROWS).encode(encoding))))


def test_dates_and_hours_may_stand_in_two_columns(tmp_path: Path) -> None:
    rows = [[*str(np.datetime64(row[0], "ms").astype("datetime64[m]")).split("T"), *row[1:]] for row in ROWS]
    assert same(imported(saved(tmp_path, text(rows, "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"))))


def test_newest_first_is_turned_round(tmp_path: Path) -> None:
    assert same(imported(saved(tmp_path, text(ROWS[::-1]))))


def test_two_clocks_that_differ_are_told(tmp_path: Path) -> None:
    rows = [[row[0], str(np.datetime64(row[0] + 3_600_000, "ms")), *row[1:]] for row in ROWS]
    path = saved(tmp_path, text(rows, "unix,date,open,high,low,close,volume"))
    with pytest.raises(DataError, match=r"by column 'unix', and of .* by 'date'"):
        imported(path)
    assert same(imported(path, columns="time,-,open,high,low,close,volume"))


def test_a_value_that_is_no_number_is_told(tmp_path: Path) -> None:
    rows = [list(row) for row in ROWS]
    rows[700][2] = "n/a?"
    with pytest.raises(DataError, match=r"'n/a\?' in column 'high' \(row 701\) is no number"):
        imported(saved(tmp_path, text(rows)))


def test_an_empty_price_is_an_invalid_row(tmp_path: Path) -> None:
    rows = [list(row) for row in ROWS]
    rows[5][4] = ""
    path = saved(tmp_path, text(rows))
    with pytest.raises(DataError, match=r"lacking four positive prices.*--invalid drop"):
        imported(path)
    assert len(imported(path, Choices(invalid="drop", gaps="keep"))) == 799


# Columns without names.


ORDERS = [
    "open,high,low,close",
    "open,close,high,low",
    "low,high,open,close",
    "close,high,low,open",
    "high,low,open,close",
]


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_prices_is_told_by_the_prices(tmp_path: Path, order: str) -> None:
    places = [NAMES.index(name) for name in order.split(",")]
    rows = [[row[0], *(row[place] for place in places), row[5]] for row in ROWS]
    scanned = scan([saved(tmp_path, text(rows, None))], Reading())
    assert np.array_equal(scanned.table.open, CANDLES.open)
    assert np.array_equal(scanned.table.low, CANDLES.low)
    assert any(f"read as time,{order},volume" in note for note in scanned.notes)


def test_prices_that_fit_no_order_are_asked_about(tmp_path: Path) -> None:
    rows = [[row[0], row[5], *row[1:5]] for row in ROWS]
    path = saved(tmp_path, text(rows, None))
    with pytest.raises(
        DataError, match=r"not open, high, low and close in any order. Say what each column is: --columns"
    ):
        imported(path)
    assert same(imported(path, columns="time,volume,open,high,low,close"))


def test_open_and_close_that_cannot_be_told_apart_are_asked_about(tmp_path: Path) -> None:
    rows = [[row[0], row[4], row[2], row[3], row[1], row[5]] for row in ROWS[:10]]
    with pytest.raises(DataError, match=r"which is the open and which the close"):
        imported(saved(tmp_path, text(rows, None)))


def test_names_that_are_not_understood_are_listed(tmp_path: Path) -> None:
    path = saved(tmp_path, text(ROWS, "zeit,start,hoch,tief,ende,menge"))
    with pytest.raises(DataError, match=r"no column is called time or open .* they are zeit, start"):
        imported(path)
    assert same(imported(path, columns="time,open,high,low,close,volume"))


@pytest.mark.parametrize("columns", ["time,open", "time,open,high,low,clsoe", "time,open,high,low,close,volume,-,-"])
def test_columns_that_make_no_sense_are_refused(tmp_path: Path, columns: str) -> None:
    with pytest.raises(InputError, match="--columns"):
        imported(saved(tmp_path, text(ROWS)), columns=columns)


def test_a_file_without_volume_has_volume_0_and_says_so(tmp_path: Path) -> None:
    scanned = scan([saved(tmp_path, text([row[:5] for row in ROWS], "t,o,h,l,c"))], Reading())
    assert not scanned.table.volume.any()
    assert "there is no column of volume: it is 0" in scanned.notes


def test_the_base_volume_is_told_by_the_price(tmp_path: Path) -> None:
    value = [row[5] * row[4] for row in ROWS]
    rows = [
        [*row[:5], *((row[5], quote) if number < 300 else (quote, row[5]))]
        for number, (row, quote) in enumerate(zip(ROWS, value, strict=True))
    ]
    scanned = scan(
        [saved(tmp_path, text(rows, "date,open,high,low,close,Volume BTC,Volume USD"), "btcusd.csv")],
        Reading(symbol="BTC/USD"),
    )
    assert np.array_equal(scanned.table.volume, CANDLES.volume)
    assert any(note.startswith("but they are swapped in 500 rows") for note in scanned.notes)


def test_names_tell_the_base_volume_where_the_price_is_about_1(tmp_path: Path) -> None:
    prices = np.round(1 + 0.001 * np.sin(np.arange(800)), 4)
    rows = [[row[0], p, p, p, p, row[5], row[5] * p * 1.0001] for row, p in zip(ROWS, prices.tolist(), strict=True)]
    header = "open_time,open,high,low,close,volume,quote_asset_volume"
    assert np.array_equal(imported(saved(tmp_path, text(rows, header))).volume, CANDLES.volume)
    with pytest.raises(DataError, match="may both be the volume"):
        imported(saved(tmp_path, text(rows, "time,open,high,low,close,volume_a,volume_b")))


def test_binances_rows_are_read_with_and_without_their_header(tmp_path: Path) -> None:
    more = [[row[0] * 1000 + 3_599_999_999, row[5] * row[4], 12, row[5] / 3, row[5] * row[4] / 3, 0] for row in ROWS]
    rows = [[row[0] * 1000, *row[1:], *rest] for row, rest in zip(ROWS, more, strict=True)]
    header = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        "taker_buy_volume,taker_buy_quote_volume,ignore"
    )
    assert same(imported(saved(tmp_path, text(rows, header))))
    assert same(imported(saved(tmp_path, text(rows, None))))
    assert same(imported(saved(tmp_path, json.dumps([[row[0], *map(str, row[1:])] for row in rows]), "klines.json")))


def test_the_nameless_index_of_pandas_is_the_time(tmp_path: Path) -> None:
    rows = [[np.datetime64(row[0], "ms"), *row[1:]] for row in ROWS]
    assert same(imported(saved(tmp_path, text(rows, ",Open,High,Low,Close,Volume"))))
    numbered = [[number, *row] for number, row in enumerate(ROWS)]
    assert same(imported(saved(tmp_path, text(numbered, ",date,Open,High,Low,Close,Volume"))))


def test_volumes_whose_ratio_is_not_the_price_are_asked_about(tmp_path: Path) -> None:
    rows = [[*row, row[5] * 3] for row in ROWS]
    with pytest.raises(DataError, match="may both be the volume, and their ratio is not the price"):
        imported(saved(tmp_path, text(rows, "date,open,high,low,close,volume_a,volume_b")))


# Other formats.


def test_parquet_feather_and_json_are_read(tmp_path: Path) -> None:
    columns = dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    pq.write_table(table, tmp_path / "x.parquet")
    feather.write_feather(table, str(tmp_path / "x.feather"))
    objects = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    saved(tmp_path, json.dumps(ROWS), "lists.json")
    saved(tmp_path, json.dumps(objects), "objects.json")
    saved(tmp_path, json.dumps({"error": [], "result": {"XXBTZUSD": ROWS, "last": 7}}), "wrapped.json")
    saved(tmp_path, json.dumps([[row[0], *map(str, row[1:])] for row in ROWS]), "texts.json")
    saved(tmp_path, gzip.compress(text(ROWS).encode()), "x.csv.gz")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("BTCUSDT-1h.csv", text(ROWS, None))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 8
    for path in files:
        assert same(imported(path)), path.name


def test_naive_and_zoned_timestamps_of_arrow_are_utc(tmp_path: Path) -> None:
    times = pa.array(CANDLES.time.view("datetime64[ms]"))
    rest = {name: pa.array(column) for name, column in CANDLES.columns().items() if name != "time"}
    for zone in (None, "UTC", "Europe/Berlin"):
        pq.write_table(pa.table({"date": times.cast(pa.timestamp("ns", zone)), **rest}), tmp_path / "x.parquet")
        assert same(imported(tmp_path / "x.parquet"))


def test_several_files_and_folders_are_one_series(tmp_path: Path) -> None:
    for number in range(4):
        saved(tmp_path, json.dumps(ROWS[200 * number : 200 * (number + 1)]), f"{number}.json")
    saved(tmp_path, "[]", "4.json")
    assert same(imported(tmp_path))
    assert same(read(sorted(tmp_path.iterdir()), Reading(), Choices(), now=NOW).candles)


def test_one_symbol_of_several_can_be_taken(tmp_path: Path) -> None:
    rows = [[row[0], symbol, *row[1:]] for row in ROWS for symbol in ("BTCUSDT", "ETHUSDT")]
    path = saved(tmp_path, text(rows, "date,symbol,open,high,low,close,volume"))
    with pytest.raises(DataError, match=r"it holds 2 symbols. Say which: --symbol BTCUSDT\|ETHUSDT"):
        imported(path)
    assert same(imported(path, symbol="ETHUSDT"))


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        ("", "x.csv", "there are no bars"),
        ("[]", "x.json", "there are no bars"),
        ("hello\nworld\n", "x.csv", "is no table of candles"),
        ("{", "x.json", "cannot be read"),
        ("[[1,2],[3]]", "x.json", "rows differ in form"),
        ("junk", "x.parquet", "cannot be read"),
        ("junk", "x.feather", "cannot be read"),
        ("junk", "x.csv.gz", "cannot be read"),
        ("junk", "x.zip", "cannot be read"),
        ("junk", "x.docx", "has no ending that we know"),
    ],
)
def test_what_is_no_file_of_candles_is_told(tmp_path: Path, content: str, name: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        imported(saved(tmp_path, content, name))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        imported(tmp_path / "x.csv")


def test_one_bar_does_not_show_its_length(tmp_path: Path) -> None:
    path = saved(tmp_path, text(ROWS[:1]))
    with pytest.raises(DataError, match="Say it: --timeframe 1h"):
        imported(path)
    assert len(imported(path, timeframe=Timeframe.parse("1h"))) == 1


# Names.


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("binance_btcusdt_1h_raw", "BTC/USDT", "1h"),
        ("freqtrade_binance_BTC_USDT-1h", "BTC/USDT", "1h"),
        ("yahoo_BTC-USD-15-MIN", "BTC/USD", "15m"),
        ("kraken_XBTUSD_60", "XBT/USD", None),
        ("prices", None, None),
        ("btcusd_vs_ethusd_1h_5m", None, None),
        ("notebook", None, None),
    ],
)
def test_names_tell_only_what_is_certain(name: str, symbol: str | None, timeframe: str | None) -> None:
    assert symbol_in(name) == symbol
    assert timeframe_in(name) == (None if timeframe is None else Timeframe.parse(timeframe))


def test_symbols_are_spelled_with_a_slash() -> None:
    assert [symbol_of(text) for text in ("BTCUSDT", "btc-usd", "ETH/BTC", "BTC/USDT:USDT", "AAPL", "BRK-B")] == [
        "BTC/USDT",
        "BTC/USD",
        "ETH/BTC",
        "BTC/USDT:USDT",
        "AAPL",
        "BRK-B",
    ]


# The real files.


def original(real_data: Callable[[str], Path], name: str, choices: Choices | None = None, **reading: Any) -> Candles:
    return imported(real_data(f"original_formats/{name}"), choices, **reading)


def overlap(one: Candles, other: Candles) -> tuple[list[Any], list[Any]]:
    """The bars that both have, as columns."""
    left, right = np.isin(one.time, other.time), np.isin(other.time, one.time)
    return [c[left] for c in one.columns().values()], [c[right] for c in other.columns().values()]


def agree(one: Candles, other: Candles, bars: int) -> bool:
    left, right = overlap(one, other)
    assert len(left[0]) == bars
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_freqtrades_feather_is_the_parquet_files_first_part(real_data: Callable[[str], Path]) -> None:
    candles = original(real_data, "freqtrade_binance_BTC_USDT-1h.feather", Choices(gaps="keep"))
    known = read_candles(real_data("binance_btcusdt_1h_raw.parquet"), gaps="keep")
    assert (candles.symbol, str(candles.timeframe)) == ("BTC/USDT", "1h")
    assert agree(candles, known, len(candles))


def test_freqtrades_json_is_the_parquet_files_first_part(real_data: Callable[[str], Path]) -> None:
    candles = original(real_data, "freqtrade_binance_ETH_USDT-1h_first5000.json", Choices(gaps="keep"))
    assert agree(candles, read_candles(real_data("binance_ethusdt_1h_raw.parquet"), gaps="keep"), 5_000)


def test_krakens_csv_is_the_parquet_files_first_part(real_data: Callable[[str], Path]) -> None:
    candles = original(real_data, "kraken_XBTUSD_60_first5000.csv", Choices(gaps="keep"))
    assert agree(candles, read_candles(real_data("kraken_btcusd_1h_raw.parquet"), gaps="keep"), 5_000)


def test_bitfinexs_pages_are_the_parquet_files_days_of_the_outage(real_data: Callable[[str], Path]) -> None:
    candles = original(real_data, "bitfinex_1m_api_json", Choices(gaps="keep"), symbol="BTC/USD")
    known = read_candles(real_data("bitfinex_btcusd_1m_2016_2019_raw.parquet"), gaps="keep")
    assert np.diff(candles.time).max() == 11_391 * 60_000
    assert agree(candles, known, len(candles))


def test_yahoos_mixed_offsets_are_the_parquet_files_times(real_data: Callable[[str], Path]) -> None:
    choices = {"duplicates": "first", "unfinished": "drop", "off_grid": "drop", "gaps": "keep"}
    candles = original(real_data, "yahoo_BTC-USD-15-MIN.csv.gz", Choices(unordered="sort", **choices))
    assert agree(candles, read_candles(real_data("yahoo_btcusd_15m_raw.parquet"), **choices), len(candles))


def test_coinbases_half_days_are_on_the_clock_of_the_other_exchanges(real_data: Callable[[str], Path]) -> None:
    candles = original(real_data, "cryptodatadownload_Coinbase_BTCUSD_1h.csv.gz", Choices(unordered="sort"))
    assert (utc(candles.time[0]), utc(candles.time[-1])) == ("2017-07-01 11:00", "2019-10-17 09:00")
    assert candles.volume[-1] == 61.25
    left, right = overlap(candles, read_candles(real_data("bitfinex_btcusd_1h_clean.parquet")))
    returns = [np.diff(np.log(columns[4])) for columns in (left, right)]
    assert np.corrcoef(*returns)[0, 1] > 0.9


def test_bitstamps_swapped_volumes_are_put_right(real_data: Callable[[str], Path]) -> None:
    path = real_data("original_formats/cryptodatadownload_Bitstamp_BTCUSD_1h.csv.gz")
    result = read([path], Reading(), Choices(), now=NOW)
    assert any(
        note.endswith("2018-05-15 06:00 to 2019-03-03 00:00, 2019-04-13 17:00 to 2020-10-12 08:00")
        for note in result.notes
    )
    volume, time = result.candles.volume, result.candles.time
    assert volume[0] == 559.93
    assert volume[time == moment("2022-08-20")] == 244.35412623
    assert volume.max() < 50_000


@pytest.mark.parametrize("kind", [pa.duration("ms"), pa.time32("ms")])
def test_lengths_and_hours_are_no_moments(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({name: pa.array([1, 2, 3], kind if name == "time" else pa.int32()) for name in NAMES})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="which is no time"):
        scan([tmp_path / "x.parquet"], Reading())


def test_a_column_of_symbols_that_holds_none_is_told(tmp_path: Path) -> None:
    table = pa.table({**{name: [1, 2, 3] for name in NAMES}, "symbol": [["X"]] * 3})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="which is no symbol"):
        scan([tmp_path / "x.parquet"], Reading())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(DataError, match="is a pipe or a device"):
        scan([tmp_path / "x.csv"], Reading())
