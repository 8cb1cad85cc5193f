"""The part of a page that shows one run: what it earned beside holding the market, its trades, its conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.backtest.result import Exit
from bittrader.belief.verdict import FEWEST_TRADES
from bittrader.market.table import utc
from bittrader.report import figures, plot, trade_figures, words
from bittrader.report.conventions import conventions, data_facts
from bittrader.report.months import Year, monthly_returns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.metrics import Metrics
    from bittrader.backtest.result import Result
    from bittrader.report.plot import Figure

TRADES_LISTED = 10_000
_CLOSE_UPS = 6
_CARDS = ("total_return", "cagr", "sharpe", "max_drawdown", "profit_factor", "win_rate", "trades", "exposure")
_EXITS = {
    Exit.SIGNAL: "Signal",
    Exit.STOP: "Stop loss",
    Exit.TARGET: "Take profit",
    Exit.TRAIL: "Trailing stop",
    Exit.TIME: "Time limit",
    Exit.LIQUIDATION: "Liquidation",
}


@dataclass(frozen=True)
class Measure:
    """One metric of the strategy and of buying and holding, in words; the reasons explain an undefined one."""

    label: str
    value: str
    reason: str
    held: str
    held_reason: str


@dataclass(frozen=True)
class ExitRow:
    """How many trades ended for one reason, and what they earned."""

    reason: str
    count: int
    share: float
    win_rate: float
    average: float
    total: float


@dataclass(frozen=True)
class TradeList:
    """The trades' columns for the page's table, and what it says of those not listed."""

    columns: dict[str, Any]
    exits: tuple[str, ...]
    listed: int
    total: int
    close_ups: tuple[dict[str, Any], ...]
    summary: str


@dataclass(frozen=True)
class RunPart:
    """All that the template shows of one run over one series of candles."""

    comparison: str
    """How it compares with buying and holding, in a sentence."""
    warnings: tuple[str, ...]
    cards: tuple[Measure, ...]
    measures: tuple[Measure, ...]
    performance: Figure
    price: Figure
    distributions: tuple[Figure, ...]
    years: tuple[Year, ...]
    trades: TradeList | None
    exits: tuple[ExitRow, ...]
    conventions: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return (self.performance, self.price, *self.distributions)


def run_part(result: Result, of: int = 1) -> RunPart:
    """What a page says about one run; `of`: over how many series the same parameters ran, this being the first."""
    measures = tuple(_measure(name, result.metrics, result.buy_and_hold) for name in words.WORDS)
    by_name = dict(zip(words.WORDS, measures, strict=True))
    return RunPart(
        comparison=_first_of(result, of) + _comparison(result),
        warnings=_warnings(result),
        cards=tuple(by_name[name] for name in _CARDS),
        measures=measures,
        performance=figures.equity(result),
        price=figures.price(result),
        distributions=_distributions(result),
        years=monthly_returns(result.candles.time, result.equity),
        trades=_trade_list(result),
        exits=_exits(result),
        conventions=conventions(result),
        data=data_facts(result.candles),
    )


def _measure(name: str, metrics: Metrics, held: Metrics) -> Measure:
    value, beside = getattr(metrics, name), getattr(held, name)
    return Measure(
        label=words.label(name),
        value=words.metric(name, value),
        reason=_reason(name, value, metrics),
        held=words.metric(name, beside),
        held_reason=_reason(name, beside, held),
    )


def _reason(name: str, value: float | None, metrics: Metrics) -> str:
    if value is not None:
        return ""
    traded = name in {"win_rate", "profit_factor", "expectancy", "average_win", "average_loss", "average_trade_days"}
    why = "there are no closed trades" if traded and metrics.trades == 0 else words.WORDS[name].undefined
    return f"Undefined: {why}."


def _first_of(result: Result, of: int) -> str:
    if of == 1:
        return ""
    return f"This part and the next show {result.candles.symbol}, the first of {of:,} series; the others follow below. "


def _comparison(result: Result) -> str:
    earned, held = result.metrics.total_return, result.buy_and_hold.total_return
    comparison = "more than" if earned > held else "less than" if earned < held else "the same as"
    returns = (words.minus(words.percent(value)) for value in (earned, held))
    return (
        f"It returned {next(returns)}, {comparison} the {next(returns)} of buying and holding, with a "
        f"largest drawdown of {words.percent(result.metrics.max_drawdown)} against "
        f"{words.percent(result.buy_and_hold.max_drawdown)}."
    )


def _warnings(result: Result) -> tuple[str, ...]:
    said = []
    if bool((result.trades.exit == Exit.LIQUIDATION).any()):
        said.append("A position was liquidated: the margin was gone.")
    if result.equity[-1] <= 0:
        said.append("The equity was lost entirely.")
    if len(result.trades) == 0:
        said.append("No trade was closed, so nothing is known about this strategy's trades.")
    elif len(result.trades) < FEWEST_TRADES:
        said.append(f"Only {words.trades(len(result.trades))} closed: too few to tell skill from luck.")
    if (position := result.open_position) is not None:
        side, since = "long" if position.side > 0 else "short", int(result.candles.time[position.entry_bar])
        said.append(
            f"A {side} position opened {utc(since)} UTC was still open at the end: it is marked in the "
            "equity at the last close, and is not counted as a trade."
        )
    return tuple(said)


def _distributions(result: Result) -> tuple[Figure, ...]:
    trades = result.trades
    if not len(trades):
        return ()
    return (
        trade_figures.trade_returns(trades.profit_fraction),
        trade_figures.holding_times(_days(result), won=trades.profit > 0),
    )


def _days(result: Result) -> NDArray[np.float64]:
    time = result.candles.time
    days: NDArray[np.float64] = (time[result.trades.exit_bar] - time[result.trades.entry_bar]) / 86_400_000
    return days


def _trade_list(result: Result) -> TradeList | None:
    trades, time = result.trades, result.candles.time
    total = len(trades)
    if not total:
        return None
    listed = slice(0, TRADES_LISTED)
    columns = {
        "entry": plot.pack(time[trades.entry_bar[listed]], "f8"),
        "exit": plot.pack(time[trades.exit_bar[listed]], "f8"),
        "side": plot.pack(trades.side[listed], "i1"),
        "entryPrice": plot.pack(trades.entry_price[listed], "f8"),
        "exitPrice": plot.pack(trades.exit_price[listed], "f8"),
        "bars": plot.pack((trades.exit_bar - trades.entry_bar)[listed], "i4"),
        "result": plot.pack(trades.profit_fraction[listed]),
        "reason": plot.pack(trades.exit[listed], "i1"),
    }
    left_out = (
        f" The table lists the first {TRADES_LISTED:,}; every figure and total on this page counts all of them."
        if total > TRADES_LISTED
        else ""
    )
    won = int((trades.profit > 0).sum())
    return TradeList(
        columns=columns,
        exits=tuple(_EXITS.get(reason, "") for reason in Exit),
        listed=min(total, TRADES_LISTED),
        total=total,
        close_ups=_close_ups(result),
        summary=f"{words.trades(total)}: {won:,} won, {total - won:,} lost or broke even.{left_out}",
    )


def _close_ups(result: Result) -> tuple[dict[str, Any], ...]:
    """The best, the worst and the latest trades, with the candles around them; none twice."""
    fractions = result.trades.profit_fraction
    order = np.argsort(-fractions, kind="stable")
    groups: dict[str, Sequence[int]] = {
        "Best": order[:_CLOSE_UPS].tolist(),
        "Worst": order[::-1][:_CLOSE_UPS].tolist(),
        "Latest": list(range(len(fractions) - 1, max(-1, len(fractions) - 1 - _CLOSE_UPS), -1)),
    }
    seen: dict[int, dict[str, Any]] = {}
    for group, chosen in groups.items():
        for trade in chosen:
            if trade not in seen:
                seen[trade] = trade_figures.close_up(result, trade) | {"group": group}
    return tuple(seen.values())


def _exits(result: Result) -> tuple[ExitRow, ...]:
    trades = result.trades
    rows = []
    for reason, name in _EXITS.items():
        chosen = trades.exit == reason
        if chosen.any():
            rows.append(
                ExitRow(
                    reason=name,
                    count=int(chosen.sum()),
                    share=float(chosen.mean()),
                    win_rate=float((trades.profit[chosen] > 0).mean()),
                    average=float(trades.profit_fraction[chosen].mean()),
                    total=float(trades.profit[chosen].sum()),
                )
            )
    return tuple(sorted(rows, key=lambda row: -row.count))
