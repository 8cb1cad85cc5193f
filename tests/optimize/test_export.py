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
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.narrowing import narrowed
from bittrader.optimize.studies import found
from bittrader.optimize.studies.export import export
from bittrader.optimize.studies.study import Study


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
    assert names_in(loaded) == ["sharpe"]
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
        assert trial.user_attrs["number"] == row[0]
    let_go(loaded)


def names_in(loaded):
    """What `metric_names` gives, which warns that it is experimental."""
    return loaded._storage.get_study_system_attrs(loaded._study_id)["study:metric_names"]


def let_go(loaded):
    """Closes the file."""
    loaded._storage.remove_session()
    loaded._storage.engine.dispose() if hasattr(
        loaded._storage, "engine"
    ) else loaded._storage._backend.engine.dispose()


def test_optuna_reads_several_objectives_and_which_sets_break_a_condition(tmp_path):
    goals = (Objective("sharpe", "maximize"), Objective("max_drawdown", "minimize"))
    several = experiment(objectives=goals, where=(Condition.parse("total_return >= 0.3"),), trials=30)
    with Study.create(tmp_path / "several.sqlite", several) as opened:
        run(opened, evaluate_unlike)
        export(opened, "optuna", tmp_path / "out.db")
        ours = found.front(opened)
    loaded = optuna.load_study(study_name="several", storage=f"sqlite:///{tmp_path / 'out.db'}")
    assert [one.name for one in loaded.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert names_in(loaded) == ["sharpe", "max_drawdown"]
    kept = [trial for trial in loaded.trials if trial.state.name == "COMPLETE" and trial.user_attrs["violation"] == 0]
    assert 0 < len(kept) < sum(trial.state.name == "COMPLETE" for trial in loaded.trials)
    assert {trial.number for trial in loaded.best_trials} == {trial.number for trial in ours}
    let_go(loaded)


def evaluate_unlike(rows):
    answer = evaluate(rows)
    answer.metrics[:, METRICS.index("max_drawdown")] = rows[:, 0] / 100
    answer.metrics[:, METRICS.index("total_return")] = (rows[:, 1] % 40) / 40
    return answer


def test_each_fold_is_a_study_of_optunas(study, tmp_path):
    rows = study.experiment.space.sample(np.random.default_rng(1), 4)
    study.ask(0, rows[:3], fold=1)
    study.ask(0, rows[3:], fold=2)
    study.ask(1, rows[:1], fold=1)
    export(study, "optuna", tmp_path / "out.db")
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'out.db'}")
    assert sorted(optuna.get_all_study_names(storage)) == ["mine", "mine fold 1", "mine fold 2"]
    loaded = optuna.load_study(study_name="mine fold 1", storage=storage)
    assert [trial.number for trial in loaded.trials] == [0, 1, 2, 3]
    assert [trial.user_attrs["number"] for trial in loaded.trials] == [41, 42, 43, 45]
    let_go(loaded)


def test_a_file_that_exists_is_not_overwritten(study, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(InputError, match=r"out\.csv exists already"):
        export(study, "csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_a_folder_that_is_not_there_is_refused(study, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        export(study, "csv", tmp_path / "nowhere" / "out.csv")
