"""The conventions of the engine, spelled out bar by bar in plain Python: slow, obvious, and the judge of the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.market.candles import Candles
    from bittrader.strategies.base import Signals


@dataclass
class Position:
    side: int
    size: float
    entry_bar: int
    entry_price: float
    equity_before: float
    stop: float | None
    target: float | None
    trail: float | None
    best: float


@dataclass
class Trade:
    entry_bar: int
    exit_bar: int
    side: int
    entry_price: float
    exit_price: float
    size: float
    profit: float
    profit_fraction: float
    exit: str


@dataclass
class Run:
    equity: list[float]
    trades: list[Trade]
    position: Position | None
    """What the last bar of all leaves open."""
    metrics: dict[str, float | None]


class Account:
    def __init__(self, costs: Costs, sizing: Sizing) -> None:
        self.costs, self.sizing = costs, sizing
        self.cash = 1.0
        self.position: Position | None = None
        self.trades: list[Trade] = []
        self.costs_paid = 0.0

    def enter(self, bar: int, side: int, price: float, distances: dict[str, float | None]) -> None:
        equity = self.cash
        fill = price * (1 + side * self.costs.slippage_bps / 1e4)
        size = self.sizing.fraction * self.sizing.leverage * equity / (fill * (1 + self.costs.fee))
        if self.sizing.risk_per_trade is not None:
            distance = distances["stop"]
            assert distance is not None
            if distance > 0:
                size = min(size, self.sizing.risk_per_trade * equity / distance)
        self.cash -= side * size * fill + size * fill * self.costs.fee
        self.costs_paid += size * fill * self.costs.fee + size * abs(fill - price)
        stop, target, trail = distances["stop"], distances["target"], distances["trail"]
        self.position = Position(
            side=side,
            size=size,
            entry_bar=bar,
            entry_price=fill,
            equity_before=equity,
            stop=None if stop is None else fill - side * stop,
            target=None if target is None else fill + side * target,
            trail=trail,
            best=fill,
        )

    def leave(self, bar: int, price: float, why: str) -> None:
        held = self.position
        assert held is not None
        fill = price * (1 - held.side * self.costs.slippage_bps / 1e4)
        fee = held.size * fill * self.costs.fee
        self.cash = max(self.cash + held.side * held.size * fill - fee, 0.0)
        self.costs_paid += fee + held.size * abs(fill - price)
        profit = self.cash - held.equity_before
        self.trades.append(
            Trade(
                entry_bar=held.entry_bar,
                exit_bar=bar,
                side=held.side,
                entry_price=held.entry_price,
                exit_price=fill,
                size=held.size,
                profit=profit,
                profit_fraction=profit / held.equity_before,
                exit=why,
            )
        )
        self.position = None

    def drop(self, equity: list[float]) -> None:
        """Takes what the open position was worth at the last close for cash."""
        if self.position is not None:
            self.cash = equity[-1]
            self.position = None

    def pay_funding(self, price: float, payments: int) -> None:
        held = self.position
        assert held is not None
        amount = held.side * held.size * price * self.costs.funding_rate * payments
        self.cash -= amount
        self.costs_paid += amount

    def liquidation_price(self) -> float:
        """Where equity is the maintenance margin: cash + side * size * p = margin * size * p."""
        held = self.position
        assert held is not None
        if held.side > 0:
            return -self.cash / (held.size * (1 - self.sizing.maintenance_margin))
        return self.cash / (held.size * (1 + self.sizing.maintenance_margin))

    def watch(self, bar: int, open_: float, high: float, low: float) -> None:
        """Within a bar: the nearest of stop, trailing stop and liquidation first, then the target."""
        held = self.position
        assert held is not None
        levels = []
        if held.stop is not None:
            levels.append((held.stop, "STOP"))
        if held.trail is not None:
            levels.append((held.best - held.side * held.trail, "TRAIL"))
        levels.append((self.liquidation_price(), "LIQUIDATION"))
        level, why = max(levels, key=lambda pair: held.side * pair[0])
        worst, best = (low, high) if held.side > 0 else (high, low)
        if held.side * (open_ - level) <= 0:
            self.leave(bar, open_, why)
        elif held.side * (worst - level) <= 0:
            self.leave(bar, level, why)
        elif held.target is not None and held.side * (open_ - held.target) >= 0:
            self.leave(bar, open_, "TARGET")
        elif held.target is not None and held.side * (best - held.target) >= 0:
            self.leave(bar, held.target, "TARGET")
        else:
            held.best = max(held.best, high) if held.side > 0 else min(held.best, low)

    def equity(self, price: float) -> float:
        held = self.position
        return self.cash if held is None else self.cash + held.side * held.size * price


def run(
    candles: Candles,
    signals: Signals,
    costs: Costs,
    sizing: Sizing,
    spans: Sequence[tuple[int, int]] | None = None,
    delay: int = 0,
) -> Run:
    account = Account(costs, sizing)
    equity: list[float] = []
    exposed = 0
    spans = spans or [(0, len(candles))]
    for start, stop in spans:
        account.drop(equity)
        for bar in range(start, stop):
            if bar > start and bar - 1 - delay >= 0:
                trade_open(account, candles, signals, bar, bar - 1 - delay)
            if account.position is not None:
                account.watch(bar, *(float(x[bar]) for x in (candles.open, candles.high, candles.low)))
            equity.append(account.equity(float(candles.close[bar])))
            exposed += account.position is not None
    return Run(equity, account.trades, account.position, measure(candles, spans, equity, exposed, account))


def trade_open(account: Account, candles: Candles, signals: Signals, bar: int, said: int) -> None:
    """What happens at a bar's open, by what the strategy said at the close of the bar `said`."""
    open_ = float(candles.open[bar])
    if account.position is not None:
        account.pay_funding(open_, funding_moments(candles, account.costs, bar))
    if account.position is not None:
        held = account.position
        wanted = signals.exit_long if held.side > 0 else signals.exit_short
        if wanted is not None and wanted[said]:
            account.leave(bar, open_, "SIGNAL")
        elif signals.max_bars is not None and bar - held.entry_bar >= signals.max_bars:
            account.leave(bar, open_, "TIME")
    if account.position is None and account.cash > 0:
        side = wanted_side(signals, said)
        distances = {
            name: None if column is None else float(column[said])
            for name, column in (("stop", signals.stop), ("target", signals.target), ("trail", signals.trail))
        }
        known = not any(value is not None and math.isnan(value) for value in distances.values())
        if side != 0 and known:
            account.enter(bar, side, open_, distances)


