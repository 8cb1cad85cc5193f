"""Stored candles: names, files, and what happens when the disk is full."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from bittrader import paths, read_candles
from bittrader.errors import DataError, InputError
from bittrader.market.sample import synthetic
from bittrader.market.store import default_name, load_candles, store, stored
from bittrader.market.table import table_of
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

CANDLES = synthetic(300)


def test_what_is_stored_is_loaded_again() -> None:
    store(CANDLES, "mine")
    loaded = load_candles("mine")
    assert loaded.fingerprint == CANDLES.fingerprint
    assert (loaded.symbol, loaded.timeframe, loaded.synthetic) == (CANDLES.symbol, CANDLES.timeframe, True)


def test_stored_gaps_and_odd_ticks_are_taken_as_they_were_chosen() -> None:
    holes = table_of(CANDLES).take(CANDLES.time % 7_200_000 == 0).candles("X", CANDLES.timeframe)
    assert len(read_candles(store(holes, "holes"))) == 150


def test_made_up_candles_stay_made_up_however_they_are_read() -> None:
    path = store(CANDLES, "mine")
    assert read_candles(path, gaps="fill").synthetic
    assert read_candles(path, since="2023-12-30").synthetic


def test_a_time_range_of_stored_candles_can_be_read() -> None:
    path = store(CANDLES, "mine")
    part = read_candles(path, since="2023-12-30", until="2023-12-31T12:00")
    assert len(part) == 36
    with pytest.raises(InputError, match="there are no bars from 2030-01-01"):
        read_candles(path, since="2030-01-01")


def test_all_are_listed_by_name() -> None:
    assert stored() == []
    store(CANDLES, "b")
    store(CANDLES.head(10), "a")
    first, second = stored()
    assert (first.name, first.bars, second.name) == ("a", 10, "b")
    assert (second.first, second.last) == (CANDLES.time[0], CANDLES.time[-1])


def test_an_empty_name_is_not_the_folder_we_are_in() -> None:
    with pytest.raises(DataError, match="no file called ''"):
        load_candles("")


def test_an_unknown_name_is_met_with_a_near_one() -> None:
    store(CANDLES, "btcusdt-1h")
    with pytest.raises(DataError, match=r"no file called 'btcusd-1h'. Did you mean 'btcusdt-1h'"):
        load_candles("btcusd-1h")


def test_a_name_that_is_taken_is_not_overwritten_unasked() -> None:
    store(CANDLES, "mine")
    with pytest.raises(InputError, match=r"already. Use --overwrite"):
        store(CANDLES.head(5), "mine")
    assert len(load_candles("mine")) == 300
    store(CANDLES.head(5), "mine", overwrite=True)
    assert len(load_candles("mine")) == 5


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "con", "nul.txt", ".x", "x.", "a b", "x" * 90, "x.parquet"])
def test_only_names_that_every_system_can_keep_are_taken(name: str) -> None:
    with pytest.raises(InputError, match="candles cannot be called"):
        store(CANDLES, name)
    assert stored() == []


def test_a_full_disk_leaves_the_old_file_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(CANDLES, "mine")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match="cannot be written: No space left on device"):
            store(CANDLES.head(5), "mine", overwrite=True)
    assert len(load_candles("mine")) == 300
    assert list(paths.candles_dir().iterdir()) == [path]


@pytest.mark.skipif(resource is None, reason="this system cannot limit a file's size")
def test_a_file_that_cannot_grow_leaves_nothing_half_written(home: Path) -> None:
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from bittrader.errors import DataError\n"
        "from bittrader.market.sample import synthetic\n"
        "from bittrader.market.store import store\n"
        "try: store(synthetic(5_000), 'mine')\n"
        "except DataError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in run.stdout
    assert list(paths.candles_dir().iterdir()) == []


def test_a_damaged_file_is_told() -> None:
    path = store(CANDLES, "mine")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"cannot be read: .*[^.]\.$"):
        load_candles("mine")


def test_the_file_opens_in_other_tools() -> None:
    table = pq.ParquetFile(store(CANDLES, "mine")).read()
    assert table.column_names == ["time", "open", "high", "low", "close", "volume"]
    assert str(table.schema.field("time").type) == "timestamp[ms, tz=UTC]"


def test_a_mistyped_argument_is_met_with_a_near_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"takes no 'gap'. Did you mean 'gaps'"):
        read_candles(tmp_path, gap="fill")


def test_names_come_from_symbols() -> None:
    assert default_name("BTC/USDT", Timeframe.parse("1h")) == "btcusdt-1h"
    assert default_name("BTC/USDT:USDT", Timeframe.parse("5m")) == "btcusdtusdt-5m"
    assert default_name("SYNTHETIC-BTC", Timeframe.parse("1h")) == "synthetic-btc-1h"
    assert default_name("..//", Timeframe.parse("1h")) == "candles-1h"


def test_a_real_file_is_read_as_it_is(real_data: Callable[[str], Path]) -> None:
    candles = read_candles(real_data("bitfinex_btcusd_5m_clean.parquet"))
    assert (len(candles), candles.symbol, str(candles.timeframe)) == (303_552, "BTC/USD", "5m")


@pytest.mark.parametrize("written", [b"junk", b"[1]", b'{"symbol": "X"}', b'{"symbol": 1, "timeframe": 2}'])
def test_notes_in_a_file_that_are_not_ours_are_left_alone(home: Path, written: bytes) -> None:
    table = pq.read_table(store(CANDLES, "mine")).replace_schema_metadata({b"bittrader": written})
    pq.write_table(table, home / "other.parquet")
    assert len(read_candles(home / "other.parquet")) == len(CANDLES)


def test_a_file_with_our_notes_and_other_columns_is_not_taken_as_it_is(home: Path) -> None:
    table = pq.read_table(store(CANDLES, "mine")).select(["time", "open"])
    pq.write_table(table, home / "other.parquet")
    with pytest.raises(DataError, match="no column is called high"):
        read_candles(home / "other.parquet")


def test_damage_in_the_middle_of_a_file_is_told() -> None:
    path = store(CANDLES, "mine")
    data = bytearray(path.read_bytes())
    data[200:1000] = b"\xff" * 800
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        load_candles("mine")


def test_dates_beyond_the_calendar_can_be_listed() -> None:
    far = replace(CANDLES, time=CANDLES.time - 10**15)
    store(far, "far")
    assert stored()[0].first == far.time[0]
