"""Which column is what: by its name, by the `--columns` of the user, or by evidence that is stated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bittrader.errors import DataError, InputError, did_you_mean
from bittrader.market.candles import PRICES
from bittrader.market.importers.names import symbol_of
from bittrader.market.importers.order import price_order
from bittrader.market.importers.times import milliseconds
from bittrader.market.importers.volume import base_volume
from bittrader.market.table import COLUMNS, Table, utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.importers.raw import Raw
    from bittrader.market.importers.times import DateOrder, TimeUnit

# By rank: what numbers is believed before what spells, and a nameless index of pandas last of all.
_TIMES = (
    "timestamp", "unix", "unixtimestamp", "timestampms", "opentime", "timeopen", "timeperiodstart", "datetime",
    "date", "time", "gmttime", "utctime", "startat", "ts", "t", "indexlevel0", "index", "unnamed0", "",
)  # fmt: skip
_NAMES = {
    "open": ("open", "o", "openprice", "priceopen"),
    "high": ("high", "h", "highprice", "pricehigh", "max"),
    "low": ("low", "l", "lowprice", "pricelow", "min"),
    "close": ("close", "c", "closeprice", "priceclose"),
}
_VOLUME = re.compile(r"(base|quote|total|tick)?(asset)?(vol|volume)([a-z]{0,6}|traded)|v")
_COLUMNS = "--columns time,open,high,low,close,volume (in the file's order, - leaves one out)"
_SYMBOLS = ("symbol", "pair", "ticker", "market", "instrument")


@dataclass(frozen=True, eq=False)
class Picked:
    """The six columns of a file, the symbol it names, and what had to be decided to read it."""

    table: Table
    symbol: str | None
    notes: tuple[str, ...]


def pick(
    raw: Raw, *, columns: str | None, unit: TimeUnit | None, dates: DateOrder | None, symbol: str | None
) -> Picked:
    """The file's candles, every column identified. DataError with the choice to be made when that leaves a doubt."""
    table, found_symbol = _of_symbol(raw.table, symbol)
    if columns is not None:
        roles = _told(table.column_names, columns)
        # What the user says counts: neither a second clock nor another volume is looked for.
        table = table.select(list(roles.values()))
    elif raw.named:
        roles = _by_name(table.column_names)
    else:
        roles = {"time": table.column_names[0]}
    time, notes = _time(table, roles, unit, dates)
    if "open" not in roles:
        roles, order_note = _by_evidence(table, time)
        notes.append(order_note)
    prices = {name: numbers(table, roles[name]) for name in PRICES}
    volume, volume_notes = _volume(table, roles, _base(symbol or found_symbol), time, prices["close"])
    return Picked(Table(time=time, volume=volume, **prices), found_symbol, tuple(notes + volume_notes))


def numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    """The column as float64, NaN where it is empty; DataError naming the value that is no number."""
    try:
        return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Arrow takes no empty or padded texts, and does not say which row is at fault.
        return np.array([_number(value, row, name) for row, value in enumerate(table[name].to_pylist(), start=1)])


def _number(value: object, row: int, name: str) -> float:
    try:
        return float("nan" if value in (None, "") else value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"{value!r} in column {name!r} (row {row:,}) is no number.") from None


def _of_symbol(table: pa.Table, wanted: str | None) -> tuple[pa.Table, str | None]:
    """The rows of one symbol, and its name when the file has a column for it."""
    column = next((name for name in table.column_names if _key(name) in _SYMBOLS), None)
    if column is None:
        return table, None
    try:
        symbols = [str(symbol) for symbol in pc.unique(table[column]).to_pylist()]
    except pa.ArrowNotImplementedError:
        raise DataError(f"its column {column!r} holds {table[column].type}, which is no symbol.") from None
    if len(symbols) == 1:
        return table, symbols[0]
    meant = [symbol for symbol in symbols if wanted is not None and symbol_of(symbol) == symbol_of(wanted)]
    if len(meant) != 1:
        raise DataError(f"it holds {len(symbols)} symbols. Say which: --symbol {'|'.join(symbols[:6])}.")
    return table.filter(pc.equal(table[column].cast(pa.string()), meant[0])), meant[0]


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _told(names: list[str], columns: str) -> dict[str, str]:
    words = [word.strip().lower() for word in columns.split(",")]
    for word in words:
        if word not in (*COLUMNS, "-"):
            hint = did_you_mean(word, COLUMNS) or f" Use {', '.join(COLUMNS)}, and - for a column to leave out."
            raise InputError(f"--columns knows no {word!r}.{hint}")
    roles = {word: name for word, name in zip(words, names, strict=False) if word != "-"}
    missing = [name for name in COLUMNS[:-1] if name not in roles]
    if missing or len(words) > len(names) or len(roles) + words.count("-") != len(words):
        example = "--columns time,open,high,low,close,volume"
        raise InputError(
            f"--columns names each of the {len(names)} columns once, in the file's order, as in {example}."
        )
    return roles


