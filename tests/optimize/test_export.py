from __future__ import annotations

import csv
import math

import numpy as np
import optuna
import pytest
from pyarrow import parquet
from tests.optimize.spaces import mixed
from tests.optimize.studies import contents, evaluate, experiment, run

from bittrader.backtest.metrics import METRICS
from bittrader.errors import InputError
from bittrader.optimize import found
from bittrader.optimize.export import export
from bittrader.optimize.spaces import narrowed
from bittrader.optimize.study import Study


@pytest.fixture
def study(tmp_path):
    space = narrowed(mixed(), {}, {"length": 20})
    with Study.create(tmp_path / "mine.sqlite", experiment(space=space, trials=40)) as opened:
        run(opened, lambda rows: evaluate(rows.round()))
        opened.ask(9, space.at(rows_in_the_middle(len(space.names))))
        yield opened


def rows_in_the_middle(width):
    return np.full((1, width), 0.45)


def test_csv_holds_every_trial_with_its_values(study, tmp_path):
    export(study, "csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 41
    assert {row["param_side"] for row in rows} <= {"long", "short", "both"}
    assert {row["param_length"] for row in rows} == {"20"}
    best = found.best(study, 1)[0]
    assert float(rows[best.number]["sharpe"]) == best.metrics["sharpe"]
    assert {row["sharpe"] for row in rows if row["state"] == "failed"} == {""}


def test_parquet_holds_the_same_as_csv(study, tmp_path):
    export(study, "csv", tmp_path / "out.csv")
    export(study, "parquet", tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    said = [{key: "" if value is None else str(value) for key, value in row.items()} for row in table]
    assert said == rows


def test_optuna_reads_what_the_study_holds(study, tmp_path):
    export(study, "optuna", tmp_path / "out.db")
    loaded = optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / 'out.db'}")
    best = found.best(study, 1)[0]
    assert loaded.direction == optuna.study.StudyDirection.MAXIMIZE
    assert loaded.best_trial.number == best.number
    assert loaded.best_params == best.params
    assert loaded.best_value == best.metrics["sharpe"]
    states = {"finished": "COMPLETE", "failed": "FAIL", "asked": "WAITING"}
    rows = contents(study)
    assert [trial.state.name for trial in loaded.trials] == [states[row[2]] for row in rows]
    assert [trial.number for trial in loaded.trials] == [row[0] for row in rows]
    for trial, row in zip(loaded.trials, rows, strict=True):
        assert trial.user_attrs.get("cause") == row[3]
        measured = dict(zip(METRICS, row[-len(METRICS) :], strict=True))
        assert all(math.isclose(trial.user_attrs[name], x) for name, x in measured.items() if x is not None)
    loaded._storage.remove_session()
    loaded._storage.engine.dispose() if hasattr(
        loaded._storage, "engine"
    ) else loaded._storage._backend.engine.dispose()


def test_a_file_that_exists_is_not_overwritten(study, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(InputError, match=r"out\.csv exists already"):
        export(study, "csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_a_folder_that_is_not_there_is_refused(study, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        export(study, "csv", tmp_path / "nowhere" / "out.csv")
