"""The figures of what was earned out of sample: stitched equity, paths, and the bars held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.studies.even_share import even_share
from bittrader.report import words
from bittrader.report.figures import line, scale_of, scaled_axis
from bittrader.report.plot import Figure
from bittrader.report.validation_figures import FOLDS_DRAWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.market.candles import Candles
    from bittrader.optimize.studies.validation_result import Curve, Opening, Validated

    Json = dict[str, Any]

_PATHS_DRAWN = 40
_POINTS = 8000
_CURVES = 12


def equity(found: Validated, series: Sequence[Candles]) -> Figure | None:
    """The equity of each path out of sample, on one account; None where no path was run."""
    whole = [path for path in found.paths if path.curves]
    if not whole:
        return None
    if len(whole) > 1:
        return _fan(len(found.paths), [path.curves[0] for path in whole], series)
    curves = whole[0].curves[:_CURVES]
    alone = len(curves) == 1
    colours = ["var(--strategy)"] if alone else _shades(len(curves))
    lines = [
        _curve("Out of sample" if alone else curve.symbol, curve, colour, len(curves))
        for curve, colour in zip(curves, colours, strict=True)
    ]
    price = _price(curves[0], series) if alone else None
    marked = "" if found.mode == "cpcv" else " Dotted lines mark where the next fold's parameters take over."
    return Figure(
        key="stitched",
        title="Equity on bars that no search had seen",
        alt=f"Out-of-sample equity, ending at {', '.join(words.ratio(curve.equity[-1]) for curve in curves)}.",
        caption=(
            "The tests one after the other on one account, each traded with the set found without them: the nearest "
            "thing to having traded it." + marked + (" Grey is the price." if price else "")
        ),
        data=[*([price] if price else []), *lines],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "times the start"}, **scaled_axis(scale_of(_values(curves)))},
            "hovermode": "x unified",
            "shapes": [_takeover(one.first) for fold in found.folds[:FOLDS_DRAWN] for one in fold.test[:1]],
        },
        size="tall",
    )


def _fan(paths: int, curves: Sequence[Curve], series: Sequence[Candles]) -> Figure:
    drawn = curves[:_PATHS_DRAWN]
    lines = [
        _curve(f"Path {number}", curve, "var(--strategy)", len(drawn))
        | {"opacity": 0.5, "showlegend": False, "hoverinfo": "name+y"}
        for number, curve in enumerate(drawn, start=1)
    ]
    lines[0] |= {"name": "Paths", "showlegend": True}
    price = _price(drawn[0], series)
    ends = [curve.equity[-1] for curve in curves]
    return Figure(
        key="stitched",
        title="Equity of every path",
        alt=f"Out-of-sample equity of {paths:,} paths, ending between {min(ends):.2f} and {max(ends):.2f}.",
        caption=(
            "Each line is a history put together from tests of different searches. The wider the fan, the less a "
            "single backtest says; if much of it ends below 1, so may you."
            + (f" On {drawn[0].symbol}, the first series." if len(series) > 1 else "")
            + (f" {len(drawn):,} of {paths:,} are drawn." if len(drawn) < paths else "")
            + (" Grey is the price." if price else "")
        ),
        data=[*([price] if price else []), *lines],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "times the start"}, **scaled_axis(scale_of(_values(drawn)))},
        },
        size="tall",
    )


def holdout(opening: Opening) -> Figure:
    """The equity of the best set over the bars that were held out, as they were first seen."""
    curves = opening.curves[:_CURVES]
    alone, held = len(curves) == 1, opening.held[: len(curves)]
    lines = [
        _curve("Held out" if alone else curve.symbol, curve, colour, 2 * len(curves))
        for curve, colour in zip(curves, _shades(len(curves)), strict=True)
    ]
    lines = [*_holding(held), *lines]
    beside = "" if not held else " Grey is buying and holding." if alone else " Dotted is buying and holding each."
    return Figure(
        key="holdout",
        title="Equity on the bars held out, at the first look",
        alt=f"Equity on the holdout, ending at {', '.join(words.ratio(curve.equity[-1]) for curve in curves)}.",
        caption=(
            "The only part of this page that was not chosen by anybody: what it earned here is what a search like "
            "this one is worth, as far as so many bars can say." + beside
        ),
        data=lines,
        layout={
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "times the start"}, **scaled_axis(scale_of(_values([*curves, *held])))},
            "hovermode": "x unified",
            "showlegend": len(lines) > 1,
        },
        size="medium",
    )


def _holding(held: Sequence[Curve]) -> list[Json]:
    if len(held) == 1:
        return [_curve("Buy and hold", held[0], "var(--held)", 2)]
    drawn = [
        _curve(f"Holding {curve.symbol}", curve, colour, 2 * len(held)) | {"showlegend": False}
        for curve, colour in zip(held, _shades(len(held)), strict=True)
    ]
    return [one | {"line": one["line"] | {"dash": "dot"}} for one in drawn]


def paths(found: Validated) -> Figure | None:
    """The Sharpe ratio of each path, in order."""
    ratios = sorted(found.over_paths("sharpe"))
    if not ratios:
        return None
    lost = sum(ratio < 0 for ratio in ratios)
    return Figure(
        key="paths",
        title="Sharpe ratio of every path",
        alt=f"Bars of {len(ratios):,} Sharpe ratios from {ratios[0]:.2f} to {ratios[-1]:.2f}.",
        caption=(
            f"From the worst path to the best; {lost:,} of {len(ratios):,} lost. What matters is the middle and the "
            "left end, not the best."
        ),
        data=[
            {
                "type": "bar",
                "x": list(range(1, len(ratios) + 1)),
                "y": ratios,
                "marker": {"color": ["var(--loss)" if ratio < 0 else "var(--gain)" for ratio in ratios]},
                "hovertemplate": "%{y:.2f}<extra></extra>",
            }
        ],
        layout={
            "xaxis": {"title": {"text": "path"}, "tickformat": "d", "tick0": 1, "dtick": -(-len(ratios) // 10)},
            "yaxis": {"title": {"text": words.label("sharpe")}},
            "bargap": 0.25,
            "showlegend": False,
        },
        size="medium",
    )


def _curve(name: str, curve: Curve, colour: str, among: int) -> Json:
    at = even_share(len(curve.time), _POINTS // among)
    time, values = np.array(curve.time, dtype=np.float64)[at], np.array(curve.equity)[at]
    return line(name, time, values, colour, "%{y:,.4~r} times the start")


def _price(curve: Curve, series: Sequence[Candles]) -> Json | None:
    """The price over the same bars as a multiple of its start; None where the candles do not have them all."""
    if not series:
        return None
    candles, time = series[0], np.array(curve.time, dtype=np.int64)
    at = np.minimum(np.searchsorted(candles.time, time), len(candles) - 1)
    if not (candles.time[at] == time).all():
        return None
    close = candles.close[at] / candles.open[at[0]]
    return line("Price", time.astype(np.float64), close, "var(--held)", "price %{y:,.4~r} times the start")


def _values(curves: Sequence[Curve]) -> NDArray[np.float64]:
    return np.concatenate([np.array(curve.equity) for curve in curves])


def _takeover(at: int) -> Json:
    return {
        "type": "line",
        "layer": "below",
        "yref": "paper",
        "x0": words.iso(at)[:16].replace("T", " "),
        "x1": words.iso(at)[:16].replace("T", " "),
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--rule)", "width": 1, "dash": "dot"},
    }


def _shades(count: int) -> list[str]:
    """As many colours as there are series, over again when there are many."""
    some = ("var(--strategy)", "var(--loss)", "var(--short)", "var(--held)", "var(--ink)", "var(--point)")
    return [some[index % len(some)] for index in range(count)]
