"""A run's figures as plain dictionaries, in the words of plotly.js; importing Plotly's Python takes longer than this.

Colours are names of CSS variables, so that a page decides them; long columns are base64 of little-endian numbers, and
times (`{"time": column}`) are UTC milliseconds, which the page turns to dates itself, because Plotly would shift
numbers to the reader's time zone.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import thin, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.result import Result
    from bittrader.market.candles import Candles

    Column = NDArray[Any]
    Json = dict[str, Any]

CANDLES_SHOWN = 600
MARKERS_SHOWN = 120

_LOG_STEP = "D2"  # ticks at 1, 2 and 5


@dataclass(frozen=True)
class Button:
    """A choice of view: its words, and what it sets in the figure (`layout.yaxis.type` → `log`)."""

    text: str
    sets: Json
    pressed: bool = False


@dataclass(frozen=True)
class Figure:
    """A plot with its words: `alt` says what it shows to who cannot see it, `caption` what to know when reading it."""

    key: str
    title: str
    alt: str
    caption: str
    data: list[Json]
    layout: Json
    size: str = "tall"
    buttons: tuple[Button, ...] = ()

    def spec(self) -> Json:
        """What plotly.js draws."""
        return {"data": self.data, "layout": self.layout}


def pack(column: Column, dtype: str = "f4") -> Json:
    """A column as plotly.js reads typed arrays."""
    raw = np.ascontiguousarray(column).astype(f"<{dtype}", copy=False)
    return {"dtype": dtype, "bdata": base64.b64encode(raw.tobytes()).decode()}


def times(column: Column) -> Json:
    """A column of UTC milliseconds that the page turns to dates."""
    return {"time": pack(column, "f8")}


def plain(text: str) -> str:
    """Text that plotly.js shows as it stands, not as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def thinned(shown: int, size: int) -> str:
    """Says that points were left out, when they were."""
    if shown >= size:
        return ""
    return (
        f" Drawn from {shown:,} of {size:,} points: each of the equal stretches of time keeps its first, last, "
        "lowest and highest point, so no spike or drawdown is lost."
    )


def drawdown(equity: Column) -> Column:
    """The fall from the highest equity so far (1 at the start), as a negative fraction."""
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    fall: Column = equity / peak - 1.0
    return fall


def equity(result: Result) -> Figure:
    """Equity above drawdown, the strategy against buying and holding."""
    time = result.candles.time
    both = (result.equity, result.buy_and_hold_equity)
    at = thin.keep(*both)
    falls = tuple(map(drawdown, both))
    fall_at = thin.keep(*falls)
    scale = _scale(np.concatenate([column[at] for column in both]))
    names, colours = ("Strategy", "Buy and hold"), ("var(--strategy)", "var(--held)")
    lines = [
        _line(name, time[at], column[at], colour, "%{y:,.4~r} times the start")
        for name, column, colour in zip(names, both, colours, strict=True)
    ]
    fallen = [
        _line(name, time[fall_at], column[fall_at], colour, "%{y:.2%}") | {"yaxis": "y2", "showlegend": False}
        for name, column, colour in zip(names, falls, colours, strict=True)
    ]
    fallen[0] |= {"fill": "tozeroy", "fillcolor": "var(--strategy-soft)"}
    lost = " Equity of 0 has no place on a log scale: the line ends there." if result.equity.min() <= 0 else ""
    return Figure(
        key="equity",
        title="Equity and drawdown",
        alt=(
            f"Lines over time. The strategy's equity ends at {words.ratio(float(result.equity[-1]))} times the start "
            f"with a largest drawdown of {words.percent(result.metrics.max_drawdown)}; buying and holding ends at "
            f"{words.ratio(float(result.buy_and_hold_equity[-1]))} times with "
            f"{words.percent(result.buy_and_hold.max_drawdown)}."
        ),
        caption=(
            "Above: equity as a multiple of the start, marked at each close, all costs paid. Below: the fall from the "
            "highest equity so far." + lost + thinned(max(len(at), len(fall_at)), len(time))
        ),
        data=[lines[1], lines[0], fallen[1], fallen[0]],
        layout={
            "xaxis": {"type": "date", "anchor": "y2"},
            "yaxis": {"domain": [0.36, 1], "title": {"text": "times the start"}, **_axis(scale)},
            "yaxis2": {"domain": [0, 0.3], "tickformat": ".0%", "rangemode": "tozero"},
            "hovermode": "x unified",
            "hoversubplots": "axis",
        },
        size="taller",
        buttons=_scales(scale),
    )


def _scale(column: Column) -> str:
    """A log scale where a linear one would press most of the line to the floor."""
    low, high = float(column.min()), float(column.max())
    return "log" if low > 0 and high > 8 * low else "linear"


def _axis(scale: str) -> Json:
    return {"type": scale, "dtick": _LOG_STEP if scale == "log" else None, "tickformat": ",~r"}


def _scales(chosen: str) -> tuple[Button, ...]:
    return tuple(
        Button(text, {"layout.yaxis.type": scale, "layout.yaxis.dtick": step}, pressed=scale == chosen)
        for text, scale, step in (("Linear", "linear", None), ("Log", "log", _LOG_STEP))
    )


def _line(name: str, time: Column, column: Column, colour: str, hover: str) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times(time),
        "y": pack(column),
        "line": {"color": colour, "width": 1.6},
        "hovertemplate": hover,
    }


