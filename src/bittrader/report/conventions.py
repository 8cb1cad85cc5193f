"""What a reader must know to trust a number: the engine's conventions and the facts of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.market.table import utc
from bittrader.report import words

if TYPE_CHECKING:
    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.backtest.result import Result
    from bittrader.market.candles import Candles


_FILLS = (
    "A signal at a bar's close fills at the next bar's open. Inside a bar, an open beyond the stop fills at the open; "
    "else the stop comes first, then the target, because a bar does not tell its order."
)
_OPEN = (
    "A position that the last bar leaves open is marked in the equity, not closed, and is not a trade: figures of "
    "trades do not count it."
)
_SHARPE = (
    "Mean of the returns from close to close, divided by their standard deviation (ddof 1), times the square root of "
    "the bars in a year (here {bars:,.0f}); no riskless rate is subtracted (Sharpe 1994)."
)
_SORTINO = (
    "The same mean divided by the root mean square of the negative returns over all bars, times the same square root."
)
_DRAWDOWN = (
    "The fall of equity, marked at closes, from its highest so far (1 at the start); moves inside a bar do not show. "
    "The longest runs from a peak until it is exceeded, or until the end."
)
_UNDEFINED = (
    f"“{words.UNDEFINED}” means that a figure has no value (a profit factor without a loss, say), which is not zero; "
    "hover over it for the reason."
)


def conventions(result: Result) -> tuple[tuple[str, str], ...]:
    """How fills, costs and measures were reckoned in this run, as terms and their meaning."""
    return (
        ("Fills", _FILLS),
        ("Fees and slippage", _fees(result.costs)),
        ("Funding", _funding(result.costs)),
        ("Size", _size(result.sizing)),
        ("Equity", "Starts at 1 and is marked at each bar's close, the open position included."),
        ("Open at the end", _OPEN),
        ("Sharpe ratio", _SHARPE.format(bars=result.candles.timeframe.bars_per_year)),
        ("Sortino ratio", _SORTINO),
        ("A year", "365 days of a market that never closes."),
        ("Drawdown", _DRAWDOWN),
        ("Calmar ratio", "Growth a year divided by the largest drawdown."),
        ("Profit factor", "Sum of gains divided by sum of losses over closed trades, after costs."),
        ("Trade returns", "Profit or loss after all costs, as a fraction of equity at entry."),
        ("Months", "A bar belongs to the UTC month in which it starts. Months compound to years, years to the total."),
        ("Buy and hold", "One long position from the second bar's open to the end, all equity, at the same costs."),
        ("Undefined", _UNDEFINED),
    )


def data_facts(candles: Candles) -> tuple[tuple[str, str], ...]:
    """What was tested on, as terms and their values."""
    steps = np.diff(candles.time) // candles.timeframe.milliseconds
    missing, gaps = int((steps - 1).sum()), int((steps > 1).sum())
    return (
        ("Symbol", candles.symbol),
        ("Bar length", str(candles.timeframe)),
        ("Bars", f"{len(candles):,}"),
        ("First bar", f"{utc(candles.time[0])} UTC"),
        ("Last bar", f"{utc(candles.time[-1])} UTC"),
        ("Gaps", f"{gaps:,} with {missing:,} missing bars, the longest {int(steps.max()) - 1:,}" if gaps else "none"),
        ("Bars without volume", f"{int((candles.volume == 0).sum()):,}"),
        (
            "Origin",
            "synthetic: made by a random generator, no market's history" if candles.synthetic else "as imported",
        ),
        ("Fingerprint", candles.fingerprint),
    )


def _fees(costs: Costs) -> str:
    slip = f"{costs.slippage_bps:g} basis points against you at every fill" if costs.slippage_bps else "none"
    return f"Fee {100 * costs.fee:g}% of notional at each side. Slippage: {slip}."


def _funding(costs: Costs) -> str:
    if not costs.funding_rate:
        return "None charged."
    return (
        f"{100 * costs.funding_rate:g}% of notional every {costs.funding_hours:g} hours (UTC), paid by longs to shorts "
        "when positive, charged at the open of the bar in which it falls due."
    )


def _size(sizing: Sizing) -> str:
    if sizing.risk_per_trade is not None:
        size = (
            f"So that a stopped trade loses {100 * sizing.risk_per_trade:g}% of equity before costs, and never more "
            f"than {100 * sizing.fraction:g}% of equity"
        )
    else:
        size = f"{100 * sizing.fraction:g}% of equity in each position"
    leverage = "without leverage" if sizing.leverage == 1.0 else f"times a leverage of {sizing.leverage:g}"
    return (
        f"{size}, {leverage}. A position is liquidated when equity falls to "
        f"{100 * sizing.maintenance_margin:g}% of its notional."
    )
