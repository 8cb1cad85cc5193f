"""The part of a page that shows what several objectives leave to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.studies.even_share import even_share
from bittrader.report import thin, words
from bittrader.report.axes import hover, objective_axis
from bittrader.report.plot import Figure, pack, plain
from bittrader.report.table import Table, trial_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bittrader.optimize.goals import Objective
    from bittrader.optimize.studies.summary import StudySummary, Trial

    Json = dict[str, Any]
    Column = NDArray[np.float64]

SETS_SHOWN = 2000
FRONT_SHOWN = 300
FRONT_LISTED = 30
_PAIRS_SHOWN = 6


@dataclass(frozen=True)
class FrontPart:
    """All that the template shows of a Pareto front."""

    lead: str
    pairs: tuple[Figure, ...]
    table: Table
    caption: str

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return self.pairs


def front_part(study: StudySummary) -> FrontPart | None:
    """What is on the front of a study; None with a single objective, or when no set keeps every condition."""
    if not study.front:
        return None
    goals = [
        f"{'high' if one.direction == 'maximize' else 'low'} {words.within(one.metric)}" for one in study.objectives
    ]
    listed = _share(study.front, FRONT_LISTED)
    every = "" if len(listed) == study.front_size else f" The table lists {len(listed):,} of them, evenly."
    wanted, other = f"A {', a '.join(goals[:-1])} and a {goals[-1]}", "no other set tried"
    if study.where:
        other += " that keeps the conditions"
    return FrontPart(
        lead=(
            f"{wanted} pull apart: {study.front_size:,} sets are on the Pareto front, which means that {other} is "
            "better in one of these without being worse in another."
            if study.front_size > 1
            else f"{wanted} came together: one set alone is the Pareto front, which means that {other} is better in "
            "any of these."
        ),
        pairs=tuple(_pair(study, x, y) for x, y in list(combinations(study.objectives, 2))[:_PAIRS_SHOWN]),
        table=trial_table(study, listed),
        caption=(
            "From one end of the front to the other. Which set is best is your choice: decide what you would give of "
            "one objective for more of the other; this page shows the best by the first." + every
        ),
    )


def _share(front: Sequence[Trial], most: int) -> tuple[Trial, ...]:
    """An even share, both ends included."""
    chosen = even_share(len(front), most).tolist()
    return tuple(front[index] for index in chosen)


def _pair(study: StudySummary, across: Objective, up: Objective) -> Figure:
    x, y = (study.metrics[one.metric].astype(np.float64) for one in (across, up))
    known, kept = np.isfinite(x) & np.isfinite(y), study.violations == 0.0
    front = sorted(_share(study.front, FRONT_SHOWN), key=lambda trial: float(trial.metrics[across.metric] or 0.0))
    shown_words = [_described(trial) for trial in front]
    ends = [[float(trial.metrics[one.metric] or 0.0) for trial in front] for one in (across, up)]
    best = study.best[0]
    point = {"type": "scatter", "mode": "markers"}
    value = f"{hover(across.metric, 'x')}<br>{hover(up.metric, 'y')}"
    two = len(study.objectives) == 2
    return Figure(
        key=f"front-{across.metric}-{up.metric}",
        title=f"{words.label(across.metric)} and {words.label(up.metric)}",
        alt=(
            f"Scatter of {words.label(across.metric)} and {words.label(up.metric)} of the sets that were tried; "
            f"{study.front_size:,} are on the Pareto front."
        ),
        caption=_caption(across, up, some_break=bool((~kept).any()), two=two),
        data=[
            *_cloud(x[known & ~kept], y[known & ~kept], "Breaks a condition", "var(--broken)", value),
            *_cloud(x[known & kept], y[known & kept], "Set tried", "var(--point)", value),
            {
                **point,
                "mode": "lines+markers" if two else "markers",
                "name": "Pareto front",
                "x": ends[0],
                "y": ends[1],
                "customdata": shown_words,
                "line": {"color": "var(--strategy)", "width": 1.5, "shape": "linear"},
                "marker": {"color": "var(--strategy)", "size": 8},
                "hovertemplate": f"{value}<br>%{{customdata}}<extra></extra>",
            },
            {
                **point,
                "name": "Shown on this page",
                "x": [best.metrics[across.metric]],
                "y": [best.metrics[up.metric]],
                "marker": {"color": "var(--loss)", "size": 13, "symbol": "star"},
                "hovertemplate": f"{value}<br>{_described(best)}<extra></extra>",
            },
        ],
        layout={
            "xaxis": objective_axis(across.metric) | {"range": _reach(x[known], ends[0])},
            "yaxis": objective_axis(up.metric) | {"range": _reach(y[known], ends[1])},
        },
        size="tall",
    )


def _cloud(x: Column, y: Column, name: str, colour: str, value: str) -> list[Json]:
    if not len(x):
        return []
    at = thin.apart(x, y, SETS_SHOWN)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": pack(x[at]),
            "y": pack(y[at]),
            "marker": {"color": colour, "size": 5, "opacity": 0.75},
            "hovertemplate": f"{value}<extra></extra>",
        }
    ]


def _caption(across: Objective, up: Objective, *, some_break: bool, two: bool) -> str:
    where = ("right" if across.direction == "maximize" else "left", "up" if up.direction == "maximize" else "down")
    grey = " Pale points break a condition." if some_break else ""
    more = "" if two else " With more than two objectives, a set may be on the front and look beaten here."
    return (
        f"Better lies to the {where[0]} and {where[1]}; the front is where one gets better only as the other gets "
        f"worse. A sharp bend is a good bargain; hover for the parameters.{grey}{more} The farthest tenth may lie "
        "outside the frame; a double click shows all."
    )


def _reach(values: Column, front: Sequence[float]) -> list[float]:
    """A range with the front and all but the farthest of the others in it."""
    low, high = min(*front, float(np.quantile(values, 0.05))), max(*front, float(np.quantile(values, 0.95)))
    margin = 0.05 * ((high - low) or 1.0)
    return [low - margin, high + margin]


def _described(trial: Trial) -> str:
    params = (f"{plain(name)} {plain(words.parameter(value))}" for name, value in trial.params.items())
    return f"evaluation {trial.number:,}<br>" + "<br>".join(params)
