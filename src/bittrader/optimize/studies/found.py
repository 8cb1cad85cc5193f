"""What a study found, asked of its file: the best, the failures, and all of it in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bittrader.belief.figures import Belief
from bittrader.errors import StrategyError, StudyError
from bittrader.optimize.narrowing import Fixed
from bittrader.optimize.samplers.grid import allowed_count
from bittrader.optimize.studies.database import metric_column, told
from bittrader.optimize.studies.even_share import even_share
from bittrader.optimize.studies.pareto import non_dominated
from bittrader.optimize.studies.summary import StudySummary, Trial
from bittrader.optimize.studies.validation_result import Holdout, Validated
from bittrader.strategies.parameters import Choice
from bittrader.strategies.registry import MINED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bittrader.optimize.goals import Objective
    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Value
    from bittrader.strategies.space import Space

Finding = TypeVar("Finding")

# A picture shows no more points, and a million of them must not fill the memory.
_ROWS = 100_000
_PIECE = 10_000
# Sets of a sample's front that spare reading what they beat.
_PIVOTS = 16
# What draws refuses a space whose constraints allow less of it; so many points are not walked for nothing.
_ALLOWED_AT_LEAST = 0.001


def best(study: Study, count: int = 20, fold: int = 0) -> tuple[Trial, ...]:
    """The best finished evaluations by the first objective, best first, each parameter set once.

    Those that break a condition come last, the nearest to keeping it first. Equals are told apart by the objectives
    that follow, then the earlier is first.
    """
    objectives = [_ascending(one) for one in study.experiment.objectives]
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {_columns(study)} FROM trials WHERE state = 'finished' AND same_as IS NULL AND fold = ?"  # noqa: S608 - quoted columns
            f" ORDER BY violation, {', '.join(objectives)}, number LIMIT ?",
            (fold, count),
        ).fetchall()
    return tuple(_trial(study, row) for row in found)


def _ascending(objective: Objective) -> str:
    return f"{metric_column(objective.metric)} {'DESC' if objective.direction == 'maximize' else 'ASC'}"


def front(study: Study, most: int = 1000) -> tuple[Trial, ...]:
    """The Pareto front: the sets that keep all conditions and that no other such set beats in every objective.

    In order of the first objective, the best first; of sets with equal objectives the first that was asked. Where
    there are more than `most`, an even share of them, both ends included.
    """
    return front_and_more(study, most)[0]


def front_and_more(study: Study, most: int = 1000) -> tuple[tuple[Trial, ...], int]:
    """As `front`, and how many more sets are on it."""
    objectives = study.experiment.objectives
    step = -(-study.counts().asked // _PIECE) or 1
    numbers, losses = _non_dominated(study, f"number % {step} = 0")
    if step > 1:
        pivots = even_share(len(numbers), _PIVOTS)
        beaten = [_beaten(objectives, losses[pivot]) for pivot in pivots]
        numbers, losses = _non_dominated(study, " AND ".join(f"NOT ({one})" for one in beaten) or "TRUE")
    chosen = numbers[np.lexsort(losses.T[::-1])]
    kept = chosen[even_share(len(chosen), most)]
    return tuple(numbered(study, int(number)) for number in kept), len(chosen) - len(kept)


def _non_dominated(study: Study, among: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers and losses of those sets that none beats, among the ones that finished and keep all conditions."""
    objectives = study.experiment.objectives
    columns = ", ".join(["number", *(metric_column(one.metric) for one in objectives)])
    numbers = np.empty(0, dtype=np.int64)
    losses = np.empty((0, len(objectives)))
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {columns} FROM trials WHERE state = 'finished' AND same_as IS NULL AND violation = 0"  # noqa: S608 - quoted columns
            f" AND fold = 0 AND {among} ORDER BY number"
        )
        while chunk := found.fetchmany(_PIECE):
            piece = np.array(chunk, dtype=np.float64)
            signed = [one.losses(piece[:, 1 + index]) for index, one in enumerate(objectives)]
            numbers = np.concatenate([numbers, piece[:, 0].astype(np.int64)])
            losses = np.concatenate([losses, np.column_stack(signed)])
            kept = non_dominated(losses)
            numbers, losses = numbers[kept], losses[kept]
    return numbers, losses


