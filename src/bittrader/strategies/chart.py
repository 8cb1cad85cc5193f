"""Candles with indicators drawn on them, each computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bittrader.market.candles import Candles


class Chart:
    """One series as a strategy sees it: its columns, and its indicators from a bounded cache."""

    def __init__(self, candles: Candles) -> None:
        self.candles = candles
        self.time = candles.time
        self.open = candles.open
        self.high = candles.high
        self.low = candles.low
        self.close = candles.close
        self.volume = candles.volume

    def __len__(self) -> int:
        return len(self.candles)
