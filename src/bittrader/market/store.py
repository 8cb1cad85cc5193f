"""Stored candles: one Parquet file a series below `paths.candles_dir()`, whole or not there at all."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader import paths
from bittrader.errors import DataError, InputError, did_you_mean, reason_of
from bittrader.files import make_folder, written_whole
from bittrader.market.candles import PRICES, Candles
from bittrader.market.problems import Choices
from bittrader.market.table import moment
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIX = ".parquet"
_KEY = b"bittrader"
# Prices hardly repeat, but their bytes do: split, they take a fifth less room and half the time to read.
_ENCODING = dict.fromkeys((*PRICES, "volume"), "BYTE_STREAM_SPLIT")
_FACTS = {"symbol": str, "timeframe": str, "synthetic": bool}


@dataclass(frozen=True)
class Stored:
    """A stored series, told from its file's footer alone."""

    name: str
    symbol: str
    timeframe: Timeframe
    bars: int
    first: int
    """Start of the first bar, UTC milliseconds."""
    last: int
    """Start of the last bar, UTC milliseconds."""
    synthetic: bool
    bytes: int


def read_candles(
    path: str | Path,
    *,
    symbol: str | None = None,
    timeframe: str | Timeframe | None = None,
    since: str | None = None,
    until: str | None = None,
    columns: str | None = None,
    time_unit: str | None = None,
    dates: str | None = None,
    **choices: str,
) -> Candles:
    """The candles of a file (Parquet, CSV, Feather or JSON, also in .gz or .zip), or of a folder of such files.

    A file that `store` wrote is taken as it is. Others are checked, and refused with DataError when anything is wrong
    that `choices` (`gaps="fill"`, … see `Choices`) do not mend, or when they leave a doubt that another argument must
    settle (see `importers.Reading`).
    """
    if not choices and (symbol, timeframe, columns, time_unit, dates) == (None,) * 5:
        candles = _read_stored(Path(path))
        if candles is not None:
            return _between(candles, since, until)
    from bittrader.market.importers import Reading, read  # noqa: PLC0415 - stored candles do without it

    reading = Reading(
        symbol=symbol,
        timeframe=Timeframe.parse(timeframe) if isinstance(timeframe, str) else timeframe,
        since=since,
        until=until,
        columns=columns,
        time_unit=time_unit,
        dates=dates,
    )
    return read([Path(path)], reading, _choices(choices), now=now()).candles


def load_candles(ref: str | Path) -> Candles:
    """The candles of a stored name, or else of a file. DataError when there are none of either."""
    if is_stored(str(ref)):
        return read_candles(file_of(str(ref)))
    is_there(ref)
    return read_candles(ref)


def is_there(ref: str | Path) -> None:
    """Nothing, when there are stored candles of that name or a file; else DataError."""
    if not str(ref) or (not is_stored(str(ref)) and not Path(ref).exists()):
        raise DataError(f"there are no stored candles and no file called {str(ref)!r}.{_hint(str(ref))}")


def store(candles: Candles, name: str, *, overwrite: bool = False) -> Path:
    """Stores candles under a name and returns the file; InputError when the name is taken or cannot be one."""
    free(name, overwrite=overwrite)
    write(candles, file_of(name))
    return file_of(name)


def free(name: str, *, overwrite: bool = False) -> None:
    """Nothing, when candles may be stored under a name; InputError when it is taken or cannot be one."""
    if not paths.is_name(name) or name.endswith(_SUFFIX):
        raise InputError(f"candles cannot be called {name!r}: {paths.NAME_RULE}.")
    if file_of(name).exists() and not overwrite:
        raise InputError(f"there are stored candles called {name!r} already. Use --overwrite, or another --name.")


def is_stored(name: str) -> bool:
    """Whether there are stored candles of that name."""
    return paths.is_name(name) and file_of(name).is_file()


def stored() -> list[Stored]:
    """All stored series, by name."""
    return [facts for facts in map(_facts, _files()) if facts is not None]


def default_name(symbol: str, timeframe: Timeframe) -> str:
    """The name that a series gets by itself: `btcusdt-1h`."""
    return f"{re.sub(r'[^a-z0-9-]', '', symbol.lower()).strip('-')[:60] or 'candles'}-{timeframe}"


def facts_in(schema: pa.Schema) -> dict[str, Any]:
    """What we wrote about a series (symbol, timeframe, synthetic) into a schema; empty when it is not of ours."""
    try:
        facts = json.loads((schema.metadata or {}).get(_KEY, b"{}"))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) and {name: type(value) for name, value in facts.items()} == _FACTS else {}


