"""The part of a page that a study adds: what was searched, what was found, and how much of it to believe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.report import study_figures, words
from bittrader.report.importance import explained
from bittrader.report.sample import sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.optimize.summary import StudySummary, Trial
    from bittrader.report.plot import Figure
    from bittrader.report.sample import Sample
    from bittrader.strategies.parameters import Value

SLICES_SHOWN = 12
_CAUSES_SHOWN = 10
_BESIDE = ("total_return", "cagr", "sharpe", "max_drawdown", "profit_factor", "win_rate", "trades")


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
    facts: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, int], ...]
    other_failures: int
    progress: Figure | None
    columns: tuple[str, ...]
    best: tuple[tuple[str, ...], ...]
    parameter_count: int
    importances: tuple[Importance, ...]
    slices: tuple[Figure, ...]
    slices_left_out: int
    heat_map: Figure | None
    caution: str

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        alone = (self.progress, self.heat_map)
        return (*(figure for figure in alone if figure), *self.slices)


def study_part(study: StudySummary, params: Mapping[str, Value]) -> StudyPart:
    """What a page that shows these parameters says about the study that tried them."""
    drawn = sample(study)
    importances = _importances(study, drawn)
    ranked = sorted(range(len(importances)), key=lambda i: -(importances[i].share or 0.0))
    sliced = [i for i in ranked if drawn and len(drawn.counting(i).values)]
    varied = [i for i in ranked if drawn and drawn.varied(i)]
    pair = next(((varied[0], other) for other in varied[1:] if drawn and drawn.varied(varied[0], other)), None)
    columns, best = _best(study)
    causes = sorted(study.failures.items(), key=lambda item: (-item[1], item[0]))
    return StudyPart(
        name=study.name,
        objective=words.label(study.objective),
        goal="highest" if study.direction == "maximize" else "lowest",
        facts=_facts(study, int(np.isnan(study.metrics[study.objective]).sum())),
        failures=tuple(causes[:_CAUSES_SHOWN]),
        other_failures=sum(number for _, number in causes[_CAUSES_SHOWN:]),
        progress=study_figures.progress(study, drawn) if drawn else None,
        columns=columns,
        best=best,
        parameter_count=len(study.parameter_names),
        importances=tuple(importances[i] for i in ranked),
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
        ("Failed", f"{study.failed:,}"),
        ("Time", words.duration(study.seconds)),
        ("Throughput", words.rate(study.evaluations_per_second)),
        ("Cores", f"{study.cores:,}"),
        ("Sampler", f"{study.sampler}: {study.sampler_reason}" if study.sampler_reason else study.sampler),
        ("Seed", str(study.seed)),
    )


def _undefined(number: int, known: int) -> str:
    return f"; the objective is undefined in {number:,} of {known:,}" if number else ""


def _best(study: StudySummary) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The head and the rows of the table of the best: number, parameters, objective, other metrics."""
    metrics = (study.objective, *(name for name in _BESIDE if name != study.objective))
    head = ("Evaluation", *study.parameter_names, *map(words.short, metrics))
    return head, tuple(_row(study, trial, metrics) for trial in study.best)


def _row(study: StudySummary, trial: Trial, metrics: tuple[str, ...]) -> tuple[str, ...]:
    params = (_short(trial.params.get(name, "")) for name in study.parameter_names)
    return (f"{trial.number:,}", *params, *(words.metric(name, trial.metrics.get(name)) for name in metrics))


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else words.parameter(value)


def _caution(study: StudySummary, params: Mapping[str, Value]) -> str:
    tried = study.finished
    if tried < 2 or study.belief is not None:
        return ""
    best = bool(study.best) and dict(study.best[0].params) == dict(params)
    chosen = "the best of" if best else "chosen, though not as the best, from"
    return (
        f"These parameters are {chosen} {tried:,} tried on the same candles, so part of their result is luck: among "
        f"{tried:,} worthless sets, the best would look good too. Expect less on bars that the search has not seen, "
        "and test there before you trade. This page does not measure that luck."
    )