def price(result: Result) -> Figure:
    """The price with every entry and exit that can be told apart."""
    candles, trades = result.candles, result.trades
    bars, gathered = _bars(candles, 0, len(candles), CANDLES_SHOWN)
    kinds = _markers(result)
    scale = _scale(bars["close"])
    shown = sum(len(kind["x"]) for kind in kinds.values())
    total = 2 * len(trades) + (result.open_position is not None)
    left_out = (
        f" {shown:,} of {total:,} markers are drawn: where several of a kind would cover each other, the first stands."
        if shown < total
        else ""
    )
    thick = (
        f" The band spans the low and high of {gathered:,} bars at a time, the line their last close."
        if gathered > 1
        else ""
    )
    return Figure(
        key="price",
        title="Price with entries and exits",
        alt=f"The price of {candles.symbol} over time with markers at {len(trades):,} trades' entries and exits.",
        caption="Markers stand at the fill price, slippage included." + thick + left_out,
        data=(_band(bars) if gathered > 1 else [_candlesticks(bars)]) + [_scatter(k) for k in kinds.values()],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": _axis(scale),
            "hovermode": "closest",
        },
        size="tall",
        buttons=_scales(scale),
    )


def _bars(candles: Candles, start: int, stop: int, limit: int) -> tuple[dict[str, Column], int]:
    """Bars from `start` to `stop`, gathered into at most `limit`, and how many bars each of them gathers."""
    gathered = -(-(stop - start) // limit)
    firsts = np.arange(start, stop, gathered)
    lasts = np.minimum(firsts + gathered, stop) - 1
    columns = {
        "time": candles.time[firsts],
        "open": candles.open[firsts],
        "high": np.maximum.reduceat(candles.high[:stop], firsts),
        "low": np.minimum.reduceat(candles.low[:stop], firsts),
        "close": candles.close[lasts],
    }
    return columns, gathered


def _band(bars: dict[str, Column]) -> list[Json]:
    edge = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False, "x": times(bars["time"])}
    thread = {"width": 0, "shape": "hv", "color": "var(--band)"}
    return [
        {**edge, "y": pack(bars["low"]), "line": thread},
        {**edge, "y": pack(bars["high"]), "line": thread, "fill": "tonexty", "fillcolor": "var(--band)"},
        _line("Close", bars["time"], bars["close"], "var(--ink-soft)", "%{x|%Y-%m-%d} close %{y:,~r}")
        | {"line": {"color": "var(--ink-soft)", "width": 1}},
    ]


def _candlesticks(bars: dict[str, Column]) -> Json:
    prices = {name: pack(bars[name], "f8") for name in ("open", "high", "low", "close")}
    return {
        "type": "candlestick",
        "name": "Candles",
        "x": times(bars["time"]),
        **prices,
        "increasing": {"line": {"color": "var(--ink-soft)", "width": 1}, "fillcolor": "var(--paper)"},
        "decreasing": {"line": {"color": "var(--ink-soft)", "width": 1}, "fillcolor": "var(--ink-soft)"},
    }


def _markers(result: Result) -> dict[str, Json]:
    """Fills by kind, each thinned to what can be told apart; kinds without fills are left out."""
    trades, time = result.trades, result.candles.time
    long, won = trades.side > 0, trades.profit > 0
    fills = {
        "Long entry": (long, trades.entry_bar, trades.entry_price, "triangle-up", "var(--strategy)"),
        "Short entry": (~long, trades.entry_bar, trades.entry_price, "triangle-down", "var(--short)"),
        "Exit with a gain": (won, trades.exit_bar, trades.exit_price, "circle-open", "var(--gain)"),
        "Exit with a loss": (~won, trades.exit_bar, trades.exit_price, "x-thin-open", "var(--loss)"),
    }
    kinds: dict[str, Json] = {}
    for name, (chosen, bar, price_column, symbol, colour) in fills.items():
        x, y = time[bar[chosen]], price_column[chosen]
        if len(x):
            at = thin.apart(x, np.log(y), MARKERS_SHOWN)
            kinds[name] = {"name": name, "x": x[at], "y": y[at], "symbol": symbol, "colour": colour}
    if result.open_position is not None:
        x, y = time[[result.open_position.entry_bar]], np.array([result.open_position.entry_price])
        kinds["Still open"] = {"name": "Still open", "x": x, "y": y, "symbol": "diamond-open", "colour": "var(--ink)"}
    return kinds


def _scatter(kind: Json) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind["name"],
        "x": times(kind["x"]),
        "y": pack(kind["y"], "f8"),
        "marker": {
            "symbol": kind["symbol"],
            "color": kind["colour"],
            "size": 7,
            "line": {"width": 1.3, "color": kind["colour"]},
        },
        "hovertemplate": "%{x|%Y-%m-%d %H:%M} at %{y:,.8~r}",
    }


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
        caption="Profit or loss after costs, as a fraction of equity at entry; the dotted line is the mean."
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
        caption="From the entry bar's start to the exit bar's start."
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
    bars, gathered = _bars(candles, max(0, entry - margin), min(len(candles), leave + margin + 1), 160)
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
            _candlesticks(bars) | {name: pack(bars[name]) for name in ("open", "high", "low", "close")},
            fill | {"name": "Entry", "x": times(at[:1]), "y": prices[:1], "marker": entered},
            fill | {"name": "Exit", "x": times(at[1:]), "y": prices[1:], "marker": left},
        ],
    }
