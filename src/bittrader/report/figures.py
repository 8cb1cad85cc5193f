"""The run's figures over time: equity and drawdown, and the price with entries and exits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import thin, words
from bittrader.report.plot import Button, Figure, candlesticks, gathered_bars, pack, thinned, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.result import Result

    Column = NDArray[Any]
    Json = dict[str, Any]

CANDLES_SHOWN = 600
MARKERS_SHOWN = 120
SMALL_POINTS = 800

_LOG_STEP = "D2"  # ticks at 1, 2 and 5
_FULL_DECADES = 6


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
    scale = scale_of(np.concatenate([column[at] for column in both]))
    names, colours = ("Strategy", "Buy and hold"), ("var(--strategy)", "var(--held)")
    lines = [
        line(name, time[at], column[at], colour, "%{y:,.4~r} times the start")
        for name, column, colour in zip(names, both, colours, strict=True)
    ]
    fallen = [
        line(name, time[fall_at], column[fall_at], colour, "%{y:.2%}") | {"yaxis": "y2", "showlegend": False}
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
            "highest equity so far: would you have stayed through the deepest, and the longest?"
            + lost
            + thinned(max(len(at), len(fall_at)), len(time))
        ),
        data=[lines[1], lines[0], fallen[1], fallen[0]],
        layout={
            "xaxis": {"type": "date", "anchor": "y2"},
            "yaxis": {"domain": [0.36, 1], "title": {"text": "times the start"}, **scaled_axis(scale)},
            "yaxis2": {"domain": [0, 0.3], "tickformat": ".0%", "rangemode": "tozero"},
            "hovermode": "x unified",
            "hoversubplots": "axis",
        },
        size="taller",
        buttons=_scales(scale),
    )


def small_equity(result: Result, name: str, key: str) -> Figure:
    """Equity alone, the strategy against buying and holding, for a page that shows several."""
    both = (result.buy_and_hold_equity, result.equity)
    at = thin.keep(*both, limit=SMALL_POINTS)
    time = result.candles.time[at]
    named = (("Buy and hold", "var(--held)"), ("Strategy", "var(--strategy)"))
    return Figure(
        key=key,
        title=name,
        alt=(
            f"Equity on {name}: the strategy ends at {words.ratio(float(result.equity[-1]))} times the start, holding "
            f"at {words.ratio(float(result.buy_and_hold_equity[-1]))}."
        ),
        caption="",
        data=[
            line(text, time, column[at], colour, "%{y:,.4~r} times the start")
            for column, (text, colour) in zip(both, named, strict=True)
        ],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": scaled_axis(scale_of(np.concatenate([column[at] for column in both]))),
            "hovermode": "x unified",
        },
        size="short",
    )


@dataclass(frozen=True)
class Scale:
    """How an axis of multiples or prices runs."""

    kind: str
    """`log` or `linear`."""
    decades: float
    """How many powers of ten a log scale spans."""

    @property
    def step(self) -> str | int:
        """What is between two ticks of a log scale: never so little that they run into each other."""
        return _LOG_STEP if self.decades <= _FULL_DECADES else math.ceil(self.decades / _FULL_DECADES)


def scale_of(column: Column) -> Scale:
    """A log scale where a linear one would press most of the line to the floor."""
    low, high = float(column.min()), float(column.max())
    if low <= 0:
        return Scale("linear", 0.0)
    return Scale("log" if high > 8 * low else "linear", math.log10(high / low))


def scaled_axis(scale: Scale) -> Json:
    """An axis of multiples or prices; numbers with more digits than anyone reads are powers of ten."""
    form = ",~r" if scale.decades <= _FULL_DECADES else "~e"
    return {"type": scale.kind, "dtick": scale.step if scale.kind == "log" else None, "tickformat": form}


def _scales(chosen: Scale) -> tuple[Button, ...]:
    return tuple(
        Button(text, {"layout.yaxis.type": kind, "layout.yaxis.dtick": step}, pressed=kind == chosen.kind)
        for text, kind, step in (("Linear", "linear", None), ("Log", "log", chosen.step))
    )


def line(name: str, time: Column, column: Column, colour: str, hover: str) -> Json:
    """A line over time."""
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
    bars, gathered = gathered_bars(candles, 0, len(candles), CANDLES_SHOWN)
    kinds = _markers(result)
    scale = scale_of(bars["close"])
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
        caption=(
            "Markers stand at the fill price, slippage included. Gains that all stand in one rise of the price are "
            "that rise's, and need another one." + thick + left_out
        ),
        data=(_band(bars) if gathered > 1 else [candlesticks(bars)]) + [_scatter(k) for k in kinds.values()],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": scaled_axis(scale),
            "hovermode": "closest",
        },
        size="tall",
        buttons=_scales(scale),
    )


def _band(bars: dict[str, Column]) -> list[Json]:
    edge = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False, "x": times(bars["time"])}
    thread = {"width": 0, "shape": "hv", "color": "var(--band)"}
    return [
        {**edge, "y": pack(bars["low"]), "line": thread},
        {**edge, "y": pack(bars["high"]), "line": thread, "fill": "tonexty", "fillcolor": "var(--band)"},
        line("Close", bars["time"], bars["close"], "var(--ink-soft)", "%{x|%Y-%m-%d} close %{y:,~r}")
        | {"line": {"color": "var(--ink-soft)", "width": 1}},
    ]


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
