"""Downloads, against a real ccxt exchange class whose addresses lead to a server on loopback."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.market.exchange_server import HOUR, Fake, bar, serving

from bittrader.errors import DataError, InputError
from bittrader.market.download import Progress, Query, check, connect, download, pages_file
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

pytest.importorskip("ccxt")

START = 1_600_000_000 // HOUR * HOUR
QUERY = Query("BTC/USD", Timeframe.parse("1h"), START * 1000, (START + 35 * HOUR) * 1000)


@pytest.fixture
def fake() -> Any:
    return Fake([START + i * HOUR for i in range(-5, 60)])


@pytest.fixture
def exchange(fake: Any) -> Iterator[Any]:
    with serving(fake) as url:
        market = connect("bitstamp", url=url)
        market.rateLimit = 1
        yield market


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    return tmp_path / "below" / "pages.jsonl"


def hours_of(table: Any) -> list[int]:
    return [(time // 1000 - START) // HOUR for time in table.time]


def test_all_bars_come_once_and_in_order(exchange: Any, pages: Path) -> None:
    table = download(exchange, QUERY, pages, limit=10)
    assert hours_of(table) == list(range(35))
    first = bar(START)
    assert [table.open[0], table.high[0], table.low[0], table.close[0], table.volume[0]] == [
        float(first[name]) for name in ("open", "high", "low", "close", "volume")
    ]


def test_an_exchange_may_give_fewer_bars_than_asked(exchange: Any, fake: Any, pages: Path) -> None:
    fake.page = 3
    assert hours_of(download(exchange, QUERY, pages, limit=10)) == list(range(35))


def test_pages_may_overlap(exchange: Any, fake: Any, pages: Path) -> None:
    fake.overlap = 4
    assert hours_of(download(exchange, QUERY, pages, limit=10)) == list(range(35))


def test_an_empty_page_is_passed_over(exchange: Any, fake: Any, pages: Path) -> None:
    fake.hours = [hour for hour in fake.hours if not START + 4 * HOUR <= hour < START + 28 * HOUR]
    assert hours_of(download(exchange, QUERY, pages, limit=10)) == [*range(4), *range(28, 35)]


def test_a_market_without_bars_is_an_error(exchange: Any, fake: Any, pages: Path) -> None:
    fake.hours = []
    with pytest.raises(DataError, match="gave no bars of BTC/USD"):
        download(exchange, QUERY, pages, limit=10)


def test_failures_of_the_network_are_waited_out(exchange: Any, fake: Any, pages: Path) -> None:
    fake.failures = [429, 500, 503]
    waits: list[float] = []
    told: list[Progress] = []
    assert len(download(exchange, QUERY, pages, limit=10, sleep=waits.append, told=told.append)) == 35
    assert waits == [1, 2, 4]
    assert any("asking again in 4 s" in progress.waiting for progress in told)


def test_what_was_fetched_is_kept_when_the_exchange_stays_away(exchange: Any, fake: Any, pages: Path) -> None:
    def two_pages_then_none(progress: Progress) -> None:
        if progress.bars == 20 and not fake.failures:
            fake.failures = [500] * 8

    waits: list[float] = []
    with pytest.raises(DataError, match="did not answer 8 times"):
        download(exchange, QUERY, pages, limit=10, sleep=waits.append, told=two_pages_then_none)
    assert len(waits) == 7
    assert sum(len(json.loads(line)) for line in pages.read_text().splitlines()) == 20
    fake.asked.clear()
    assert hours_of(download(exchange, QUERY, pages, limit=10)) == list(range(35))
    assert min(fake.asked) >= START + 20 * HOUR - HOUR


def test_a_page_that_was_cut_off_is_fetched_again(exchange: Any, pages: Path) -> None:
    whole = download(exchange, QUERY, pages, limit=10)
    data = pages.read_bytes()
    for cut in (1, 40, len(data) // 2, len(data) - 1):
        pages.write_bytes(data[:cut])
        again = download(exchange, QUERY, pages, limit=10)
        assert np.array_equal(again.time, whole.time)
        assert np.array_equal(again.close, whole.close)


def test_a_bar_that_has_not_ended_is_left_out(exchange: Any, pages: Path) -> None:
    exchange.milliseconds = lambda: (START + 12 * HOUR) * 1000 + 1_799_999
    endless = Query("BTC/USD", Timeframe.parse("1h"), START * 1000)
    assert hours_of(download(exchange, endless, pages, limit=10)) == list(range(12))


def test_a_start_between_two_bars_begins_with_the_later(exchange: Any, pages: Path) -> None:
    query = Query("BTC/USD", Timeframe.parse("1h"), START * 1000 + 1, QUERY.until)
    assert hours_of(download(exchange, query, pages, limit=10)) == list(range(1, 35))


def test_progress_reaches_the_end(exchange: Any, pages: Path) -> None:
    told: list[Progress] = []
    download(exchange, QUERY, pages, limit=10, told=told.append)
    assert told[-1].reached == told[-1].end == QUERY.until
    assert [progress.bars for progress in told] == [0, 10, 20, 30, 35]


def test_an_unknown_market_is_met_with_a_near_one(exchange: Any) -> None:
    with pytest.raises(InputError, match=r"no market 'BTC/USDT'. Did you mean 'BTC/USD'"):
        check(exchange, Query("BTC/USDT", Timeframe.parse("1h"), 0))


def test_an_unknown_timeframe_is_met_with_those_there_are(exchange: Any) -> None:
    with pytest.raises(InputError, match="bitstamp has no bars of 7m, only 1m, 3m"):
        check(exchange, Query("BTC/USD", Timeframe.parse("7m"), 0))


def test_an_unknown_exchange_is_met_with_a_near_one() -> None:
    with pytest.raises(InputError, match=r"no exchange 'binanse'. Did you mean 'binance'"):
        connect("binanse")


def test_without_ccxt_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(InputError, match=r"pip install 'bittrader\[download\]'"):
        connect("binance")


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InputError, match="is not after --since"):
        Query("BTC/USD", Timeframe.parse("1h"), 2_000, 1_000)


def test_another_address_keeps_its_pages_apart(home: Path) -> None:
    usual, mirror = pages_file("binance", QUERY, None), pages_file("binance", QUERY, "http://mirror:80/x")
    assert usual != mirror
    assert usual.is_relative_to(home)
