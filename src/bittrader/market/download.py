"""The one door to ccxt: an exchange's candles, page by page, each page safe on the disk before the next is asked for.

What was fetched waits in a file of its own until the series is whole, so a download that stops, however it stops, goes
on where it was when the same is asked again.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bittrader import paths
from bittrader.errors import DataError, InputError, did_you_mean
from bittrader.files import keep_names, make_folder
from bittrader.market.store import default_name
from bittrader.market.table import Table, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bittrader.market.timeframe import Timeframe

    Row = list[float]

# A network that fails at once is hardly there; one that fails on the way gets minutes to come back.
_FIRST_ATTEMPTS, _ATTEMPTS = 3, 8
_LONGEST_WAIT_SECONDS = 60.0
_USUAL_PAGE = 500
_HOST = re.compile(r"https?://[^/]+")


class Exchange(Protocol):
    """The part of a ccxt exchange that a download needs."""

    id: str

    def milliseconds(self) -> int:
        """The present moment."""

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[Row]:
        """Up to `limit` rows of time, open, high, low, close and volume, from `since` on."""


@dataclass(frozen=True)
class Query:
    """What to download: bars that start at `since` or later and before `until` (UTC milliseconds)."""

    symbol: str
    timeframe: Timeframe
    since: int
    until: int | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise InputError(f"--until {utc(self.until)} is not after --since {utc(self.since)}.")


@dataclass(frozen=True)
class Progress:
    """How far a download is."""

    first: int
    """Start of the range, UTC milliseconds."""
    reached: int
    end: int
    bars: int
    waiting: str = ""
    """Why it waits before it tries again; empty when it does not."""


def connect(name: str, *, url: str | None = None) -> Any:
    """The ccxt exchange of that name, keeping to its rate limits; its public API is asked at `url` when given."""
    ccxt = _ccxt()
    if name not in ccxt.exchanges:
        raise InputError(f"ccxt knows no exchange {name!r}.{did_you_mean(name, ccxt.exchanges)}")
    exchange = getattr(ccxt, name)({"enableRateLimit": True})
    if url is not None:
        exchange.urls["api"] = _moved(exchange.urls["api"], url.rstrip("/"))
    if exchange.has.get("fetchOHLCV") is not True:
        raise InputError(f"{name} publishes no candles through ccxt. Use another --exchange.")
    return exchange


def check(
    exchange: Any,
    query: Query,
    *,
    waits: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """InputError when the exchange has no such market or timeframe."""
    known = list(exchange.timeframes or {})
    if str(query.timeframe) not in known:
        raise InputError(f"{exchange.id} has no bars of {query.timeframe}, only {', '.join(known)}.")
    if ":" not in query.symbol:
        _skip_derivatives(exchange)
    markets = _patiently(exchange.load_markets, attempts=_FIRST_ATTEMPTS, waits=waits, sleep=sleep)
    if query.symbol not in markets:
        hint = did_you_mean(query.symbol.upper(), markets) or " Write BASE/QUOTE, as in BTC/USDT."
        raise InputError(f"{exchange.id} has no market {query.symbol!r}.{hint}")


def _skip_derivatives(exchange: Any) -> None:
    """Makes ccxt ask for spot markets alone: faster, and a mirror may have no others."""
    wanted = exchange.options.get("fetchMarkets")
    if isinstance(wanted, dict) and "spot" in (wanted.get("types") or ()):
        exchange.options["fetchMarkets"] = {**wanted, "types": ["spot"]}


def download(
    exchange: Exchange,
    query: Query,
    pages: Path,
    *,
    limit: int | None = None,
    told: Callable[[Progress], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Table:
    """All finished bars that the exchange gives for a query.

    `pages` is the file that keeps what was fetched; a later call with the same file goes on where it ends, and its
    owner deletes it when the bars are safe elsewhere. DataError when the exchange cannot be reached for minutes.
    """
    step, limit = query.timeframe.milliseconds, limit or page_size(exchange, query.symbol)
    start = -(-query.since // step) * step
    rows = _kept(pages)
    reached = int(rows[-1][0]) + step if rows else start
    for page in _pages(exchange, query, reached, limit, told=told, sleep=sleep, first=start, bars=len(rows)):
        _append(pages, page)
        rows += page
    if not rows:
        raise DataError(f"{exchange.id} gave no bars of {query.symbol} from {utc(start)} on.")
    matrix = np.array([[np.nan if value is None else value for value in row[1:6]] for row in rows], dtype=np.float64)
    times = np.array([row[0] for row in rows], dtype=np.int64)
    return Table(times, *matrix.T.copy()).between(query.since, query.until)


def page_size(exchange: Any, symbol: str) -> int:
    """The most bars that the exchange gives at once, as ccxt knows it."""
    features = getattr(exchange, "features", None) or {}
    kind = features.get("swap" if ":" in symbol else "spot") or {}
    known = (kind.get("linear") or kind).get("fetchOHLCV") or {}
    return int(known.get("limit") or _USUAL_PAGE)


def _pages(
    exchange: Exchange,
    query: Query,
    reached: int,
    limit: int,
    *,
    told: Callable[[Progress], None],
    sleep: Callable[[float], None],
    first: int,
    bars: int,
) -> Iterator[list[Row]]:
    """The pages from a moment on, without what an earlier one had or what has not ended yet."""
    step = query.timeframe.milliseconds
    while True:
        # A bar counts when it has ended, by the clock of this very moment: downloads take long.
        end = exchange.milliseconds() - step + 1
        end = end if query.until is None else min(end, query.until)
        told(Progress(first, min(reached, end), end, bars))
        if reached >= end:
            return

        def waits(reason: str) -> None:
            told(Progress(first, reached, end, bars, waiting=reason))  # noqa: B023 - it is called before they change

        def fetch() -> list[Row]:
            return exchange.fetch_ohlcv(query.symbol, str(query.timeframe), reached, limit)  # noqa: B023 - likewise

        page = sorted(_patiently(fetch, attempts=_ATTEMPTS, waits=waits, sleep=sleep), key=lambda row: row[0])
        new = [row for row in page if reached <= row[0] < end]
        new = [row for index, row in enumerate(new) if index == 0 or row[0] != new[index - 1][0]]
        if new:
            reached, bars = int(new[-1][0]) + step, bars + len(new)
            yield new
        else:
            # Nothing was traded for a page's length, or the market is younger than that.
            reached += limit * step


def _patiently(
    ask: Callable[[], Any], *, attempts: int, waits: Callable[[str], None], sleep: Callable[[float], None]
) -> Any:
    """The answer, asked for again after failures of the network; DataError for what asking again will not mend."""
    ccxt = _ccxt()
    for attempt in range(1, attempts + 1):
        try:
            return ask()
        except ccxt.NetworkError as error:
            reason = _short(error)
            if attempt == attempts:
                raise DataError(f"the exchange did not answer {attempts} times: {reason}.") from error
            seconds = min(2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)
            waits(f"{reason}; asking again in {seconds:g} s")
            sleep(seconds)
        except ccxt.BaseError as error:
            raise DataError(f"the exchange refused: {_short(error)}.") from error
    raise AssertionError("the last attempt returns or raises")


def _short(error: Exception) -> str:
    """The kind of error and what the exchange said, without the address that was asked."""
    words = re.sub(r"^\S+ (GET|POST) \S+", "", " ".join(str(error).split())).strip()
    return f"{type(error).__name__} {words[:100]}".strip().rstrip(".")


def _kept(pages: Path) -> list[Row]:
    """The rows of all pages in the file; a last line that was cut off is cut away, and will be asked for again."""
    if not pages.exists():
        return []
    try:
        with pages.open("rb+") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            file.truncate(whole)
    except OSError as error:
        raise DataError(f"{pages} cannot be read: {error.strerror}.") from error
    return [row for line in data[:whole].splitlines() for row in json.loads(line)]


def pages_file(name: str, query: Query, url: str | None) -> Path:
    """Where a download keeps its pages: another exchange, market, start or address has another file."""
    place = "" if url is None else "-" + re.sub(r"\W+", "-", url.split("://")[-1]).strip("-")
    series = default_name(query.symbol, query.timeframe)
    return paths.candles_dir() / "downloads" / f"{name}{place}-{series}-{query.since}.jsonl"


def _append(pages: Path, page: list[Row]) -> None:
    try:
        make_folder(pages.parent)
        with pages.open("ab") as file:
            file.write(json.dumps(page, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        keep_names(pages.parent)
    except OSError as error:
        raise DataError(f"{pages} cannot be written: {error.strerror}. What was fetched before is kept.") from error


def _moved(urls: Any, base: str) -> Any:
    """The same addresses at another host."""
    if isinstance(urls, dict):
        return {name: _moved(value, base) for name, value in urls.items()}
    return _HOST.sub(base, urls, count=1) if isinstance(urls, str) else urls


def _ccxt() -> Any:
    try:
        import ccxt  # noqa: PLC0415 - it takes seconds to import, and is an extra
    except ImportError:
        raise InputError("downloads need ccxt. Install it: pip install 'bittrader[download]'") from None
    return ccxt