def _beaten(objectives: Sequence[Objective], losses: NDArray[np.float64]) -> str:
    """As SQL: whether a set is no better than these losses in any objective, and worse in one."""
    signed = [
        (f"{'-' if one.direction == 'maximize' else ''}{metric_column(one.metric)}", loss)
        for one, loss in zip(objectives, losses.tolist(), strict=True)
    ]
    no_better = " AND ".join(f"{column} >= {loss!r}" for column, loss in signed)
    worse = " OR ".join(f"{column} > {loss!r}" for column, loss in signed)
    return f"{no_better} AND ({worse})"


def numbered(study: Study, number: int) -> Trial:
    """The finished evaluation with that number; StudyError when there is none."""
    with told(study.path):
        row = study.connection.execute(
            f"SELECT {_columns(study)} FROM trials WHERE state = 'finished' AND number = ?",  # noqa: S608 - quoted columns
            (number,),
        ).fetchone()
    if row is None:
        raise StudyError(f"{study.name} has no finished evaluation {number}. `bittrader studies show` lists the best.")
    return _trial(study, row)


def _columns(study: Study) -> str:
    return ", ".join(["number", "violation", *study.parameter_columns, *study.metric_columns])


def _trial(study: Study, row: tuple[Any, ...]) -> Trial:
    space, metrics = study.experiment.space, study.experiment.metrics
    number, violation, *values = row
    params = space.decode(np.array(values[: len(space.names)]))
    measured = zip(metrics, values[len(space.names) :], strict=True)
    return Trial(number, params, {name: counted(name, value) for name, value in measured}, violation)


def counted(name: str, value: float | None) -> float | int | None:
    """A count of trades as the whole number that it is, except as a mean over several series."""
    return int(value) if name == "trades" and value is not None and value == int(value) else value


def trials_in_all(study: Study) -> int:
    """How many trials the complete search has: its budget, or as many as were asked when these are all sets there are,
    or will be because the grid holds them.
    """
    experiment, budget, counts = study.experiment, int(study.budget), study.counts()
    grid = experiment.sampler == "grid"
    count = allowed_count(experiment.space) if grid or counts.repeated else None
    if count is None:
        return budget
    if counts.asked - counts.repeated >= count:
        return min(counts.asked, budget)
    return min(count, budget) if grid and count <= experiment.trials else budget


def is_exhausted(study: Study) -> bool:
    """Whether every parameter set there is was asked in the search over all bars."""
    counts, space = study.counts(), study.experiment.space
    if study.experiment.sampler != "grid" and counts.asked < _ALLOWED_AT_LEAST * space.count:
        return False
    count = allowed_count(space)
    return count is not None and counts.asked - counts.repeated >= count


def is_complete(study: Study) -> bool:
    """Whether all that may be asked was asked and answered, in every fold."""
    counts, experiment = study.counts(), study.experiment
    if counts.unanswered > 0 or counts.asked < trials_in_all(study):
        return False
    return experiment.validation is None or validation(study) is not None


def was_elsewhere(study: Study) -> bool:
    """Whether a cluster's computers evaluated what has been asked last of all that has an end."""
    with told(study.path):
        last = study.connection.execute(
            "SELECT node FROM trials WHERE state != 'asked' AND same_as IS NULL ORDER BY number DESC LIMIT 1"
        ).fetchone()
    return last is not None and last[0] is not None


def failures(study: Study, fold: int = 0) -> dict[str, int]:
    """Causes of failure and how often each came, the commonest first."""
    with told(study.path):
        found = study.connection.execute(
            "SELECT cause, COUNT(*) AS times FROM trials WHERE state = 'failed' AND fold = ?"
            " GROUP BY cause ORDER BY times DESC, cause",
            (fold,),
        )
        return dict(found.fetchall())


def tried(study: Study, most: int) -> NDArray[np.float64]:
    """At most `most` of the sets that the search over all bars finished, an even share in the order of asking."""
    with told(study.path):
        found = study.connection.execute(
            "SELECT number FROM trials WHERE state = 'finished' AND fold = 0 AND same_as IS NULL ORDER BY number"
        ).fetchall()
        columns = ", ".join(study.parameter_columns) or "number"
        rows = [
            study.connection.execute(f"SELECT {columns} FROM trials WHERE number = ?", number).fetchone()  # noqa: S608 - quoted columns
            for number in (found[at] for at in even_share(len(found), most))
        ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)[:, : len(study.parameter_columns)]


def seconds_and_cores(study: Study) -> tuple[float, int]:
    """Time spent searching, all sessions together, and the most cores that one of them used."""
    with told(study.path):
        seconds, cores = study.connection.execute(
            "SELECT COALESCE(SUM(seconds), 0), COALESCE(MAX(cores), 0) FROM sessions"
        ).fetchone()
    return float(seconds), int(cores)


