"""Between which values each metric would come to lie had the same kind of history happened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bittrader.report import words
from bittrader.report.axes import is_percent, tick
from bittrader.report.plot import Figure, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.belief.intervals import Interval
    from bittrader.optimize.studies.summary import StudySummary

    Json = dict[str, Any]


def intervals(study: StudySummary, known: Mapping[str, Interval]) -> Figure:
    """A bar for each interval and a dot for what the best set measured, each metric on an axis of its own."""
    data: list[Json] = []
    layout: Json = {"showlegend": False, "margin": {"l": 12, "r": 18, "t": 8, "b": 30}}
    notes = []
    for index, (metric, one) in enumerate(known.items()):
        number = str(index + 1) if index else ""
        top, height = 1 - index / len(known), 1 / len(known)
        measured = study.best[0].metrics.get(metric)
        dot = one.middle if measured is None else float(measured)
        data += _row(metric, one, dot, {"xaxis": f"x{number}", "yaxis": f"y{number}"})
        layout[f"xaxis{number}"] = {"anchor": f"y{number}", "tickformat": tick(metric), "nticks": 6} | _range(one, dot)
        layout[f"yaxis{number}"] = {
            "domain": [top - 0.62 * height, top - 0.34 * height],
            "range": [-1, 1],
            "fixedrange": True,
            "visible": False,
        }
        notes.append(_note(metric, one, top - 0.1 * height))
    return Figure(
        key="intervals",
        title="Had such a history happened again",
        alt="95% intervals. " + "; ".join(note["text"] for note in notes),
        caption=(
            "The dot is what was measured; the bar holds 95% of what resampled histories of the same kind gave, with "
            "no allowance for having chosen the best. A bar that crosses 0 leaves the sign open."
        ),
        data=data,
        layout=layout | {"annotations": notes},
        size="medium",
    )


def _row(metric: str, one: Interval, dot: float, axes: Json) -> list[Json]:
    bar = {"mode": "lines", "x": [one.low, one.high], "y": [0, 0], "hoverinfo": "skip", "opacity": 0.45}
    measured = {"mode": "markers", "x": [dot], "y": [0], "marker": {"color": "var(--strategy)", "size": 11}}
    hover = f"%{{x:{',.2%' if is_percent(metric) else ',.2f'}}}<extra></extra>"
    return [
        {"type": "scatter", **axes, **bar, "line": {"color": "var(--strategy)", "width": 5}},
        {"type": "scatter", **axes, **measured, "hovertemplate": hover},
    ]


def _range(one: Interval, dot: float) -> Json:
    low, high = min(one.low, dot, 0.0), max(one.high, dot, 0.0)
    margin = 0.06 * ((high - low) or 1.0)
    return {"range": [low - margin, high + margin]}


def _note(metric: str, one: Interval, y: float) -> Json:
    low, high = (words.minus(words.metric(metric, value)) for value in (one.low, one.high))
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": y,
        "xanchor": "left",
        "yanchor": "top",
        "showarrow": False,
        "text": f"{plain(words.label(metric))}: {low} to {high}",
        "font": {"color": "var(--ink)"},
    }