def funding_moments(candles: Candles, costs: Costs, bar: int) -> int:
    """Multiples of the funding period in (this bar's predecessor's start, this bar's start]."""
    period = round(costs.funding_hours * 3_600_000)
    return int(candles.time[bar]) // period - int(candles.time[bar - 1]) // period


def wanted_side(signals: Signals, bar: int) -> int:
    long = signals.enter_long is not None and bool(signals.enter_long[bar])
    short = signals.enter_short is not None and bool(signals.enter_short[bar])
    return int(long) - int(short)


def growth_a_year(final: float, years: float) -> float | None:
    """Undefined where it is larger than any float: a few bars of a ruinous leverage, a year long."""
    try:
        return final ** (1 / years) - 1
    except OverflowError:
        return None


def measure(
    candles: Candles, spans: Sequence[tuple[int, int]], equity: list[float], exposed: int, account: Account
) -> dict[str, float | None]:
    bars_per_year = candles.timeframe.bars_per_year
    pairs = list(pairwise(equity))
    returns = [after / before - 1 if before > 0 else 0.0 for before, after in pairs]
    mean = math.fsum(returns) / len(returns) if returns else math.nan
    variance = math.fsum((r - mean) ** 2 for r in returns) / (len(returns) - 1) if len(returns) > 1 else 0.0
    deviation = math.sqrt(variance)
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in returns) / len(returns)) if returns else 0.0
    peak, drawdown, under, longest = equity[0], 0.0, 0, 0
    for value in equity:
        peak = max(peak, value)
        drawdown = max(drawdown, 1 - value / peak)
        under = under + 1 if value < peak else 0
        longest = max(longest, under)
    inside = sum(int(candles.time[stop - 1]) - int(candles.time[start]) for start, stop in spans)
    between = (len(spans) - 1) * candles.timeframe.milliseconds
    years = (inside + between) / (365 * 86_400_000)
    cagr = growth_a_year(equity[-1], years) if years > 0 else None
    trades = account.trades
    gains = math.fsum(t.profit for t in trades if t.profit > 0)
    losses = -math.fsum(t.profit for t in trades if t.profit <= 0)
    wins = [t.profit_fraction for t in trades if t.profit > 0]
    others = [-t.profit_fraction for t in trades if t.profit <= 0]
    lengths = [t.exit_bar - t.entry_bar for t in trades]
    days = candles.timeframe.days
    return {
        "total_return": equity[-1] - 1,
        "cagr": cagr,
        "sharpe": mean / deviation * math.sqrt(bars_per_year) if deviation > 0 else None,
        "sortino": mean / downside * math.sqrt(bars_per_year) if downside > 0 and len(returns) > 1 else None,
        "calmar": cagr / drawdown if cagr is not None and drawdown > 0 else None,
        "volatility": deviation * math.sqrt(bars_per_year) if len(returns) > 1 else None,
        "max_drawdown": drawdown,
        "longest_drawdown_days": longest * days,
        "exposure": exposed / len(equity),
        "trades": len(trades),
        "win_rate": len(wins) / len(trades) if trades else None,
        "profit_factor": gains / losses if losses > 0 else None,
        "expectancy": math.fsum(t.profit_fraction for t in trades) / len(trades) if trades else None,
        "average_win": math.fsum(wins) / len(wins) if wins else None,
        "average_loss": math.fsum(others) / len(others) if others else None,
        "average_trade_days": sum(lengths) * days / len(trades) if trades else None,
        "costs_paid": account.costs_paid,
    }
