"""The trades' figures: what they earned, how long they lasted, and one of them close up."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import words
from bittrader.report.plot import Figure, candlesticks, gathered_bars, pack, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.result import Result

    Column = NDArray[Any]
    Json = dict[str, Any]


def trade_returns(fractions: Column) -> Figure:
    """How often a trade earned how much; gains and losses never share a bar."""
    low, high = np.quantile(fractions, [0.005, 0.995])
    width = _round_step(max(float(high - low), 1e-6) / 40)
    edges = np.arange(np.floor(low / width), np.ceil(max(high, low + width) / width) + 1) * width
    # A trade that earned exactly nothing did not win: bars are open on the left and closed on the right.
    counts = np.bincount(np.clip(np.searchsorted(edges, fractions, side="left") - 1, 0, len(edges) - 2))
    counts = np.pad(counts, (0, len(edges) - 1 - len(counts)))
    beyond = int(((fractions <= edges[0]) | (fractions > edges[-1])).sum())
    middling = float(np.median(fractions))
    middle = (edges[:-1] + edges[1:]) / 2
    return Figure(
        key="returns",
        title="What trades earned",
        alt=f"Histogram of the returns of {words.trades(len(fractions))}, median {words.percent(middling)}.",
        caption="Profit or loss after costs, as a fraction of equity at entry; the dotted line is the mean. Where a "
        "few trades far to the right carry it, the result hangs on their coming again."
        + (f" The outermost bars gather {words.trades(beyond)} from beyond them." if beyond else ""),
        data=[
            {
                "type": "bar",
                "x": pack(middle, "f8"),
                "y": counts.tolist(),
                "width": width * 0.92,
                "marker": {"color": ["var(--gain)" if x > 0 else "var(--loss)" for x in middle.tolist()]},
                "customdata": [f"{words.percent(a)} to {words.percent(b)}" for a, b in pairwise(edges)],
                "hovertemplate": "%{customdata}: %{y:,} trades<extra></extra>",
            }
        ],
        layout={
            "xaxis": {"tickformat": ".1~%"},
            "yaxis": {"title": {"text": "trades"}, "tickformat": ","},
            "shapes": [_mark(float(fractions.mean()))],
            "showlegend": False,
        },
        size="short",
    )


def holding_times(days: Column, *, won: Column) -> Figure:
    """How long trades lasted, gains and losses apart."""
    scale, unit = (1.0, "days") if np.median(days) >= 2 else (24.0, "hours")
    held = days * scale
    top = max(float(np.quantile(held, 0.99)), 1e-9)
    width = _round_step(top / 30)
    bins = np.minimum(np.floor(held / width), np.ceil(top / width)).astype(np.int64)
    size = int(bins.max()) + 1
    beyond = int((held > size * width).sum())
    x = (np.arange(size) + 0.5) * width
    ranges = [f"{words.count(a) if width >= 1 else f'{a:.3g}'} {unit}" for a in np.arange(size) * width]
    return Figure(
        key="holding",
        title="How long trades lasted",
        alt=f"Histogram of holding times of {words.trades(len(days))}, median {words.days(float(np.median(days)))}.",
        caption="From the entry bar's start to the exit bar's start. Where most are short, costs and fills decide; "
        "where losses last longest, exits come late."
        + (f" The last bar gathers {words.trades(beyond)} that lasted longer." if beyond else ""),
        data=[
            {
                "type": "bar",
                "name": name,
                "x": pack(x, "f8"),
                "y": np.bincount(bins[chosen], minlength=size).tolist(),
                "width": width * 0.92,
                "marker": {"color": colour},
                "customdata": ranges,
                "hovertemplate": "from %{customdata}: %{y:,} trades",
            }
            for name, chosen, colour in (("Gains", won, "var(--gain)"), ("Losses", ~won, "var(--loss)"))
        ],
        layout={
            "barmode": "stack",
            "xaxis": {"title": {"text": unit}},
            "yaxis": {"title": {"text": "trades"}, "tickformat": ","},
        },
        size="short",
    )


def _round_step(width: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(power * next(step for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9)))


def _mark(x: float) -> Json:
    line = {"color": "var(--ink)", "width": 1.2, "dash": "dot"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def close_up(result: Result, trade: int) -> Json:
    """The candles around one trade, as the page's close-up draws them."""
    trades, candles = result.trades, result.candles
    entry, leave = int(trades.entry_bar[trade]), int(trades.exit_bar[trade])
    margin = max(20, (leave - entry) // 3)
    bars, gathered = gathered_bars(candles, max(0, entry - margin), min(len(candles), leave + margin + 1), 160)
    fill = {"type": "scatter", "mode": "markers", "hovertemplate": "%{x|%Y-%m-%d %H:%M} at %{y:,.8~r}"}
    won = trades.profit[trade] > 0
    entered = {
        "size": 12,
        "symbol": "triangle-up" if trades.side[trade] > 0 else "triangle-down",
        "color": "var(--strategy)",
    }
    left = {
        "size": 12,
        "line": {"width": 2},
        "symbol": "circle-open" if won else "x-thin-open",
        "color": "var(--gain)" if won else "var(--loss)",
    }
    at = candles.time[[entry, leave]]
    prices = [float(trades.entry_price[trade]), float(trades.exit_price[trade])]
    return {
        "trade": trade,
        "entered": int(at[0]),
        "result": float(trades.profit_fraction[trade]),
        "gathered": gathered,
        "data": [
            candlesticks(bars, "f4"),
            fill | {"name": "Entry", "x": times(at[:1]), "y": prices[:1], "marker": entered},
            fill | {"name": "Exit", "x": times(at[1:]), "y": prices[1:], "marker": left},
        ],
    }
