"""`bittrader data` as a person or a script uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.market.exchange_server import HOUR, Fake, serving
from typer.testing import CliRunner

from bittrader import paths
from bittrader.cli.data import app
from bittrader.errors import DataError, InputError
from bittrader.market.sample import synthetic
from bittrader.market.store import load_candles, store, stored
from bittrader.market.table import table_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


DAY = 24


def bittrader(*words: str) -> Any:
    """What a command gives; its BittraderErrors are raised, as `main` wants them."""
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def holes(tmp_path: Path) -> Path:
    """A file of hourly candles with two gaps."""
    whole = synthetic(300)
    rows = [row for row in range(300) if row not in (10, 11, 50)]
    lines = [",".join(map(str, row)) for row in zip(*table_of(whole).take(rows).columns().values(), strict=True)]  # type: ignore[arg-type]
    path = tmp_path / "eth_usd.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]))
    return path


def test_import_refuses_and_names_the_flag(holes: Path) -> None:
    with pytest.raises(DataError, match=r"3 bars are missing in 2 gaps.* To mend: --gaps fill \(or keep\)"):
        bittrader("import", str(holes))
    assert stored() == []


def test_import_mends_as_chosen_and_says_what_it_did(holes: Path) -> None:
    result = bittrader("import", str(holes), "--gaps", "fill")
    assert result.exit_code == 0
    words = " ".join(result.stderr.split())
    assert "Stored ETH/USD 1h as ethusd-1h" in words
    assert "filled 3 flat bars with volume 0" in words
    assert load_candles("ethusd-1h").fingerprint != synthetic(300).fingerprint
    assert len(load_candles("ethusd-1h")) == 300


def test_import_takes_a_name_and_keeps_what_is_there(holes: Path) -> None:
    bittrader("import", str(holes), "--gaps", "keep", "--name", "mine")
    assert len(load_candles("mine")) == 297
    with pytest.raises(InputError, match="already"):
        bittrader("import", str(holes), "--gaps", "fill", "--name", "mine")
    bittrader("import", str(holes), "--gaps", "fill", "--name", "mine", "--overwrite")
    assert len(load_candles("mine")) == 300


def test_import_takes_a_part_of_the_time(holes: Path) -> None:
    bittrader("import", str(holes), "--since", "2023-12-25", "--until", "2023-12-26", "--name", "mine")
    assert len(load_candles("mine")) == DAY


def test_check_lists_problems_and_ends_with_1(holes: Path) -> None:
    result = bittrader("check", str(holes))
    assert result.exit_code == 1
    words = " ".join(result.stdout.split())
    assert "3 bars are missing in 2 gaps" in words
    assert f"bittrader data import {holes} --gaps fill" in words


def test_check_ends_with_0_where_nothing_is_wrong() -> None:
    store(synthetic(50), "mine")
    result = bittrader("check", "mine")
    assert result.exit_code == 0
    assert "Nothing is wrong" in result.stdout


def test_check_as_json_is_one_object(holes: Path) -> None:
    result = bittrader("check", str(holes), "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert (facts["rows"], facts["timeframe"], facts["clean"]) == (297, "1h", False)
    (gaps,) = facts["problems"]
    assert (gaps["kind"], gaps["count"], gaps["mend"]) == ("gaps", 3, "--gaps fill (or keep)")


def test_check_of_something_that_is_not_there_names_a_near_one() -> None:
    store(synthetic(50), "btcusdt-1h")
    with pytest.raises(DataError, match="Did you mean 'btcusdt-1h'"):
        bittrader("check", "btcusd-1h")


def test_sample_is_stored_under_a_name_that_tells_what_it_is() -> None:
    bittrader("sample", "--bars", "500")
    (series,) = stored()
    assert (series.name, series.bars, series.synthetic) == ("synthetic-btc-1h", 500, True)


def test_resample_stores_longer_bars() -> None:
    bittrader("sample", "--bars", "500")
    bittrader("resample", "synthetic-btc-1h", "4h", "--name", "longer")
    assert len(load_candles("longer")) == 125


def test_list_shows_what_is_stored() -> None:
    assert "Nothing is stored yet" in bittrader("list").stderr
    assert json.loads(bittrader("list", "--json").stdout) == {"candles": []}
    bittrader("sample", "--bars", "500")
    assert "synthetic-btc-1h" in bittrader("list").stdout
    (facts,) = json.loads(bittrader("list", "--json").stdout)["candles"]
    assert (facts["name"], facts["bars"], facts["synthetic"]) == ("synthetic-btc-1h", 500, True)


def test_a_mistyped_choice_is_met_with_a_near_one(holes: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'fill'"):
        bittrader("import", str(holes), "--gaps", "fil")


def test_every_real_original_is_imported_with_the_flags_that_its_refusal_names(
    real_data: Callable[[str], Path],
) -> None:
    for number, path in enumerate(sorted(real_data("original_formats").iterdir())):
        facts = json.loads(bittrader("check", str(path), "--json").stdout)
        mends = sorted(problem["mend"].split(" (")[0] for problem in facts["problems"] if problem["mend"])
        choices = dict(mend.split() for mend in mends)
        words = [word for choice in choices.items() for word in choice]
        assert bittrader("import", str(path), "--name", f"n{number}", *words).exit_code == 0
    assert len(stored()) == 7


# Downloads.

START = 1_600_000_000 // HOUR * HOUR


def asked(url: str, *more: str) -> list[str]:
    words = ["download", "BTC/USD", "--exchange", "bitstamp", "--url", url, "--since", "2020-09-13T12:00"]
    return [*words, "--until", "2020-09-14T23:00", *more]


@pytest.fixture
def fake() -> Fake:
    pytest.importorskip("ccxt")
    return Fake([START + i * HOUR for i in range(-5, 60) if i != 20])


def test_download_stores_what_the_exchange_gives(fake: Fake) -> None:
    with serving(fake) as url:
        result = bittrader(*asked(url))
    assert result.exit_code == 0
    candles = load_candles("btcusd-1h")
    assert (candles.symbol, len(candles)) == ("BTC/USD", 34)
    assert "1 bar is missing in 1 gap" in " ".join(result.stderr.split())
    assert list((paths.candles_dir() / "downloads").iterdir()) == []


def test_download_does_not_begin_when_the_name_is_taken(fake: Fake) -> None:
    store(synthetic(50), "btcusd-1h")
    with serving(fake) as url, pytest.raises(InputError, match="already"):
        bittrader(*asked(url))
    assert fake.asked == []


def test_a_killed_download_goes_on_where_it_was(fake: Fake, home: Path) -> None:
    fake.page = 2
    program = "import sys; from bittrader.cli.data import app; app(sys.argv[1:])"
    with serving(fake) as url:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *asked(url)],
            env={**os.environ, "BITTRADER_HOME": str(home)},
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while len(fake.asked) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
        before = fake.asked.copy()
        assert 4 <= len(before) < 17
        assert stored() == []
        fake.asked.clear()
        bittrader(*asked(url))
    assert min(fake.asked) > max(before[:-2])
    assert len(load_candles("btcusd-1h")) == 34


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("sample", "--name", ""), "candles cannot be called ''"),
        (("import", "FILE", "--name", ""), "candles cannot be called ''"),
        (("import", "FILE", "--gaps", "fill", "--symbol", ""), "the symbol is empty"),
        (("import", "FILE", "--gaps", "fill", "--symbol", " "), "the symbol is empty"),
        (("check", "FILE", "--symbol", ""), "the symbol is empty"),
    ],
)
def test_an_empty_name_or_symbol_is_refused_not_replaced(holes: Path, words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        bittrader(*(word.replace("FILE", str(holes)) for word in words))
    assert stored() == []
