"""A study as an Optuna storage, which optuna-dashboard opens.

Optuna makes the empty storage; the trials are then written in bulk, because its own way takes 20 ms for each.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import optuna

from bittrader.optimize.narrowing import Fixed
from bittrader.optimize.studies.database import metric_column, transaction
from bittrader.optimize.studies.export import trials
from bittrader.strategies.activity import active_numbers
from bittrader.strategies.parameters import Choice, Float, Int

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Parameter

_STATES = {"asked": "WAITING", "finished": "COMPLETE", "failed": "FAIL"}


def to_optuna(study: Study, target: Path) -> None:
    """Writes the study to a new SQLite file as Optuna lays it out: the search, and that of each fold, as one each."""
    logging.getLogger("optuna").setLevel(logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{target}")
    directions = [one.direction for one in study.experiment.objectives]
    for fold in _folds(study):
        name = f"{study.name} fold {fold}" if fold else study.name
        optuna.create_study(storage=storage, study_name=name, directions=directions)
    storage.remove_session()
    storage.engine.dispose()
    with closing(sqlite3.connect(target, isolation_level=None)) as connection, transaction(connection):
        for table, columns, rows in _tables(study):
            marks = ", ".join("?" * len(columns.split(", ")))
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own names


def _folds(study: Study) -> range:
    (last,) = study.connection.execute("SELECT COALESCE(MAX(fold), 0) FROM trials").fetchone()
    return range(last + 1)


def _tables(study: Study) -> Iterator[tuple[str, str, Iterator[tuple[Any, ...]]]]:
    """What each table of Optuna's gets."""
    names = json.dumps([one.metric for one in study.experiment.objectives])
    attributes = ((fold + 1, "study:metric_names", names) for fold in _folds(study))
    yield "study_system_attributes", "study_id, key, value_json", attributes
    columns = "trial_id, number, study_id, state, datetime_start, datetime_complete"
    yield "trials", columns, _trials(study)
    yield "trial_values", "trial_id, objective, value, value_type", _values(study)
    yield "trial_params", "trial_id, param_name, param_value, distribution_json", _params(study)
    yield "trial_user_attributes", "trial_id, key, value_json", _attributes(study)
    if study.experiment.where:
        yield "trial_system_attributes", "trial_id, key, value_json", _constraints(study)


def _rows(study: Study, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    for piece in trials(study, ["number + 1", *columns]):
        yield from piece


def _trials(study: Study) -> Iterator[tuple[Any, ...]]:
    """Optuna counts the trials of each of its studies from 0."""
    counted = Counter[int]()
    for number, fold, state, seconds, ended in _rows(study, ["fold", "state", "seconds", "ended"]):
        began = None if ended is None else ended - (seconds or 0.0)
        yield number, counted[fold], fold + 1, _STATES[state], _moment(began), _moment(ended)
        counted[fold] += 1


def _constraints(study: Study) -> Iterator[tuple[Any, ...]]:
    """How far each set is from keeping the conditions, which Optuna takes as feasible up to 0."""
    for number, violation in _rows(study, ["violation"]):
        if violation is not None:
            yield number, "constraints", json.dumps([violation])


def _values(study: Study) -> Iterator[tuple[Any, ...]]:
    objectives = [metric_column(one.metric) for one in study.experiment.objectives]
    for number, *values in _rows(study, objectives):
        for index, value in enumerate(values):
            if value is not None:
                yield number, index, value, "FINITE"


def _params(study: Study) -> Iterator[tuple[Any, ...]]:
    parameters = study.experiment.space.parameters
    spread = {one.name: optuna.distributions.distribution_to_json(_distribution(one)) for one in parameters}
    for number, *values in _rows(study, study.parameter_columns):
        for name, value in active_numbers(parameters, values).items():
            yield number, name, value, spread[name]


def _attributes(study: Study) -> Iterator[tuple[Any, ...]]:
    facts = ["number", "cause", "same_as", "violation"]
    names = [*facts, *study.experiment.metrics]
    for number, *values in _rows(study, [*facts, *study.metric_columns]):
        for name, value in zip(names, values, strict=True):
            if value is not None:
                yield number, name, json.dumps(value)


def _moment(seconds: float | None) -> str | None:
    """A time as SQLAlchemy stores it; Optuna's are local times."""
    if seconds is None:
        return None
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S.%f}"


def _distribution(one: Parameter[Any]) -> optuna.distributions.BaseDistribution:
    """A parameter as Optuna has it."""
    if isinstance(one, Int):
        return optuna.distributions.IntDistribution(one.low, one.high, log=one.log, step=one.step)
    if isinstance(one, Float):
        return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log, step=one.step)
    if isinstance(one, Choice):
        return optuna.distributions.CategoricalDistribution(one.values)
    assert isinstance(one, Fixed)
    return _distribution(one.of)
