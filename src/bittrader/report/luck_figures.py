"""The figures that hold a result against luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.report import words
from bittrader.report.axes import objective_axis, tick
from bittrader.report.plot import Figure, pack, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.belief.figures import Figures
    from bittrader.belief.overfitting import Overfitting
    from bittrader.optimize.studies.summary import StudySummary

    Json = dict[str, Any]

_BINS = 60


def trials(study: StudySummary, hurdle: float | None) -> Figure | None:
    """The Sharpe ratios (or the objective) of all sets, with the best of them and what luck alone would give."""
    metric = "sharpe" if "sharpe" in study.metrics else study.objective
    known = study.metrics[metric][np.isfinite(study.metrics[metric])]
    best = study.best[0].metrics.get(metric) if study.best else None
    if not len(known) or best is None:
        return None
    marked = [best, *([hurdle] if hurdle is not None and metric == "sharpe" else [])]
    low, high = float(np.quantile(known, 0.01)), max(float(known.max()), *marked)
    edges = np.linspace(min(low, *marked), high + 1e-9 * (abs(high) or 1.0), _BINS + 1)
    counts, _ = np.histogram(np.maximum(known, edges[0]), edges)
    gathered = int((known < edges[0]).sum())
    label = words.label(metric)
    return Figure(
        key="trials",
        title=f"{label} of all sets",
        alt=f"Histogram of {label} of {len(known):,} sets; the best has {words.metric(metric, best)}.",
        caption=_trials_caption(marked)
        + (f" Counted are {len(known):,}, an even share." if len(known) < study.finished // 2 else "")
        + (
            f" The lowest bar gathers {gathered:,} {'set' if gathered == 1 else 'sets'} from below it."
            if gathered
            else ""
        ),
        data=[
            {
                "type": "bar",
                "x": pack((edges[:-1] + edges[1:]) / 2, "f8"),
                "y": counts.tolist(),
                "width": float(edges[1] - edges[0]) * 0.92,
                "marker": {"color": "var(--point)"},
                "hovertemplate": f"{plain(label)} about %{{x:{tick(metric)}}}: %{{y:,}} sets<extra></extra>",
            }
        ],
        layout={
            "xaxis": {"title": {"text": plain(label)}, "tickformat": tick(metric)},
            "yaxis": {"title": {"text": "sets"}, "tickformat": ",", "range": [0, 1.15 * max(counts.tolist())]},
            "shapes": [_rule(x, colour) for x, colour in zip(marked, _COLOURS, strict=False)],
            "annotations": [
                _flag(x, text, colour, row, right=x > (edges[0] + edges[-1]) / 2)
                for row, (x, text, colour) in enumerate(zip(marked, ("the best", "luck alone"), _COLOURS, strict=False))
            ],
            "showlegend": False,
        },
        size="short",
    )


_COLOURS = ("var(--strategy)", "var(--loss)")


def _trials_caption(marked: Sequence[float]) -> str:
    if len(marked) < 2:
        return "Every set that was tried; the best is the end of a distribution, not its middle."
    best, hurdle = marked
    said = "beyond" if best > hurdle else "not even as far as"
    return (
        f"The best stands {said} the orange line, which the best of so many sets reaches by luck alone: only what lies "
        "well to the right of it is news."
    )


def _rule(x: float, colour: str) -> Json:
    line = {"color": colour, "width": 2}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def _flag(x: float, text: str, colour: str, row: int, *, right: bool) -> Json:
    """Words beside a rule, each row a line lower so that they never meet; the chart's buttons are above."""
    return {
        "xref": "x",
        "yref": "paper",
        "x": x,
        "y": 1.0 - 0.12 * row,
        "xanchor": "right" if right else "left",
        "yanchor": "top",
        "xshift": -5 if right else 5,
        "text": text,
        "showarrow": False,
        "font": {"color": colour},
    }


def ranks(found: Overfitting) -> Figure:
    """Where the best set of one half of the history ranked in the other."""
    size = len(found.ranks)
    x = (np.arange(size) + 0.5) / size
    return Figure(
        key="ranks",
        title="The best of one half, in the other",
        alt=f"Histogram of ranks in the other half; {words.share(found.probability)} lie in the worse half.",
        caption=(
            f"For each of {found.splits:,} ways to halve the history: where the best set of one half ranked in the "
            "other. Skill piles up on the right; orange, the worse half, is overfitting."
        ),
        data=[
            {
                "type": "bar",
                "x": pack(x, "f8"),
                "y": (np.array(found.ranks) / found.splits).tolist(),
                "width": 0.92 / size,
                "marker": {"color": ["var(--loss)" if at < 0.5 else "var(--gain)" for at in x.tolist()]},
                "customdata": [
                    f"rank {words.percent(at - 0.5 / size)} to {words.percent(at + 0.5 / size)}" for at in x
                ],
                "hovertemplate": "%{customdata}: %{y:.1%} of the ways<extra></extra>",
            }
        ],
        layout={
            "xaxis": {
                "range": [-0.03, 1.03],
                "tickvals": [0, 0.5, 1],
                "ticktext": ["worst", "middle", "best"],
            },
            "yaxis": {"tickformat": ".0%", "title": {"text": "of the ways"}},
            "showlegend": False,
        },
        size="medium",
    )


def robustness(study: StudySummary, known: Figures) -> Figure | None:
    """The objective of the best set as it is, of its neighbours, and with one thing otherwise."""
    near = known.neighbourhood
    beside = [(f"middle of {near.count} neighbours", near.median), ("worst neighbour", near.worst)] if near else []
    changed = [(one.change, one.objective) for one in known.sensitivity]
    best = study.best[0].metrics[study.objective]
    bars = [("as it is", best), *beside, *changed]
    if len(bars) < 2:
        return None
    label, spoken = words.label(study.objective), [words.minus(words.metric(study.objective, x)) for _, x in bars]
    return Figure(
        key="robustness",
        title="Were one thing otherwise",
        alt=f"Bars of {label}: " + "; ".join(f"{name} {said}" for (name, _), said in zip(bars, spoken, strict=True)),
        caption=(
            "The best set as it is, the sets one small step away from it, and the best set at other costs, a bar "
            "later, or begun later. What is real survives small changes; what collapses was fitted to this one history."
        ),
        data=[
            {
                "type": "bar",
                "orientation": "h",
                "y": [plain(name) + " (undefined)" * (value is None) for name, value in bars],
                "x": [value for _, value in bars],
                "text": spoken,
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"color": ["var(--strategy)", *["var(--point)"] * (len(bars) - 1)]},
                "hovertemplate": "%{y}: %{text}<extra></extra>",
            }
        ],
        layout={
            "xaxis": {**objective_axis(study.objective), "range": _room([value for _, value in bars])},
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False},
            "bargap": 0.3,
            "showlegend": False,
        },
        size="medium" if len(bars) > 6 else "short",
    )


def _room(values: Sequence[float | None]) -> list[float]:
    """A range with 0 in it, and room for words at the ends of bars."""
    known = [0.0, *(value for value in values if value is not None)]
    low, high = min(known), max(known)
    margin = 0.12 * ((high - low) or 1.0)
    return [low - margin * (low < 0), high + margin]
