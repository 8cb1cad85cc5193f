"""A series, costs and signals as the kernel takes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bittrader.backtest import inputs
from bittrader.market.timeframe import HOUR_MS
from bittrader.strategies.base import Multiple, Signals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.market.candles import Candles

    Prices = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Column = TypeVar("Column", bound=np.generic)

# Squared returns of a series that add up to this much hold a bad tick: ten years of bitcoin's minutes give about 20.
_WILD = 1e3


def readonly(column: NDArray[Column]) -> NDArray[Column]:
    """The column as the kernel was compiled for it: contiguous and read-only."""
    view = column.view() if column.flags.c_contiguous else column.copy()
    view.setflags(write=False)
    return view


_NO_FLAGS = readonly(np.empty(0, dtype=np.bool_))
_NO_DISTANCE = (readonly(np.empty(0)), 1.0)


@lru_cache(maxsize=4)
def market(candles: Candles) -> inputs.Market:
    """What the kernel needs of a series."""
    changes = np.concatenate(([0.0], candles.close[1:] / candles.close[:-1] - 1.0))
    sums = inputs.running_sums(np.column_stack((changes, changes**2, np.minimum(changes, 0.0) ** 2)))
    following, lowest = inputs.next_record(candles.close)
    return inputs.Market(
        bars=readonly(np.column_stack((candles.open, candles.high, candles.low, candles.close))),
        close=candles.close,
        sums=readonly(np.column_stack((candles.open, sums))),
        next_record=readonly(following),
        lowest_between=readonly(lowest),
        calm=bool(sums[-1, 1] < _WILD),
        bars_per_year=candles.timeframe.bars_per_year,
        days_per_bar=candles.timeframe.days,
    )


def terms(candles: Candles, costs: Costs, sizing: Sizing) -> inputs.Terms:
    """What trading takes, and how much is traded."""
    return inputs.Terms(
        fee=costs.fee,
        slippage=costs.slippage_bps / 1e4,
        funding=readonly(_funding(candles, costs)),
        notional=sizing.fraction * sizing.leverage,
        risk=np.nan if sizing.risk_per_trade is None else sizing.risk_per_trade,
        maintenance=sizing.maintenance_margin,
    )


def _funding(candles: Candles, costs: Costs) -> Prices:
    """The fraction of notional that a long pays at each bar's open: the rate, per funding moment since the last."""
    if costs.funding_rate == 0.0:
        return np.empty(0)
    moments = candles.time // round(costs.funding_hours * HOUR_MS)
    return costs.funding_rate * np.diff(moments, prepend=moments[0]).astype(np.float64)


def orders(signals: Signals, delay: int) -> inputs.Orders:
    """The signals, each acted on `delay` bars later."""

    def flags(column: Flags | None) -> Flags:
        return _NO_FLAGS if column is None else readonly(_later(column, delay, nothing=False))

    def distance(given: Prices | Multiple | None) -> tuple[Prices, float]:
        if given is None:
            return _NO_DISTANCE
        column, times = (given.of, given.times) if isinstance(given, Multiple) else (given, 1.0)
        return readonly(_later(column, delay, nothing=np.nan)), times

    stop, stop_times = distance(signals.stop)
    target, target_times = distance(signals.target)
    trail, trail_times = distance(signals.trail)
    return inputs.Orders(
        enter_long=flags(signals.enter_long),
        exit_long=flags(signals.exit_long),
        enter_short=flags(signals.enter_short),
        exit_short=flags(signals.exit_short),
        stop=stop,
        target=target,
        trail=trail,
        stop_times=stop_times,
        target_times=target_times,
        trail_times=trail_times,
        max_bars=signals.max_bars or 0,
    )


def _later(column: NDArray[Column], bars: int, nothing: float) -> NDArray[Column]:
    """The column moved to later bars, `nothing` before it begins."""
    if bars == 0:
        return column
    moved = np.full_like(column, nothing)
    moved[bars:] = column[:-bars]
    return moved
