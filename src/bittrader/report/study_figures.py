"""A study's figures: its progress, a slice for each parameter, and a map of the two that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import thin, words
from bittrader.report.axes import hover, objective_axis, tick
from bittrader.report.importance import binned
from bittrader.report.plot import Button, Figure, pack, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.sample import Sample
    from bittrader.strategies.parameters import Value

    Column = NDArray[np.float64]
    Indexes = NDArray[np.int64]
    Json = dict[str, Any]

TRIALS_SHOWN = 3000
SLICE_POINTS = 1200
_MAP_BINS = 12
_SLICE_BINS = 15


def progress(study: StudySummary, drawn: Sample) -> Figure:
    """The objective by evaluation, and the best so far."""
    place, seen = drawn.place, drawn.values
    best, steps = _best_so_far(study, drawn)
    shown = thin.spread(len(seen), TRIALS_SHOWN, thin.keep(seen, limit=TRIALS_SHOWN // 2))
    span, outside = frame(seen, study.direction)
    left_out = len(shown) < study.finished
    some = f" {len(shown):,} of {study.finished:,} are drawn, the best always." if left_out else ""
    return Figure(
        key="progress",
        title="Progress of the search",
        alt=(
            f"Points: {words.label(study.objective)} of {study.finished:,} evaluations in order. Line: the best so "
            f"far, which ends at {words.metric(study.objective, float(best[-1]))}."
        ),
        caption="Each point is an evaluation, in the order asked; the line is the best so far. One that still climbs "
        "at the end asks for more trials; one long flat found what there is, or is stuck."
        + ("" if drawn.feasible.all() else " Pale points break a condition.")
        + some
        + outside_words(outside),
        data=[
            {
                "type": "scatter",
                "mode": "markers",
                "name": "Evaluation",
                "x": pack(place[shown], "i4"),
                "y": pack(seen[shown]),
                "marker": {"color": point_colours(drawn, shown), "size": 4, "opacity": 0.55},
                "hovertemplate": "evaluation %{x:,}: " + hover(study.objective, "y"),
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "Best so far",
                "x": pack(place[steps], "i4"),
                "y": pack(best),
                "line": {"color": "var(--strategy)", "width": 2.2, "shape": "hv"},
                "hovertemplate": "best at %{x:,}: " + hover(study.objective, "y"),
            },
        ],
        layout={
            "xaxis": {"title": {"text": "evaluation"}, "tickformat": ","},
            "yaxis": objective_axis(study.objective) | {"range": span},
        },
        size="medium",
    )


def _best_so_far(study: StudySummary, drawn: Sample) -> tuple[Column, Indexes]:
    """The best objective so far among what keeps every condition (all, where nothing does), where it changes."""
    kept = drawn.feasible if drawn.feasible.any() else np.ones_like(drawn.feasible)
    worst = -np.inf if study.direction == "maximize" else np.inf
    seen = np.where(kept, drawn.values, worst)
    best = np.maximum.accumulate(seen) if study.direction == "maximize" else np.minimum.accumulate(seen)
    first = int(np.argmax(kept))
    steps = np.unique(np.concatenate([[first], np.flatnonzero(best[1:] != best[:-1]) + 1, [len(best) - 1]]))
    return best[steps], steps


def point_colours(drawn: Sample, shown: Indexes) -> str | list[str]:
    """One colour, or one a point where some break a condition."""
    kept = drawn.feasible[shown]
    return "var(--point)" if kept.all() else ["var(--point)" if one else "var(--broken)" for one in kept.tolist()]


def slice_of(study: StudySummary, drawn: Sample, index: int) -> Figure:
    """The objective against one parameter, where it counts, with the median of equal-count bins."""
    drawn = drawn.counting(index)
    name, column, seen = study.parameter_names[index], drawn.rows[:, index], drawn.values
    choices = study.choices.get(name, ())
    sign = 1 if study.direction == "maximize" else -1
    shown = thin.spread(len(seen), SLICE_POINTS, np.argsort(-sign * seen, kind="stable")[: SLICE_POINTS // 4])
    bins = binned(column, _SLICE_BINS)
    order = range(int(bins.max()) + 1)
    span, _ = frame(seen, study.direction)
    axis: Json = {"tickformat": ",~g"} if not choices else _choice_axis(choices)
    dots = {"type": "scatter", "mode": "markers"}
    value = f"{plain(name)} %{{x}}: " if not choices else ""
    return Figure(
        key=f"slice-{index}",
        title=name,
        alt=f"{words.label(study.objective)} of each evaluation against the parameter {name}.",
        caption="",
        data=[
            {
                **dots,
                "name": "Evaluation",
                "x": pack(column[shown]),
                "y": pack(seen[shown]),
                "marker": {"color": point_colours(drawn, shown), "size": 4, "opacity": 0.5},
                "hovertemplate": value + hover(study.objective, "y") + "<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "Median of a bin",
                "x": [float(np.median(column[bins == b])) for b in order],
                "y": [float(np.median(seen[bins == b])) for b in order],
                "line": {"color": "var(--loss)", "width": 2},
                "marker": {"color": "var(--loss)", "size": 5},
                "hovertemplate": "median " + hover(study.objective, "y") + "<extra></extra>",
            },
            {
                **dots,
                "name": "Best",
                "x": [] if drawn.best is None else [float(column[drawn.best])],
                "y": [] if drawn.best is None else [float(seen[drawn.best])],
                "marker": {"color": "var(--strategy)", "size": 12, "symbol": "star"},
                "hovertemplate": "best " + hover(study.objective, "y") + "<extra></extra>",
            },
        ],
        layout={"xaxis": axis, "yaxis": objective_axis(study.objective) | {"range": span}, "showlegend": False},
        size="short",
    )


def heat_map(study: StudySummary, drawn: Sample, pair: tuple[int, int]) -> Figure:
    """The best and the median objective in each cell of two parameters, where both count."""
    drawn = drawn.counting(*pair)
    (x_bins, x_words), (y_bins, y_words) = (_bands(study, drawn, index) for index in pair)
    best, median, counts = _cells(drawn.values, x_bins, y_bins, (len(y_words), len(x_words)), study.direction)
    x_name, y_name = (study.parameter_names[index] for index in pair)
    surface = {
        "type": "heatmap",
        "x": x_words,
        "y": y_words,
        "customdata": counts,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "colorscale": [[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]],
        "reversescale": study.direction == "minimize",
        "colorbar": {"thickness": 12, "outlinewidth": 0, "tickformat": tick(study.objective)},
        "hovertemplate": (
            f"{plain(x_name)} %{{x}}<br>{plain(y_name)} %{{y}}<br>{hover(study.objective, 'z')}"
            "<br>%{customdata:,} evaluations"
        ),
    }
    return Figure(
        key="map",
        title=f"{x_name} and {y_name}",
        alt=f"Heat map of {words.label(study.objective)} over bins of {x_name} and {y_name}.",
        caption=(
            "The two parameters that explain most, in bins of equal count; an empty cell was never searched. A good "
            "region that is broad is worth more than a lone good cell: look at the median too."
        ),
        data=[
            {**surface, "z": best, "name": "best", "visible": True},
            {**surface, "z": median, "name": "median", "visible": False},
        ],
        layout={
            "xaxis": {"title": {"text": plain(x_name)}, "type": "category", "showgrid": False},
            "yaxis": {"title": {"text": plain(y_name)}, "type": "category", "showgrid": False},
        },
        size="medium",
        buttons=(
            Button("Best of each cell", {"data.0.visible": True, "data.1.visible": False}, pressed=True),
            Button("Median of each cell", {"data.0.visible": False, "data.1.visible": True}),
        ),
    )


def _bands(study: StudySummary, drawn: Sample, index: int) -> tuple[Indexes, list[str]]:
    """Each row's bin of one parameter, and the bins' words."""
    column, choices = drawn.rows[:, index], study.choices.get(study.parameter_names[index], ())
    bins = binned(column, _MAP_BINS)
    ends = [(float(column[bins == b].min()), float(column[bins == b].max())) for b in range(int(bins.max()) + 1)]
    if choices:
        return bins, [plain(words.parameter(choices[int(low)])) for low, _ in ends]
    return bins, [f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in ends]


def _cells(
    seen: Column, x: Indexes, y: Indexes, shape: tuple[int, int], direction: str
) -> tuple[list[list[float | None]], list[list[float | None]], list[list[int]]]:
    cell = y * shape[1] + x
    order = np.lexsort((seen, cell))
    ordered, sorted_cells = seen[order], cell[order]
    starts = np.searchsorted(sorted_cells, np.arange(shape[0] * shape[1]))
    stops = np.searchsorted(sorted_cells, np.arange(shape[0] * shape[1]), side="right")
    groups = [ordered[a:b] for a, b in zip(starts, stops, strict=True)]
    best = [float(g[-1] if direction == "maximize" else g[0]) if len(g) else None for g in groups]
    median = [float(np.median(g)) if len(g) else None for g in groups]
    return _grid(best, shape[1]), _grid(median, shape[1]), _grid([len(g) for g in groups], shape[1])


def _grid(cells: list[Any], width: int) -> list[list[Any]]:
    return [cells[row : row + width] for row in range(0, len(cells), width)]


def frame(seen: Column, direction: str) -> tuple[list[float], int]:
    """The range of an axis that shows the better 95 % of values well, and how many lie outside."""
    low, high = float(seen.min()), float(seen.max())
    if direction == "maximize":
        low = float(np.quantile(seen, 0.05))
    else:
        high = float(np.quantile(seen, 0.95))
    margin = 0.08 * ((high - low) or abs(high) or 1.0)
    span = [low - margin, high + margin]
    return span, int(((seen < span[0]) | (seen > span[1])).sum())


def outside_words(outside: int) -> str:
    """Says that points lie outside the frame, when they do."""
    return f" {outside:,} of the worst lie outside the frame; a double click shows all." if outside else ""


def _choice_axis(choices: Sequence[Value]) -> Json:
    labels = [plain(words.parameter(value)) for value in choices]
    return {"tickvals": list(range(len(choices))), "ticktext": labels, "range": [-0.5, len(choices) - 0.5]}
