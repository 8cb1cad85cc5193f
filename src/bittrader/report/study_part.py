"""The part of a page that a study adds: what was searched, what was found, and how much of it to believe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.report import study_figures, words
from bittrader.report.front_part import FrontPart, front_part
from bittrader.report.importance import explained
from bittrader.report.sample import sample
from bittrader.report.table import Table, trial_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.optimize.goals import Condition
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.plot import Figure
    from bittrader.report.sample import Sample
    from bittrader.strategies.parameters import Value

SLICES_SHOWN = 12
IMPORTANCES_SHOWN = 20
_CAUSES_SHOWN = 10


@dataclass(frozen=True)
class Importance:
    """A parameter and the share of the objective's rank variance that it alone explains; None when unknown."""

    name: str
    share: float | None


@dataclass(frozen=True)
class StudyPart:
    """All that the template shows of a study."""

    name: str
    objective: str
    goal: str
    conditions: str
    """What was asked of every set, and how many break it; empty where nothing was asked."""
    facts: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, int], ...]
    other_failures: int
    progress: Figure | None
    best: Table | None
    front: FrontPart | None
    importances: tuple[Importance, ...]
    importances_left_out: int
    slices: tuple[Figure, ...]
    slices_left_out: int
    heat_map: Figure | None
    caution: str

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        alone = (self.progress, self.heat_map)
        front = self.front.figures() if self.front else ()
        return (*(figure for figure in alone if figure), *front, *self.slices)


def study_part(study: StudySummary, params: Mapping[str, Value]) -> StudyPart:
    """What a page that shows these parameters says about the study that tried them."""
    drawn = sample(study)
    importances = _importances(study, drawn)
    ranked = sorted(range(len(importances)), key=lambda i: -(importances[i].share or 0.0))
    sliced = [i for i in ranked if drawn and len(drawn.counting(i).values)]
    varied = [i for i in ranked if drawn and drawn.varied(i)]
    pair = next(((varied[0], other) for other in varied[1:] if drawn and drawn.varied(varied[0], other)), None)
    causes = sorted(study.failures.items(), key=lambda item: (-item[1], item[0]))
    return StudyPart(
        name=study.name,
        objective=words.label(study.objective),
        goal=_goal(study),
        conditions=_conditions(study),
        facts=_facts(study, int(np.isnan(study.metrics[study.objective]).sum())),
        failures=tuple(causes[:_CAUSES_SHOWN]),
        other_failures=sum(number for _, number in causes[_CAUSES_SHOWN:]),
        progress=study_figures.progress(study, drawn) if drawn else None,
        best=trial_table(study, study.best) if study.best else None,
        front=front_part(study),
        importances=tuple(importances[i] for i in ranked[:IMPORTANCES_SHOWN]),
        importances_left_out=max(0, len(ranked) - IMPORTANCES_SHOWN),
        slices=tuple(study_figures.slice_of(study, drawn, i) for i in sliced[:SLICES_SHOWN]) if drawn else (),
        slices_left_out=max(0, len(sliced) - SLICES_SHOWN),
        heat_map=study_figures.heat_map(study, drawn, pair) if drawn and pair else None,
        caution=_caution(study, params),
    )


def _importances(study: StudySummary, drawn: Sample | None) -> list[Importance]:
    def share(index: int) -> float | None:
        counting = drawn and drawn.counting(index)
        return explained(counting.rows[:, index], counting.values) if counting else None

    return [Importance(name, share(index)) for index, name in enumerate(study.parameter_names)]


def _facts(study: StudySummary, undefined: int) -> tuple[tuple[str, str], ...]:
    return (
        ("Evaluations asked", f"{study.asked:,}"),
        ("Finished", f"{study.finished:,}" + _undefined(undefined, len(study.rows))),
        *((("Break a condition", f"{study.infeasible:,}"),) if study.where else ()),
        ("Failed", f"{study.failed:,}"),
        ("Time", words.duration(study.seconds)),
        ("Throughput", words.rate(study.evaluations_per_second)),
        ("Cores", f"{study.cores:,}"),
        ("Sampler", f"{study.sampler}: {study.sampler_reason}" if study.sampler_reason else study.sampler),
        ("Seed", str(study.seed)),
    )


def _undefined(number: int, known: int) -> str:
    return f"; the objective is undefined in {number:,} of {known:,}" if number else ""


def _goal(study: StudySummary) -> str:
    goals = [
        f"the {'highest' if one.direction == 'maximize' else 'lowest'} {words.within(one.metric)}"
        for one in study.objectives
    ]
    return goals[0] if len(goals) == 1 else f"{', '.join(goals[:-1])} and {goals[-1]}"


def _conditions(study: StudySummary) -> str:
    if not study.where:
        return ""
    asked = " and ".join(f"{words.within(one.metric)} {one.relation} {_bound(one)}" for one in study.where)
    broken = f"{study.infeasible:,} of {study.finished:,} sets break that"
    none = " None keeps it, so the nearest are shown." if study.finished and study.infeasible == study.finished else ""
    return f"Every set was to keep {asked}; {broken}. They are kept, marked, and never the best.{none}"


def _bound(condition: Condition) -> str:
    return words.metric(condition.metric, condition.value)


def _caution(study: StudySummary, params: Mapping[str, Value]) -> str:
    tried = study.finished
    if tried < 2 or study.belief is not None:
        return ""
    best = bool(study.best) and dict(study.best[0].params) == dict(params)
    chosen = "the best of" if best else "chosen, though not as the best, from"
    return (
        f"These parameters are {chosen} {tried:,} tried on the same data, so part of their result is luck: among "
        f"{tried:,} worthless sets, the best would look good too. Expect less on what the search has not seen, and "
        "test there. This page does not measure that luck."
    )
