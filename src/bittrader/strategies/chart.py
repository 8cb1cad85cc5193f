"""Candles with indicators drawn on them, each computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bittrader.errors import StrategyError
from bittrader.market.timeframe import Timeframe
from bittrader.strategies.cache import Cache
from bittrader.strategies.crossings import crossed_above, crossed_below
from bittrader.strategies.drawing import COLUMNS, Drawing, Made
from bittrader.strategies.higher import aligned, higher_bars
from bittrader.strategies.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.market.candles import Candles
    from bittrader.strategies.arrays import Flags, Series
    from bittrader.strategies.drawing import Source

R = TypeVar("R")

CACHE_BYTES = 128 * 2**20  # fifty-odd indicators of 300,000 bars


class Chart(Drawing):
    """One series as a strategy sees it: its columns, and its indicators from a bounded cache.

    Indicators come back read-only: other threads and strategies read the same arrays. `of=` draws an indicator on
    another series than the usual one. Results are kept when everything comes from the chart's own columns and all
    settings have at most two decimal places; others are made afresh, from kept parts as far as they have them.
    """

    def __init__(self, candles: Candles, cache_bytes: int = CACHE_BYTES) -> None:
        self.candles = candles
        self.time = candles.time
        for name in COLUMNS:
            setattr(self, name, getattr(candles, name))
        self._cache = Cache(cache_bytes)
        self._higher: dict[Timeframe, HigherChart] = {}

    def __len__(self) -> int:
        return len(self.candles)

    def sma_crosses(self, fast: int, slow: int, of: Series | None = None) -> tuple[Flags, Flags]:
        """Where the simple average of `fast` bars crosses above, and below, that of `slow`; without making either."""
        return self._draw(Sums, (self._source(of),)).crosses(fast, slow)

    def higher(self, timeframe: str) -> HigherChart:
        """The chart of a longer timeframe, as far as it is known at each bar's close."""
        longer = Timeframe.parse(timeframe)
        if longer not in self._higher:
            self._higher[longer] = HigherChart(self.candles, longer, self._cache)
        return self._higher[longer]

    def _input(self, source: Source) -> Any:
        if isinstance(source, str):
            return getattr(self, source)
        return self._draw(source.indicator, source.sources, *source.settings) if isinstance(source, Made) else source

    def _draw(self, indicator: Callable[..., R], sources: tuple[Source, ...], *settings: object) -> R:
        """The indicator of these sources; kept when it is likely to be asked for again."""

        def make() -> R:
            return _frozen(indicator(*map(self._input, sources), *settings))

        if not (all(map(_named, sources)) and all(map(_short, settings))):
            return make()
        return self._cache.get((self.candles.timeframe, indicator, sources, settings), make)


class HigherChart(Drawing):
    """A chart of a longer timeframe, with one value for each bar of the shorter one.

    Each bar sees the last longer bar that is complete at its close; before there is one, prices and indicators are NaN
    and `time`, the longer bar's start, is -1. Indicators are drawn on the longer bars, then spread out.
    """

    def __init__(self, candles: Candles, timeframe: Timeframe, cache: Cache) -> None:
        bars, self._last = higher_bars(candles, timeframe)
        self._chart = Chart(bars)
        self._chart._cache = cache  # noqa: SLF001 - its own charts' results share one bound
        self._cache = cache
        self.time = np.where(self._last < 0, -1, bars.time[self._last])
        self.time.flags.writeable = False
        for name in COLUMNS:
            setattr(self, name, self._spread(getattr(bars, name)))

    def __len__(self) -> int:
        return len(self._last)

    def sma_crosses(self, fast: int, slow: int, of: Series | None = None) -> tuple[Flags, Flags]:
        """Where the simple average of `fast` bars crosses above, and below, that of `slow`."""
        quick, steady = self.sma(fast, of), self.sma(slow, of)
        return crossed_above(quick, steady), crossed_below(quick, steady)

    def _draw(self, indicator: Callable[..., R], sources: tuple[Source, ...], *settings: object) -> R:
        if not all(map(_named, sources)):
            raise StrategyError("on a higher timeframe, of= takes one of that chart's own columns.")

        def make() -> R:
            return self._spread(self._chart._draw(indicator, sources, *settings))  # noqa: SLF001 - our own inner chart

        if not all(map(_short, settings)):
            return make()
        return self._cache.get(("spread", self._chart.candles.timeframe, indicator, sources, settings), make)

    def _spread(self, result: R) -> R:
        if isinstance(result, tuple):
            return type(result)(*map(self._spread, result))
        return _frozen(aligned(result, self._last))  # type: ignore[arg-type, return-value]


def _named(source: Source) -> bool:
    """Whether it comes from columns alone."""
    return all(map(_named, source.sources)) if isinstance(source, Made) else isinstance(source, str)


def _short(setting: Any) -> bool:
    """Whether it has at most two decimal places: a search hardly ever asks for the same long fraction twice."""
    return bool(round(setting, 2) == setting)


def _frozen(result: R) -> R:
    """The same arrays behind views that nobody can make writable."""
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
        return result.view()
    if isinstance(result, tuple):
        return type(result)(*map(_frozen, result))
    return result
