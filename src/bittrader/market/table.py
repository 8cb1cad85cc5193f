"""Rows of candles as a source gave them: nothing promised but equal-length columns in the right units."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import InputError
from bittrader.market.candles import PRICES, Candles
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

COLUMNS = ("time", *PRICES, "volume")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Table:
    """Equal-length columns in the order of the source: `time` in UTC milliseconds (int64), the others float64."""

    time: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The six columns by name, time first."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def take(self, rows: NDArray[Any] | slice) -> Table:
        """The rows that a mask, an index or a slice names."""
        return Table(**{name: column[rows] for name, column in self.columns().items()})

    def prices(self) -> NDArray[np.float64]:
        """Open, high, low and close, shape (4, rows)."""
        return np.stack([self.open, self.high, self.low, self.close])

    def between(self, since: int | None, until: int | None) -> Table:
        """The rows that start at `since` or later and before `until` (UTC milliseconds)."""
        inside = np.ones(len(self), dtype=np.bool_)
        if since is not None:
            inside &= self.time >= since
        if until is not None:
            inside &= self.time < until
        return self if inside.all() else self.take(inside)

    def candles(self, symbol: str, timeframe: Timeframe, *, synthetic: bool = False) -> Candles:
        """The rows as candles; DataError when they are none."""
        return Candles(symbol=symbol, timeframe=timeframe, synthetic=synthetic, **self.columns())


def table_of(candles: Candles) -> Table:
    """The candles' columns as a table."""
    return Table(**candles.columns())  # type: ignore[arg-type]


def joined(tables: Iterable[Table]) -> Table:
    """The tables' rows, one table after the other."""
    parts = list(tables)
    if len(parts) == 1:
        return parts[0]
    return Table(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def utc(milliseconds: int) -> str:
    """The moment as a person reads it in UTC: no more digits than it needs."""
    try:
        moment = _EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        return f"{milliseconds} ms"
    if moment.microsecond:
        return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def moment(text: str) -> int:
    """The UTC milliseconds of an ISO date or time; InputError when it is none. Without an offset it is UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date. Write 2020-01-31, or 2020-01-31T12:00.") from None
    return round(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1000)


def rising(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different times in rising order."""
    return time if (np.diff(time) > 0).all() else np.unique(time)


def typical_step(time: NDArray[np.int64]) -> Timeframe | None:
    """The bar length that the times themselves show; None when they leave a doubt.

    It is the commonest step between neighbours; certain when half of the steps have it, or when it comes more than once
    and all steps are its multiples.
    """
    steps = np.diff(rising(time))
    if len(steps) == 0:
        return None
    lengths, counts = np.unique(steps, return_counts=True)
    commonest, times = int(lengths[counts.argmax()]), int(counts.max())
    certain = 2 * times >= len(steps) or (times > 1 and (lengths % commonest == 0).all())
    return Timeframe(commonest) if certain else None
