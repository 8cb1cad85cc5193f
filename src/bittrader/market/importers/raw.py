"""Files as they are: named columns of whatever their format holds, with nothing understood yet."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bittrader.errors import DataError, reason_of
from bittrader.market.importers.text import from_text

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("parquet", "feather", "csv", "txt", "tsv", "json")
_KIND_OF = {"pq": "parquet", "arrow": "feather", "ft": "feather", "txt": "csv", "tsv": "csv", "jsonl": "json"}
_WRAPPINGS = ("gz", "zip")


# What the libraries raise about bytes that are not what a file's name says.
_UNREADABLE = (
    pa.ArrowException, OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError, OverflowError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Raw:
    """A file's columns, or those of several files one after the other.

    `named` is whether the file named its columns; else they are called `1`, `2`, ….
    """

    table: pa.Table
    named: bool


def read_raw(paths: list[Path]) -> Raw:
    """The columns of all files, folders being what they hold, in the order of their names.

    Files without rows count only when all are. DataError when a file cannot be read, or the columns differ.
    """
    raws = [(path, _read(path)) for path in _files(paths)]
    full = [(path, raw) for path, raw in raws if len(raw.table)]
    if not full:
        raise DataError(f"there are no bars in {', '.join(map(str, paths))}.")
    first_path, first = full[0]
    for path, raw in full[1:]:
        if raw.table.column_names != first.table.column_names:
            raise DataError(f"{path} and {first_path} have different columns. Import them one by one.")
    try:
        table = pa.concat_tables([raw.table for _, raw in full], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(f"{first_path} and the files after it do not fit together: {error}.") from error
    return Raw(table, first.named)


def _files(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file for file in path.iterdir() if _kind(file) is not None and not file.name.startswith(".")
            )
            if not inside:
                raise DataError(f"the folder {path} holds no files of candles ({', '.join(KINDS)}).")
            files += inside
        elif path.is_file():
            files.append(path)
        elif path.exists():
            raise DataError(f"{path} is a pipe or a device. Save what it gives as a file first.")
        else:
            raise DataError(f"there is no file {path}.")
    return files


def _kind(path: Path) -> str | None:
    """The format that a file's name says, wrappings like `.gz` aside."""
    suffixes = [suffix.lstrip(".").lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _WRAPPINGS:
        suffixes.pop()
    kind = _KIND_OF.get(suffixes[-1], suffixes[-1]) if suffixes else None
    return kind if kind in KINDS else None


def _read(path: Path) -> Raw:
    kind = _kind(path)
    if kind is None and path.suffix != ".zip":
        raise DataError(
            f"{path} has no ending that we know. Candles come as {', '.join(KINDS)}, or those in .gz or .zip."
        )
    try:
        data = _unwrapped(path)
        return _READERS[kind or "csv"](data)
    except _UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}.") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _unwrapped(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix.lower() == ".gz":
        return gzip.decompress(data)
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise DataError(f"the archive holds {len(names)} files, not one. Unpack it and import what you need.")
            return archive.read(names[0])
    return data


def _from_parquet(data: bytes) -> Raw:
    import pyarrow.parquet as pq  # noqa: PLC0415 - a quarter of a second, for this format alone

    return Raw(pq.ParquetFile(pa.BufferReader(data)).read(), named=True)


def _from_feather(data: bytes) -> Raw:
    from pyarrow import feather  # noqa: PLC0415 - for this format alone

    return Raw(feather.read_table(pa.BufferReader(data)), named=True)


def _from_csv(data: bytes) -> Raw:
    table, named = from_text(data)
    return Raw(table, named)


def _from_json(data: bytes) -> Raw:
    rows = _rows(json.loads(data))
    if not rows:
        return Raw(pa.table({}), named=False)
    if all(isinstance(row, dict) for row in rows):
        return Raw(pa.table({str(name): _column([row.get(name) for row in rows]) for name in rows[0]}), named=True)
    widths = {len(row) for row in rows if isinstance(row, list)}
    if len(widths) != 1 or not all(isinstance(row, list) for row in rows):
        raise DataError("its rows differ in form. A list of lists of one length, or of objects, can be read.")
    return Raw(pa.table({str(i + 1): _column([row[i] for row in rows]) for i in range(widths.pop())}), named=False)


def _rows(value: Any) -> list[Any]:
    """The list of rows in a JSON value, looked for inside its objects: exchanges wrap their answers."""
    if isinstance(value, list):
        return value
    inside = (
        [_rows(part) for part in value.values() if isinstance(part, (dict, list))] if isinstance(value, dict) else []
    )
    found = [rows for rows in inside if rows and isinstance(rows[0], (dict, list))]
    if len(found) > 1:
        raise DataError("it holds several lists. Take out the one with the candles.")
    return found[0] if found else []


def _column(values: list[Any]) -> pa.Array:
    if any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else str(value) for value in values])
    return pa.array(values)


_READERS = {"parquet": _from_parquet, "feather": _from_feather, "csv": _from_csv, "json": _from_json}
