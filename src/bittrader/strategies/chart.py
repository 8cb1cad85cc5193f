"""Candles with indicators drawn on them, each computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from bittrader.strategies import averages, oscillators, volatility
from bittrader.strategies.cache import Cache
from bittrader.strategies.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.market.candles import Candles
    from bittrader.strategies.arrays import Flags, Series

R = TypeVar("R")

CACHE_BYTES = 64 * 2**20
COLUMNS = ("open", "high", "low", "close", "volume")


class SumsOf(NamedTuple):
    """The prefix sums of an input."""

    source: str | Series


class Chart:
    """One series as a strategy sees it: its columns, and its indicators from a bounded cache.

    Indicators come back read-only: other threads and strategies read the same arrays. `of=` draws an indicator on
    another series than the usual one; results are kept when it is one of the chart's own columns.
    """

    def __init__(self, candles: Candles, cache_bytes: int = CACHE_BYTES) -> None:
        self.candles = candles
        self.time = candles.time
        self.open = candles.open
        self.high = candles.high
        self.low = candles.low
        self.close = candles.close
        self.volume = candles.volume
        self._cache = Cache(cache_bytes)

    def __len__(self) -> int:
        return len(self.candles)

    def sma(self, length: int = 20, of: Series | None = None) -> Series:
        """Simple moving average; one pass over the candles serves every length."""
        return self._draw(averages.mean, (SumsOf(self._source(of)),), length)

    def sma_crosses(self, fast: int, slow: int, of: Series | None = None) -> tuple[Flags, Flags]:
        """Where the simple average of `fast` bars crosses above, and below, that of `slow`; without making either."""
        sums: Sums = self._input(SumsOf(self._source(of)))
        return sums.crosses(fast, slow)

    def ema(self, length: int = 20, of: Series | None = None) -> Series:
        """Exponential moving average, started with the simple mean."""
        return self._draw(averages.ema, (self._source(of),), length)

    def rsi(self, length: int = 14, of: Series | None = None) -> Series:
        """Wilder's relative strength index, 0 to 100; 50 when nothing has moved."""
        return self._draw(oscillators.rsi, (self._source(of),), length)

    def atr(self, length: int = 14) -> Series:
        """Wilder's average true range."""
        return self._draw(volatility.atr, ("high", "low", "close"), length)

    def _source(self, of: Series | None, usual: str = "close") -> str | Series:
        """The name of the column that `of` is; else `of` itself."""
        if of is None:
            return usual
        return next((name for name in COLUMNS if getattr(self, name) is of), of)

    def _input(self, source: str | Series | SumsOf) -> Any:
        if isinstance(source, str):
            return getattr(self, source)
        return self._draw(Sums, (source.source,)) if isinstance(source, SumsOf) else source

    def _draw(self, indicator: Callable[..., R], sources: tuple[str | Series | SumsOf, ...], *settings: object) -> R:
        """The indicator of these sources; kept when every source is a column of ours."""

        def make() -> R:
            return _frozen(indicator(*map(self._input, sources), *settings))

        return self._cache.get((indicator, sources, settings), make) if all(map(_named, sources)) else make()


def _named(source: str | Series | SumsOf) -> bool:
    return isinstance(source.source if isinstance(source, SumsOf) else source, str)


def _frozen(result: R) -> R:
    """The same arrays behind views that nobody can make writable."""
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
        return result.view()
    if isinstance(result, tuple):
        return type(result)(*map(_frozen, result))
    return result
