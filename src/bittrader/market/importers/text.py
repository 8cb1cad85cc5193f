"""Columns from separated text: finds the separator, banner lines and the header, then lets Arrow do the reading."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

import pyarrow as pa

from bittrader.errors import DataError

_SEPARATORS = ",;\t|"
_SAMPLE = 1 << 16
_LINES = 50
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


def from_text(data: bytes) -> tuple[pa.Table, bool]:
    """The columns of separated text, and whether it names them; lines above them are left out."""
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - for this format alone

    data = _utf8(data)
    lines = data[:_SAMPLE].decode(errors="replace").splitlines()[:_LINES]
    if len(data) > _SAMPLE:
        lines = lines[:-1]
    if not any(line.strip() for line in lines):
        return pa.table({}), False
    separator, width = _layout(lines)
    fields = [next(csv.reader([line], delimiter=separator), []) for line in lines]
    top = next(index for index, row in enumerate(fields) if len(row) == width)
    comma = separator != "," and any(_DECIMAL_COMMA.fullmatch(field) for row in fields[top:] for field in row)
    named = not any(_is_number(field, comma=comma) for field in fields[top])
    names = _unique(fields[top]) if named else [str(number + 1) for number in range(width)]
    body = [row for row in fields[top + named :] if len(row) == width]
    numbers = [all(_is_number(row[i], comma=comma) for row in body) for i in range(width)]
    whole = [number and all(row[i].strip().isdigit() for row in body) for i, number in enumerate(numbers)]
    types = {
        name: pa.int64() if whole[i] and len(body[0][i].strip()) > 8 else pa.float64() if numbers[i] else pa.string()
        for i, name in enumerate(names)
        if body
    }

    def read(types: dict[str, pa.DataType]) -> pa.Table:
        return arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(skip_rows=top + named, column_names=names),
            arrow_csv.ParseOptions(delimiter=separator),
            arrow_csv.ConvertOptions(column_types=types, decimal_point="," if comma else "."),
        )

    try:
        return read(types), named
    except pa.ArrowInvalid as error:
        if "CSV conversion error" not in str(error):
            raise
    # A column is not all that its first rows promised: as text, its reader can say which value is at fault.
    return read(dict.fromkeys(names, pa.string())), named


def _utf8(data: bytes) -> bytes:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _layout(lines: list[str]) -> tuple[str, int]:
    """The separator, and how many fields most lines have with it."""
    found = []
    for separator in _SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        width, times = widths.most_common(1)[0]
        found.append((width >= 5, times, width, separator))
    wide, _, width, separator = max(found)
    if not wide:
        raise DataError("it is no table of candles: time, open, high, low and close make five columns at least.")
    return separator, width


def _is_number(field: str, *, comma: bool) -> bool:
    return bool(_NUMBER.fullmatch(field.replace(",", ".") if comma else field))


def _unique(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for name in (name.strip() for name in names):
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return unique