def now() -> int:
    """The present moment in UTC milliseconds."""
    return time.time_ns() // 1_000_000


def write(candles: Candles, path: Path) -> None:
    """Writes candles as Parquet: the whole file, safe on the disk, or none."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - pyarrow takes a fifth of a second to import

    table = _to_arrow(candles)
    try:
        make_folder(path.parent)
        with written_whole(path) as part, part.open("wb") as file:
            pq.write_table(table, file, compression="zstd", use_dictionary=False, column_encoding=_ENCODING)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error


def _choices(words: dict[str, str]) -> Choices:
    known = [field.name for field in fields(Choices)]
    for word in words:
        if word not in known:
            raise InputError(f"read_candles takes no {word!r}.{did_you_mean(word, known)}")
    return Choices(**words)  # type: ignore[arg-type]  # it looks at the values itself


def _between(candles: Candles, since: str | None, until: str | None) -> Candles:
    if since is None and until is None:
        return candles
    start = 0 if since is None else np.searchsorted(candles.time, moment(since))
    stop = len(candles) if until is None else np.searchsorted(candles.time, moment(until))
    if start >= stop:
        raise InputError(f"there are no bars from {since or 'the start'} to {until or 'the end'}.")
    return candles.window(int(start), int(stop))


def _files() -> list[Path]:
    return sorted(paths.candles_dir().glob(f"*{_SUFFIX}"))


def file_of(name: str) -> Path:
    """The file of the stored candles of that name."""
    return paths.candles_dir() / f"{name}{_SUFFIX}"


def _hint(ref: str) -> str:
    names = [file.stem for file in _files()]
    if hint := did_you_mean(ref, names):
        return hint
    return " `bittrader data list` shows what is stored." if names else " Import some: bittrader data import FILE."


def _to_arrow(candles: Candles) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - likewise

    columns = {"time": pa.array(candles.time.view("datetime64[ms]")).cast(pa.timestamp("ms", "UTC"))}
    columns |= {name: pa.array(getattr(candles, name)) for name in (*PRICES, "volume")}
    facts = {"symbol": candles.symbol, "timeframe": str(candles.timeframe), "synthetic": candles.synthetic}
    return pa.table(columns, _schema(facts))


def _schema(facts: dict[str, Any]) -> pa.Schema:
    """What the Parquet file of a series holds."""
    import pyarrow as pa  # noqa: PLC0415 - likewise

    kinds = {"time": pa.timestamp("ms", "UTC"), **dict.fromkeys((*PRICES, "volume"), pa.float64())}
    return pa.schema(kinds.items(), {_KEY: json.dumps(facts).encode()})


def _open(path: Path) -> tuple[Any, dict[str, Any]] | None:
    """The Parquet file and our facts in its footer; None when `write` did not make it."""
    if path.suffix != _SUFFIX or not path.is_file():
        return None
    import pyarrow as pa  # noqa: PLC0415 - likewise
    import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

    try:
        file = pq.ParquetFile(path, pre_buffer=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}.") from error
    facts = facts_in(file.schema_arrow)
    ours = facts and file.schema_arrow.equals(_schema(facts))
    return (file, facts) if ours else None


def _read_stored(path: Path) -> Candles | None:
    opened = _open(path)
    if opened is None:
        return None
    file, facts = opened
    import pyarrow as pa  # noqa: PLC0415 - likewise

    try:
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}.") from error
    columns = {name: table[name].to_numpy() for name in table.column_names}
    columns["time"] = columns["time"].view(np.int64)
    return Candles(
        symbol=facts["symbol"],
        timeframe=Timeframe.parse(facts["timeframe"]),
        synthetic=facts["synthetic"],
        **columns,
    )


def _facts(path: Path) -> Stored | None:
    opened = _open(path)
    if opened is None:
        return None
    file, facts = opened
    groups = [file.metadata.row_group(index).column(0).statistics for index in range(file.metadata.num_row_groups)]
    return Stored(
        name=path.stem,
        symbol=facts["symbol"],
        timeframe=Timeframe.parse(facts["timeframe"]),
        bars=file.metadata.num_rows,
        first=groups[0].min_raw,
        last=groups[-1].max_raw,
        synthetic=facts["synthetic"],
        bytes=path.stat().st_size,
    )