def _by_name(names: list[str]) -> dict[str, str]:
    keys = {_key(name): name for name in reversed(names)}
    roles = {role: next((keys[key] for key in known if key in keys), None) for role, known in _NAMES.items()}
    roles["time"] = next((keys[key] for key in _TIMES if key in keys), None)
    missing = [role for role in COLUMNS[:-1] if roles[role] is None]
    if missing:
        raise DataError(
            f"no column is called {' or '.join(missing)}: they are {', '.join(names)}. "
            f"Say what each one is: {_COLUMNS}."
        )
    return {role: name for role, name in roles.items() if name is not None}


def _time(
    table: pa.Table, roles: dict[str, str], unit: TimeUnit | None, dates: DateOrder | None
) -> tuple[NDArray[np.int64], list[str]]:
    keys = {_key(name): name for name in table.column_names}
    if roles["time"] == keys.get("date") and "time" in keys and "time" not in roles.values():
        joined = _date_and_time(table[keys["date"]], table[keys["time"]])
        if joined is not None:
            return milliseconds(joined, unit, dates)
    time, notes = milliseconds(table[roles["time"]], unit, dates)
    others = [keys[key] for key in _TIMES if key in keys and keys[key] not in roles.values()]
    for other in others:
        _agree(time, roles["time"], table[other], other, dates)
    return time, notes


def _date_and_time(date: pa.ChunkedArray, time: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Both columns as one, where the first holds days and the second hours."""
    if pa.types.is_time(time.type):
        time = time.cast(pa.string())
    if pa.types.is_string(date.type) and pa.types.is_string(time.type) and len(str(date[0])) <= 10:
        return pc.binary_join_element_wise(date, time, " ")
    return None


def _agree(time: NDArray[np.int64], name: str, column: pa.ChunkedArray, other: str, dates: DateOrder | None) -> None:
    """DataError when a second column of times says something else."""
    try:
        moments, _ = milliseconds(column, None, dates)
    except DataError:
        return  # no times after all: a name alone does not make a clock
    differs = np.flatnonzero(moments != time)
    if len(differs):
        row = int(differs[0])
        raise DataError(
            f"row {row + 1:,} is of {utc(time[row])} by column {name!r}, and of {utc(moments[row])} by {other!r}. "
            "Say which holds: --columns with time for one of them, and - for the other."
        )


def _by_evidence(table: pa.Table, time: NDArray[np.int64]) -> tuple[dict[str, str], str]:
    """Roles of columns without names: time, four prices in an order that the prices themselves show, volume."""
    names = table.column_names
    if len(names) < 5:
        raise DataError("it has no header and too few columns for time, open, high, low and close.")
    order, reason = price_order([numbers(table, name) for name in names[1:5]], time)
    roles = {"time": names[0], **dict(zip(order, names[1:5], strict=True))}
    if len(names) > 5:
        roles["volume"] = names[5]
    words = ["time", *order, "volume"][: len(names)]
    return roles, f"there is no header; the columns are read as {','.join(words)}: {reason}"


def _volume(
    table: pa.Table, roles: dict[str, str], base: str, time: NDArray[np.int64], close: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    if "volume" in roles:
        return numbers(table, roles["volume"]), []
    free = [name for name in table.column_names if name not in roles.values() and _VOLUME.fullmatch(_key(name))]
    if not free:
        return np.zeros(len(table)), ["there is no column of volume: it is 0"]
    if len(free) == 1:
        return numbers(table, free[0]), []
    if len(free) > 2:
        raise DataError(f"{', '.join(free)} may all be the volume. Say what each column is: {_COLUMNS}.")
    named = (f"volume{base}", f"{base}volume", "basevolume", "volumefrom")
    claimed = [name for name in free if _key(name) in named] or [name for name in free if "quote" not in _key(name)]
    candidates = {name: numbers(table, name) for name in free}
    return base_volume(candidates, time, close, claimed[0] if len(claimed) == 1 else None)


def _base(symbol: str | None) -> str:
    """The base of a symbol, in small letters; `base` when there is none."""
    return symbol_of(symbol).split("/")[0].lower() if symbol else "base"
