"""One market's history as equal-length columns, checked once and never changed after."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.timeframe import Timeframe

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class Candles:
    """OHLCV bars of one symbol, oldest first.

    `time` is each bar's start in UTC milliseconds (int64); prices and volume are float64, volume in base units. Bars
    are in strictly rising order and start on multiples of the timeframe from the first bar; they may have gaps. Columns
    are made read-only. DataError when the columns do not form such a series.
    """

    symbol: str
    timeframe: Timeframe
    time: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    synthetic: bool = False

    def __post_init__(self) -> None:
        _freeze(self, "time", np.int64)
        for name in (*PRICES, "volume"):
            _freeze(self, name, np.float64)
        _require(len({column.shape for column in self.columns().values()}) == 1, "columns differ in length")
        _require(len(self.time) > 0, "there are no bars")
        steps, bar = np.diff(self.time), self.timeframe.milliseconds
        if not (steps == bar).all():
            _require((steps > 0).all(), "bars are not in rising order of time")
            _require((steps % bar == 0).all(), f"bars do not fit the {self.timeframe} grid")
        if not _consistent(self):
            prices = np.stack([getattr(self, name) for name in PRICES])
            _require(np.isfinite(prices).all() and (prices > 0).all(), "prices must be positive numbers")
            _require((prices.max(axis=0) == self.high).all(), "a high is below another price of its bar")
            _require((prices.min(axis=0) == self.low).all(), "a low is above another price of its bar")
        _require(np.isfinite(self.volume).all() and (self.volume >= 0).all(), "volumes must not be negative")

    def __repr__(self) -> str:
        first, last = (f"{np.datetime64(int(self.time[bar]), 'ms').astype('datetime64[m]')}" for bar in (0, -1))
        made_up = " synthetic" if self.synthetic else ""
        return f"<Candles {self.symbol} {self.timeframe}: {len(self):,}{made_up} bars, {first} to {last} UTC>"

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """The six columns by name, time first."""
        return {name: getattr(self, name) for name in ("time", *PRICES, "volume")}

    def head(self, bars: int) -> Candles:
        """The first `bars` bars."""
        return self.window(0, bars)

    def window(self, start: int, stop: int) -> Candles:
        """The bars from index `start` up to, not including, `stop`."""
        columns = {name: column[start:stop] for name, column in self.columns().items()}
        return Candles(symbol=self.symbol, timeframe=self.timeframe, synthetic=self.synthetic, **columns)  # type: ignore[arg-type]

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that differ when any bar or the timeframe differs; the symbol does not count."""
        digest = hashlib.blake2b(str(self.timeframe).encode(), digest_size=16)
        for column in self.columns().values():
            digest.update(np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<"), copy=False).data)
        return digest.hexdigest()


def _consistent(candles: Candles) -> bool:
    """Whether all prices are positive numbers between their bar's low and high. Quick: it runs at every load."""
    low, high = candles.low, candles.high
    inside = all(bool((low <= price).all() and (price <= high).all()) for price in (candles.open, candles.close))
    return inside and bool((low > 0).all() and (high < np.inf).all())


def _freeze(candles: Candles, name: str, dtype: type[np.generic]) -> None:
    column = np.ascontiguousarray(getattr(candles, name), dtype=dtype)
    view = column.view()
    view.flags.writeable = False
    object.__setattr__(candles, name, view)


def _require(holds: object, complaint: str) -> None:
    if not holds:
        raise DataError(f"These are not candles: {complaint}. `bittrader data check FILE` lists every problem.")
