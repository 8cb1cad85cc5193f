"""The figures of a validation: its windows, what was left out of sample, and the stitched equity."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.even_share import even_share
from bittrader.report import words
from bittrader.report.axes import hover, objective_axis
from bittrader.report.figures import line, scale_of, scaled_axis
from bittrader.report.plot import Figure, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.market.candles import Candles
    from bittrader.optimize.validation_result import Curve, FoldResult, Opening, Period, Validated

    Json = dict[str, Any]

FOLDS_DRAWN = 60
PATHS_DRAWN = 40
_POINTS = 8000
_CURVES = 12


def windows(found: Validated) -> Figure:
    """Which bars each fold learned from, which were left out beside its test, and which it was tested on."""
    drawn = found.folds[:FOLDS_DRAWN]
    kinds = (
        ("Training", "var(--point)", [fold.train for fold in drawn]),
        ("Left out", "var(--rule)", [_between(fold) for fold in drawn]),
        ("Test", "var(--strategy)", [fold.test for fold in drawn]),
    )
    left_out = any(kinds[1][2])
    return Figure(
        key="windows",
        title="What was learned from, and what was tested",
        alt=f"Time lines of {len(found.folds):,} folds: training bars, test bars and the bars left out between them.",
        caption=(
            "Each line is a fold. Its search sees the grey bars alone and is tested on the blue ones"
            + ("; the pale bars between are left out, so that neither knows of the other." if left_out else ".")
            + (f" {FOLDS_DRAWN:,} of {len(found.folds):,} are drawn." if len(drawn) < len(found.folds) else "")
        ),
        data=[_stretches(*kind) for kind in kinds if any(kind[2])],
        layout={
            "barmode": "overlay",
            "bargap": 0.35,
            "xaxis": {"type": "date"},
            "yaxis": {"autorange": "reversed", "title": {"text": "fold"}, "tickformat": "d", "showgrid": False},
        },
        size="medium" if len(drawn) > 8 else "short",
    )


def _between(fold: FoldResult) -> tuple[tuple[int, int], ...]:
    """The times between training and test bars that neither takes."""
    known = sorted((one.first, one.last, kind) for kind in ("train", "test") for one in getattr(fold, kind))
    gaps = ((a[1], b[0]) for a, b in pairwise(known) if a[2] != b[2])
    bar = min((one.last - one.first) / max(1, one.stop - one.start - 1) for one in (*fold.train, *fold.test))
    return tuple((first, last) for first, last in gaps if last - first > 1.5 * bar)


def _stretches(name: str, colour: str, folds: Sequence[Sequence[Period | tuple[int, int]]]) -> Json:
    ends = [
        (number, *(one if isinstance(one, tuple) else (one.first, one.last)))
        for number, spans in enumerate(folds, start=1)
        for one in spans
    ]
    starts = np.array([first for _, first, _ in ends], dtype=np.float64)
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [number for number, _, _ in ends],
        "x": [last - first for _, first, last in ends],
        "base": times(starts),
        "customdata": [f"{words.iso(first)[:10]} to {words.iso(last)[:10]}" for _, first, last in ends],
        "marker": {"color": colour},
        "hovertemplate": f"fold %{{y}}, {name.lower()}: %{{customdata}}<extra></extra>",
    }


def folds(found: Validated, metric: str) -> Figure | None:
    """The metric of each fold's best set, in sample and out of sample; None where no fold has both."""
    both = [
        (number, before, after)
        for number, fold in enumerate(found.folds[:FOLDS_DRAWN], start=1)
        if (before := (fold.in_sample or {}).get(metric)) is not None
        and (after := (fold.out_of_sample or {}).get(metric)) is not None
    ]
    if not both:
        return None
    point = {"type": "scatter", "mode": "markers", "x": [number for number, _, _ in both]}
    bad = len(found.folds[:FOLDS_DRAWN]) - len(both)
    return Figure(
        key="folds",
        title="In sample and out of sample",
        alt=f"{words.label(metric)} of {len(both):,} folds in sample and out of sample.",
        caption=(
            "For each fold: what its best set reached on the bars it was chosen on, and on those it had not seen. Long "
            "falls are overfitting; blue points that stay on one side of 0 are what is left."
            + (f" {bad:,} folds without both figures are not drawn." if bad else "")
        ),
        data=[
            {
                **point,
                "name": "In sample",
                "y": [before for _, before, _ in both],
                "marker": {"color": "var(--held)", "size": 9, "symbol": "circle-open", "line": {"width": 2}},
                "hovertemplate": f"fold %{{x}} in sample: {hover(metric, 'y')}<extra></extra>",
            },
            {
                **point,
                "name": "Out of sample",
                "y": [after for _, _, after in both],
                "marker": {"color": "var(--strategy)", "size": 10},
                "hovertemplate": f"fold %{{x}} out of sample: {hover(metric, 'y')}<extra></extra>",
            },
        ],
        layout={
            "xaxis": {"title": {"text": "fold"}, "dtick": 1 if len(both) <= 20 else None, "tickformat": "d"},
            "yaxis": objective_axis(metric) | {"rangemode": "tozero"},
            "shapes": [
                {
                    "type": "line",
                    "layer": "below",
                    "x0": number,
                    "x1": number,
                    "y0": before,
                    "y1": after,
                    "line": {"color": "var(--loss)" if after < before else "var(--gain)", "width": 1.5},
                }
                for number, before, after in both
            ],
        },
        size="medium",
    )


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
    drawn = curves[:PATHS_DRAWN]
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
    lines = [
        _curve("Held out" if len(curves) == 1 else curve.symbol, curve, colour, len(curves))
        for curve, colour in zip(curves, _shades(len(curves)), strict=True)
    ]
    return Figure(
        key="holdout",
        title="Equity on the bars held out, at the first look",
        alt=f"Equity on the holdout, ending at {', '.join(words.ratio(curve.equity[-1]) for curve in curves)}.",
        caption=(
            "The only part of this page that was not chosen by anybody: what it earned here is what a search like "
            "this one is worth, as far as so many bars can say."
        ),
        data=lines,
        layout={
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "times the start"}, **scaled_axis(scale_of(_values(curves)))},
            "hovermode": "x unified",
            "showlegend": len(curves) > 1,
        },
        size="medium",
    )


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
            "xaxis": {"title": {"text": "path"}, "tickformat": "d", "nticks": 10},
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