def summary(study: Study, rows: int = _ROWS) -> StudySummary:
    """The study as a report needs it; of more than `rows` finished evaluations, an even share of them in order."""
    experiment, counts = study.experiment, study.counts()
    table = _table(study, step=-(-counts.asked // rows) or 1)
    first, last = 1, 1 + len(experiment.space.names)
    seconds, cores = seconds_and_cores(study)
    kept, left_out = front_and_more(study) if len(experiment.objectives) > 1 else ((), 0)
    return StudySummary(
        name=study.name,
        strategy=experiment.name,
        reference=experiment.strategy,
        series=experiment.series,
        aggregate=experiment.aggregate,
        objectives=experiment.objectives,
        where=experiment.where,
        sampler=experiment.sampler,
        sampler_reason=experiment.sampler_reason,
        seed=experiment.seed,
        asked=counts.asked,
        finished=counts.finished,
        failed=counts.failed,
        infeasible=counts.infeasible,
        failures=failures(study),
        seconds=seconds,
        cores=cores,
        parameter_names=experiment.space.names,
        rows=np.where(experiment.space.active(table[:, first:last]), table[:, first:last], np.nan),
        metrics={name: table[:, last + index] for index, name in enumerate(experiment.metrics)},
        violations=table[:, 0],
        best=best(study),
        front=kept,
        front_left_out=left_out,
        choices=_choices(experiment.space),
        rules=rules(study, next(iter(best(study, 1)), None)),
        belief=_belief(study, counts.asked),
        validation=validation(study),
        holdout=noted(study, "holdout", Holdout.from_json),
        exhausted=is_exhausted(study),
        in_folds=in_folds(study),
    )


def is_mined(study: Study) -> bool:
    """Whether it searched over rules, and not only over their numbers."""
    return study.experiment.strategy == MINED


def rules(study: Study, trial: Trial | None) -> str:
    """What an evaluation of a study over rules does, in words; else empty."""
    if trial is None or not is_mined(study):
        return ""
    from bittrader.mining.words import in_words  # noqa: PLC0415 - rules need the engine, which a list does without

    try:
        return in_words(trial.params)
    except StrategyError as error:
        return str(error)


def _belief(study: Study, asked: int) -> Belief | None:
    """What was judged; None when the study has been given more trials since, or another bittrader judged it."""
    try:
        belief = noted(study, "belief", Belief.from_json)
    except StudyError:
        return None  # judging again is cheap
    return None if belief and belief.figures and belief.figures.trials != asked else belief


def validation(study: Study) -> Validated | None:
    """What came of validating the search; None where it was not asked for, or not since the study may have more."""
    known = noted(study, "validation", Validated.from_json)
    return known if known is not None and known.trials == study.budget else None


def in_folds(study: Study) -> int:
    """How many trials of a validation's folds have come to an end."""
    if study.experiment.validation is None:
        return 0
    with told(study.path):
        (count,) = study.connection.execute(
            "SELECT COUNT(*) FROM trials WHERE fold > 0 AND state != 'asked'"
        ).fetchone()
    return int(count)


def noted(study: Study, kind: str, read: Callable[[dict[str, Any]], Finding]) -> Finding | None:
    """A finding, None where there is none; StudyError when it is not written as this bittrader reads it."""
    facts = study.noted(kind)
    try:
        return None if facts is None else read(facts)
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(
            f"the {kind} of the study {study.name} was written by another bittrader. Search again."
        ) from error


def _choices(space: Space) -> dict[str, tuple[Value, ...]]:
    kinds = [one.of if isinstance(one, Fixed) else one for one in space.parameters]
    return {one.name: one.values for one in kinds if isinstance(one, Choice)}


def _table(study: Study, step: int) -> NDArray[np.float64]:
    """Violation, parameters and metrics of every `step`-th trial of fold 0 that finished, read in pieces."""
    names = ["violation", *study.parameter_columns, *study.metric_columns]
    pieces = [np.empty((0, len(names)))]
    with told(study.path):
        found = study.connection.execute(
            f"SELECT {', '.join(names)} FROM trials WHERE state = 'finished' AND fold = 0 AND number % ? = 0"  # noqa: S608 - quoted columns
            " ORDER BY number",
            (step,),
        )
        while chunk := found.fetchmany(_PIECE):
            pieces.append(np.array(chunk, dtype=np.float64))  # None becomes NaN
    return np.concatenate(pieces)
