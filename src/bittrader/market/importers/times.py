"""Moments of any spelling as UTC milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bittrader.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

TimeUnit = Literal["s", "ms", "us", "ns"]
DateOrder = Literal["day-first", "month-first"]

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# Seconds since 1970 of the years 1980 to 2099: in no two units does one number lie in between.
_EARLIEST, _LATEST = 315_532_800, 4_102_444_800
_DATE = (
    r"^\s*(?P<a>\d{1,4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,4})"
    r"(?:[T\s]+(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::(?P<second>\d{2}))?(?:[.,](?P<fraction>\d{1,9}))?"
    r"[\s-]*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\s*$"
)
_EMPTY = np.int64(-1)


def milliseconds(column: pa.ChunkedArray, unit: TimeUnit | None, dates: DateOrder | None) -> tuple[Whole, list[str]]:
    """The column's moments, and what had to be assumed to read them. DataError when they leave a doubt."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise DataError(f"row {row + 1:,} has no time.")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _of_temporal(column)
    if _is_text(column.type):
        numbers = _as_numbers(column)
        return _of_text(column, dates) if numbers is None else _of_numbers(numbers, unit)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise DataError(f"its column of times holds {column.type}, which is no time.")
    return _of_numbers(column, unit)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _of_temporal(column: pa.ChunkedArray) -> tuple[Whole, list[str]]:
    naive = getattr(column.type, "tz", None) is None
    moments = column.cast(pa.timestamp("ms", None if naive else "UTC"), safe=False)
    notes = ["the times carry no zone and are read as UTC"] if naive and pa.types.is_timestamp(column.type) else []
    return np.asarray(moments.to_numpy()).astype("datetime64[ms]").view(np.int64), notes


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _of_numbers(column: pa.ChunkedArray, unit: TimeUnit | None) -> tuple[Whole, list[str]]:
    values = column.to_numpy()
    if unit is not None:
        return _scaled(values, unit), []
    milliseconds, known, units = np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_), []
    for name, per_second in _PER_SECOND.items():
        inside = (values >= _EARLIEST * per_second) & (values < _LATEST * per_second)
        if inside.any():
            milliseconds[inside] = _scaled(values[inside], name)
            known |= inside
            units.append(name)
    if not known.all():
        odd = values[~known][0]
        raise DataError(
            f"the time {odd} is in no unit that gives a year from 1980 to 2099. Say --time-unit s|ms|us|ns."
        )
    return milliseconds, [f"the times are partly in {' and partly in '.join(units)}"] if len(units) > 1 else []


def _scaled(values: NDArray[Any], unit: str) -> Whole:
    per_second = _PER_SECOND[unit]
    if np.issubdtype(values.dtype, np.integer):
        whole: Whole = (
            values.astype(np.int64) * 1000 if per_second == 1 else values.astype(np.int64) // (per_second // 1000)
        )
        return whole
    return np.rint(values * (1000 / per_second)).astype(np.int64)


def _of_text(column: pa.ChunkedArray, dates: DateOrder | None) -> tuple[Whole, list[str]]:
    parts = pc.extract_regex(column, _DATE)
    _refuse(np.asarray(parts.is_null()), column, "is no date that can be read. Write 2020-01-31 12:00")
    field = {parts.type.field(i).name: pc.struct_field(parts, i) for i in range(parts.type.num_fields)}
    number = {name: _whole(field[name]) for name in ("a", "b", "c", "hour", "minute", "second")}
    year_first = np.asarray(pc.utf8_length(field["a"])) == 4
    _refuse(~year_first & (np.asarray(pc.utf8_length(field["c"])) != 4), column, "has no year of four digits")
    day_first = _day_first(number["a"][~year_first], number["b"][~year_first], column, dates)
    year = np.where(year_first, number["a"], number["c"])
    month = np.where(year_first, number["b"], number["b"] if day_first else number["a"])
    day = np.where(year_first, number["c"], number["a"] if day_first else number["b"])
    hour, wrong_hour = _hour(number["hour"], field["half"])
    minute, second = np.maximum(number["minute"], 0), np.maximum(number["second"], 0)
    _refuse((month < 1) | (month > 12) | wrong_hour | (minute > 59) | (second > 59), column, "is no date")
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").view(np.int64) + day - 1
    _refuse((day < 1) | (days.view("datetime64[D]").astype("datetime64[M]") != months), column, "is no date")
    offset, notes = _offset(field["zone"])
    milliseconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
    return milliseconds * 1000 + _fraction(field["fraction"]), notes


def _refuse(bad: NDArray[np.bool_], column: pa.ChunkedArray, complaint: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{column[row].as_py()!r} (row {row + 1:,}) {complaint}.")


def _whole(texts: pa.ChunkedArray) -> Whole:
    """The numbers, -1 where there is none."""
    filled = pc.if_else(pc.equal(texts, ""), str(_EMPTY), texts)
    return np.asarray(filled.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _day_first(a: Whole, b: Whole, column: pa.ChunkedArray, dates: DateOrder | None) -> bool:
    """Whether the day comes before the month; only a number above 12, or the user, can say."""
    day_first, month_first = bool((a > 12).any()), bool((b > 12).any())
    if day_first and month_first:
        raise DataError("its dates have the day first in some rows, and the month first in others.")
    if len(a) and not (day_first or month_first):
        if dates is None:
            example = column[0].as_py()
            raise DataError(f"{example!r} may have the day or the month first. Say --dates day-first|month-first.")
        return dates == "day-first"
    if len(a) and dates is not None and day_first != (dates == "day-first"):
        raise DataError(f"its dates cannot be {dates}: one of them would have a month above 12.")
    return day_first


def _hour(hour: Whole, half: pa.ChunkedArray) -> tuple[Whole, NDArray[np.bool_]]:
    """The hour from 0 to 23, and where it is none."""
    halves = np.asarray(pc.utf8_lower(half).to_numpy(zero_copy_only=False), dtype=str)
    twelve = halves != ""
    wrong = np.where(twelve, (hour < 1) | (hour > 12), hour > 23)
    return np.where(twelve, hour % 12 + 12 * (halves == "pm"), np.maximum(hour, 0)), wrong


def _offset(zone: pa.ChunkedArray) -> tuple[Whole, list[str]]:
    """Minutes ahead of UTC, and what was assumed. There are few offsets, so each is read once."""
    coded = zone.combine_chunks().dictionary_encode()
    spellings = coded.dictionary.to_pylist()
    if "" in spellings and len(spellings) > 1:
        raise DataError("some of its dates carry an offset from UTC and others none.")
    minutes = np.array([_minutes(spelling) for spelling in spellings], dtype=np.int64)
    notes = ["the dates carry no offset and are read as UTC"] if spellings == [""] else []
    return minutes[coded.indices.to_numpy()], notes


def _minutes(spelling: str) -> int:
    if not spelling or spelling[0] not in "+-":
        return 0
    minutes = int(spelling[1:3]) * 60 + int(spelling[-2:])
    return -minutes if spelling[0] == "-" else minutes


def _fraction(texts: pa.ChunkedArray) -> Whole:
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(texts, 3, "0"), 0, 3)
    return np.asarray(padded.cast(pa.int64()).to_numpy(), dtype=np.int64)
