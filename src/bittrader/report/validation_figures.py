"""The figures of a validation: its windows, and what was left of each fold out of sample."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import words
from bittrader.report.axes import hover, objective_axis
from bittrader.report.plot import Figure, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.optimize.studies.validation_result import FoldResult, Period, Validated

    Json = dict[str, Any]

FOLDS_DRAWN = 60


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
            + (f" Not drawn are folds without both figures: {bad:,}." if bad else "")
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
