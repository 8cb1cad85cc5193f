"""Candles from files of any usual form: read, understood, checked and mended, with everything decided said aloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from bittrader.errors import DataError, InputError, did_you_mean
from bittrader.market import quality
from bittrader.market.importers.columns import pick
from bittrader.market.importers.names import symbol_in, symbol_of, timeframe_in
from bittrader.market.importers.raw import read_raw
from bittrader.market.importers.times import DateOrder, TimeUnit
from bittrader.market.store import facts_in
from bittrader.market.table import moment, typical_step

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.market.candles import Candles
    from bittrader.market.problems import Choices
    from bittrader.market.table import Table
    from bittrader.market.timeframe import Timeframe


@dataclass(frozen=True)
class Reading:
    """What the user says about files, so that nothing need be guessed; None is left to the files."""

    symbol: str | None = None
    timeframe: Timeframe | None = None
    since: str | None = None
    """First moment to read, as an ISO date or time."""
    until: str | None = None
    """First moment not to read."""
    columns: str | None = None
    """What each column is, in the file's order, as in `time,open,high,low,close,volume`; `-` leaves one out."""
    time_unit: str | None = None
    """Unit of times that are numbers: `s`, `ms`, `us` or `ns`."""
    dates: str | None = None
    """`day-first` or `month-first`."""

    def __post_init__(self) -> None:
        if self.symbol is not None and not self.symbol.strip():
            raise InputError("the symbol is empty. Write one, as in BTC/USDT, or leave it to the file.")
        _one_of("--time-unit", self.time_unit, get_args(TimeUnit))
        _one_of("--dates", self.dates, get_args(DateOrder))


@dataclass(frozen=True, eq=False)
class Scanned:
    """A file's rows, not checked yet, and what was decided to read them."""

    table: Table
    symbol: str
    timeframe: Timeframe
    notes: tuple[str, ...]
    synthetic: bool = False


@dataclass(frozen=True, eq=False)
class Imported:
    """Candles from files, what was decided to read them, and what was done to mend them."""

    candles: Candles
    notes: tuple[str, ...]
    done: tuple[str, ...]


def scan(paths: list[Path], reading: Reading) -> Scanned:
    """The rows of files; DataError when they cannot be understood without another word from the user."""
    raw = read_raw(paths)
    where = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    try:
        picked = pick(
            raw,
            columns=reading.columns,
            unit=reading.time_unit,  # type: ignore[arg-type]
            dates=reading.dates,  # type: ignore[arg-type]
            symbol=reading.symbol,
        )
        table, notes = _oldest_first(picked.table)
        table = table.between(*(None if text is None else moment(text) for text in (reading.since, reading.until)))
        if len(table) == 0:
            raise DataError("there are no bars between --since and --until.")
        stem, facts = _stem(paths[0]), facts_in(raw.table.schema)
        symbol = reading.symbol or facts.get("symbol") or picked.symbol or symbol_in(stem)
        if symbol is None:
            notes = (*notes, f"nothing names the symbol: it is called {stem} (--symbol says otherwise)")
        timeframe = reading.timeframe or _timeframe(table, stem)
        synthetic = bool(facts.get("synthetic"))
        return Scanned(table, symbol_of(symbol or stem), timeframe, (*picked.notes, *notes), synthetic)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def read(paths: list[Path], reading: Reading, choices: Choices, *, now: int) -> Imported:
    """The candles of files, mended as chosen; DataError when they cannot be had without another choice."""
    scanned = scan(paths, reading)
    try:
        mended = quality.mend(scanned.table, scanned.timeframe, choices, now=now)
    except DataError as error:
        raise DataError(f"{paths[0]}: {error}") from error
    candles = mended.table.candles(scanned.symbol, scanned.timeframe, synthetic=scanned.synthetic)
    return Imported(candles, scanned.notes, mended.done)


def _one_of(flag: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise InputError(f"{flag} takes {', '.join(allowed)}, not {value!r}.{did_you_mean(value, allowed)}")


def _oldest_first(table: Table) -> tuple[Table, tuple[str, ...]]:
    """The table, turned round when most of its steps go back in time."""
    steps = np.diff(table.time)
    if 2 * (steps < 0).sum() <= len(steps):
        return table, ()
    return table.take(slice(None, None, -1)), ("the newest rows come first: turned round",)


def _timeframe(table: Table, stem: str) -> Timeframe:
    """The timeframe that the name claims, which the checks compare with the bars; else what the bars show."""
    found = timeframe_in(stem) or typical_step(table.time)
    if found is None:
        raise DataError("the bars do not show how long they are. Say it: --timeframe 1h.")
    return found


def _stem(path: Path) -> str:
    return path.resolve().name.split(".")[0] or path.name
