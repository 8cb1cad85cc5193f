"""What trading costs, and how much is traded: stated once, applied in the kernel and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bittrader.errors import InputError


@dataclass(frozen=True)
class Costs:
    """What the market takes.

    `fee`: per side, a fraction of notional. `slippage_bps`: basis points by which every fill is worse than its price.
    `funding_rate`: a fraction of notional that a long pays a short each `funding_hours` (a position held over the
    moment, which is a multiple of the period in UTC; charged at that bar's open).
    """

    fee: float = 0.001
    slippage_bps: float = 0.0
    funding_rate: float = 0.0
    funding_hours: float = 8.0

    def __post_init__(self) -> None:
        _within("fee", self.fee, 0.0, 0.5)
        _within("slippage_bps", self.slippage_bps, 0.0, 5_000.0)
        _within("funding_rate", self.funding_rate, -0.5, 0.5)
        _within("funding_hours", self.funding_hours, 1 / 60, 24 * 365)


@dataclass(frozen=True)
class Sizing:
    """How much of the equity is traded.

    `fraction`: of equity, times `leverage`, put into each position as notional. `risk_per_trade`: instead, the fraction
    of equity that is lost (before costs) when the stop is hit; never more than `fraction` allows. `maintenance_margin`:
    the position is liquidated when equity falls to this fraction of its notional.
    """

    fraction: float = 1.0
    risk_per_trade: float | None = None
    leverage: float = 1.0
    maintenance_margin: float = 0.005

    def __post_init__(self) -> None:
        _within("fraction", self.fraction, 1e-6, 1.0)
        _within("leverage", self.leverage, 1e-3, 125.0)
        _within("maintenance_margin", self.maintenance_margin, 0.0, 0.5)
        if self.risk_per_trade is not None:
            _within("risk_per_trade", self.risk_per_trade, 1e-6, 1.0)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} must be between {low:g} and {high:g}, not {value!r}.")
