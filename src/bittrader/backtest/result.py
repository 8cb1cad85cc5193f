"""What one run gave, in full: trades, equity, metrics, and holding the market beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.backtest.metrics import Metrics
    from bittrader.market.candles import Candles
    from bittrader.strategies.parameters import Value


class Exit(IntEnum):
    """Why a position ended; `OPEN` is one that the last bar of its span leaves, which is not a trade."""

    OPEN = 0
    SIGNAL = 1
    STOP = 2
    TARGET = 3
    TRAIL = 4
    TIME = 5
    LIQUIDATION = 6


@dataclass(frozen=True, eq=False)
class Trades:
    """Closed trades in order, as equal-length columns; money in units of initial equity."""

    entry_bar: NDArray[np.int64]
    exit_bar: NDArray[np.int64]
    side: NDArray[np.int64]
    """1 long, -1 short."""
    entry_price: NDArray[np.float64]
    """Fill price, slippage included."""
    exit_price: NDArray[np.float64]
    """Fill price, slippage included."""
    size: NDArray[np.float64]
    """Units of the asset, positive, for an initial equity of 1."""
    profit: NDArray[np.float64]
    """Net of fees, slippage and funding."""
    profit_fraction: NDArray[np.float64]
    """Profit / equity at entry."""
    exit: NDArray[np.int64]
    """An `Exit`."""

    def __len__(self) -> int:
        return len(self.entry_bar)

    def __repr__(self) -> str:
        return f"<Trades: {len(self):,}>"


@dataclass(frozen=True)
class OpenPosition:
    """The position that the last bar leaves open; marked in the equity, not a trade."""

    entry_bar: int
    side: int
    entry_price: float
    size: float


@dataclass(frozen=True, eq=False)
class Result:
    """One strategy with one parameter set over one series, or over spans of it.

    `candles` are the bars traded, and all bar indexes count in these; `equity` is marked at each of their closes and
    starts from 1.
    """

    candles: Candles
    strategy: str
    params: Mapping[str, Value]
    costs: Costs
    sizing: Sizing
    metrics: Metrics
    trades: Trades
    open_position: OpenPosition | None
    equity: NDArray[np.float64] = field(repr=False)
    buy_and_hold: Metrics
    """The metrics of a long position from the open of each span's second bar, at the same costs, all equity."""
    buy_and_hold_equity: NDArray[np.float64] = field(repr=False)
