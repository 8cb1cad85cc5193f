"""Functions of the user's own, searched."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.optimize.spaces import crossing

from bittrader.backtest.costs import Costs
from bittrader.cli import run
from bittrader.errors import InputError, StrategyError, StudyError
from bittrader.optimize.functions import FunctionEvaluator, takes_keywords
from bittrader.optimize.rerun import rerun
from bittrader.optimize.search import optimize, resume
from bittrader.optimize.studies import shelf
from bittrader.optimize.studies.study import Study
from bittrader.report import write_report
from bittrader.strategies.parameters import Int

SPACE = """
constraints = ["fast < slow"]
[parameters.fast]
kind = "int"
low = 5
high = 60
[parameters.slow]
kind = "int"
low = 10
high = 100
"""

MODULE = """
import os, time

def hill(fast, slow):
    return {{"profit": 10.0 - (fast - 20) ** 2 - (slow - 60) ** 2, "risk": fast / slow}}

def one_dict(params):
    return hill(**params)

def poor(fast, slow):
    {body}
    return hill(fast, slow)

class Hill:
    def __call__(self, fast, slow):
        return hill(fast, slow)

made = Hill()
short = lambda fast, slow: hill(fast, slow)
"""


@pytest.fixture
def files(tmp_path):
    """The module and the space, written; `body` is what the poor function does first."""
    (tmp_path / "space.toml").write_text(SPACE)

    def write(body="pass"):
        (tmp_path / "mine.py").write_text(MODULE.format(body=body))
        return f"{tmp_path / 'mine.py'}", str(tmp_path / "space.toml")

    return write


def hill(fast, slow):
    return {"profit": 10.0 - (fast - 20) ** 2 - (slow - 60) ** 2, "risk": fast / slow}


def searched(files, name="hill", body="pass", **how):
    module, space = files(body)
    facts = {"trials": 40, "sampler": "random", "objective": "profit", "study": "mine", "threads": 2, **how}
    return optimize(f"{module}:{name}", space=space, **facts).summary


def test_the_numbers_are_what_the_function_returns(files):
    summary = searched(files)
    assert (summary.finished, summary.failed) == (40, 0)
    for trial in summary.best:
        assert dict(trial.metrics) == hill(**trial.params)
    assert [trial.metrics["profit"] for trial in summary.best] == sorted(summary.metrics["profit"], reverse=True)[:20]


def test_one_dict_does_as_well_as_keywords(files):
    summary = searched(files, "one_dict")
    assert all(dict(trial.metrics) == hill(**trial.params) for trial in summary.best)


@pytest.mark.parametrize("name", ["made", "short"])
def test_whatever_a_file_names_can_be_searched_and_gone_on_with(files, name):
    assert searched(files, name, trials=5).finished == 5
    assert resume("mine", trials=8).summary.finished == 8


def test_a_function_of_a_program_can_be_searched_without_a_file(files):
    space = {"fast": Int(5, 60), "slow": Int(10, 100)}
    result = optimize(hill, space=space, objective="risk:min", trials=10, sampler="random", study="mine")
    assert result.best.metrics["risk"] == min(result.summary.metrics["risk"])
    assert result.backtest() is None


def test_several_objectives_and_conditions_work_as_for_strategies(files):
    summary = searched(files, objective=["profit", "risk:min"], where=["risk >= 0.2"])
    assert 0 < summary.infeasible < summary.finished
    assert summary.front
    assert all(trial.metrics["risk"] >= 0.2 for trial in summary.front)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("if fast > 50: raise ValueError('bad luck')", "ValueError: bad luck"),
        ("if fast > 50: raise SystemExit(3)", "SystemExit: 3"),
        ("if fast > 50: return {'profit': float('nan')}", "profit is undefined"),
        ("if fast > 50: return {'profit': float('inf')}", "profit is infinite"),
        ("if fast > 50: return {'profit': None}", "profit is undefined"),
        ("if fast > 50: return {'profit': 'much'}", "profit is str 'much', not a number"),
        ("if fast > 50: return {'profit': True}", "profit is bool True, not a number"),
        ("if fast > 50: return {'risk': 1.0}", "it returned no profit, only risk"),
        ("if fast > 50: return 1.5", "it returned float 1.5, not named numbers as in {'profit': 1.5}"),
        ("if fast > 50: return {3: 1.5}", "int 3 is no name for a number"),
        ("if fast > 50: return {f'n{i}': i for i in range(201)}", "it returned 201 numbers; a study keeps 200"),
        ("if fast > 50: os._exit(3)", "process ended with exit code 3"),
        ("if fast > 50: os.kill(os.getpid(), 9)", "process killed by SIGKILL"),
    ],
)
def test_what_goes_wrong_is_the_failure_of_its_evaluation_with_the_cause(files, body, cause):
    summary = searched(files, "poor", body, trials=12)
    assert summary.finished > 0
    assert summary.failures == {cause: summary.failed}
    assert all(trial.params["fast"] <= 50 for trial in summary.best)


def test_what_exceeds_the_time_limit_has_failed(files):
    summary = searched(files, "poor", "time.sleep(60 * (fast > 50))", trials=10, time_limit=1.0)
    assert summary.finished > 0
    assert summary.failures == {"time limit of 1 s": summary.failed}


def test_numbers_that_come_later_are_kept_and_undefined_before(files):
    summary = searched(files, "poor", "if fast % 2: return {'profit': 1.0, 'odd': fast}")
    odd = summary.rows[:, 0] % 2 == 1
    assert (np.isnan(summary.metrics["odd"]) == ~odd).all()
    assert (np.isnan(summary.metrics["risk"]) == odd).all()
    assert list(summary.metrics) == ["profit", "odd", "risk"]


def test_numbers_may_be_called_like_columns_of_ours(files):
    summary = searched(files, "poor", "return {'profit': 1.0, 'state': fast, 'seconds': slow, 'param_fast': -1}")
    assert (summary.metrics["state"] == summary.rows[:, 0]).all()
    assert (summary.metrics["seconds"] == summary.rows[:, 1]).all()
    assert (summary.metrics["param_fast"] == -1).all()


def test_numbers_that_differ_only_in_case_are_refused(files):
    summary = searched(files, "poor", "if fast > 20: return {'profit': 1.0, 'Profit': 2.0}")
    assert set(summary.failures) == {"a study cannot tell the numbers profit and Profit apart: rename one"}
    assert summary.finished > 0


@pytest.mark.parametrize("sampler", ["random", "de", "tpe"])
def test_a_search_that_was_cut_goes_on_to_the_result_of_an_unbroken_one(files, sampler):
    unbroken = searched(files, sampler=sampler, trials=30, study="whole", threads=1)
    searched(files, sampler=sampler, trials=30, study="cut")
    with Study.write(shelf.path_of("cut")) as study:  # as if killed after the eleventh was written
        study.connection.execute("UPDATE trials SET state = 'asked', profit = NULL, risk = NULL WHERE number > 10")
        study.connection.execute(
            "DELETE FROM trials WHERE generation > (SELECT generation FROM trials WHERE number = 11)"
        )
    summary = resume("cut").summary
    assert summary.rows.tolist() == unbroken.rows.tolist()
    assert {name: column.tolist() for name, column in summary.metrics.items()} == {
        name: column.tolist() for name, column in unbroken.metrics.items()
    }


def test_a_function_whose_code_has_changed_is_not_gone_on_with(files):
    searched(files)
    files("print()")
    with pytest.raises(StudyError, match="mine cannot go on: the code of hill has changed"):
        resume("mine", trials=50)


def test_candles_and_costs_are_not_for_functions(files):
    module, space = files()
    with pytest.raises(InputError, match="takes no candles"):
        optimize(f"{module}:hill", "btc", space=space, objective="profit")
    for given in ({"costs": Costs(fee=0.5)}, {"holdout": "20%"}, {"validate": "walk-forward"}):
        with pytest.raises(InputError, match="for strategies"):
            optimize(f"{module}:hill", space=space, objective="profit", **given)
    with pytest.raises(InputError, match="aggregate is for several series"):
        optimize(f"{module}:hill", space=space, objective="profit", aggregate="worst")
    searched(files)
    with pytest.raises(InputError, match="takes no candles"):
        resume("mine", candles="btc", trials=50)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hil", "has no function 'hil'. Did you mean 'hill'"),
        ("os", "os in .* is not a function"),
        ("a-b", "names no function. Write file.py:function"),
    ],
)
def test_what_is_no_function_is_refused(files, name, words):
    with pytest.raises(InputError, match=words):
        searched(files, name)


def test_a_search_needs_an_objective_of_the_function(files):
    module, space = files()
    with pytest.raises(InputError, match="say which of the function's numbers"):
        optimize(f"{module}:hill", space=space)


def test_a_strategy_without_candles_is_told_what_is_missing():
    with pytest.raises(InputError, match="there are no candles"):
        optimize("sma-cross")


def test_a_function_that_no_other_process_can_have_is_refused():
    with pytest.raises(InputError, match="Define it at the top of a file"):
        optimize(lambda fast: {"profit": fast}, space={"fast": Int(1, 5)}, objective="profit")


def test_a_function_that_takes_other_parameters_is_refused():
    with pytest.raises(StrategyError, match=r"hill\(fast, slow\) does not take the space's fast, long"):
        takes_keywords(hill, ["fast", "long"])


def test_defaults_and_wildcards_are_taken_as_python_does():
    assert takes_keywords(lambda fast, slow=3: None, ["fast"])
    assert takes_keywords(lambda **params: None, ["fast"])
    assert not takes_keywords(lambda params: None, ["fast"])
    assert takes_keywords(lambda params: None, ["params"])


def test_an_evaluators_answer_has_a_column_for_every_name():
    def evaluate(fast, slow):
        return {"a": 1} if fast == 5 else {"a": 2, "b": slow}

    answer = FunctionEvaluator(evaluate, crossing(), ["a"])(np.array([[5.0, 10.0], [6.0, 20.0]]))
    assert answer.names == ("a", "b")
    assert answer.metrics[:, 0].tolist() == [1, 2]
    assert math.isnan(answer.metrics[0, 1])


def test_a_report_of_a_function_shows_the_search_and_no_single_trial(files, tmp_path):
    searched(files)
    results, summary = rerun("mine")
    assert results == ()
    assert "<h2" in write_report(tmp_path / "mine.html", results, summary).read_text(encoding="utf-8")
    with pytest.raises(StudyError, match="shows the whole search, not one trial"):
        rerun("mine", 3)


def test_the_command_says_what_was_found(files, capsys):
    module, space = files()
    words = ["optimize", f"{module}:hill", "--space", space, "--objective", "profit", "--trials", "30"]
    assert run([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["strategy"] == "hill"
    assert facts["best"]["metrics"] == hill(**facts["best"]["params"])
    assert facts["series"] == []
    assert "<h1>hill" in Path(facts["report"]).read_text(encoding="utf-8")
    assert run(["optimize", *words[1:], "--set", "fast=20", "--range", "slow=50:70"]) == 0
    assert "Best of 21: hill" in capsys.readouterr().out


def test_what_a_function_prints_is_no_answer(files):
    module, space = files('print("noise"); os.write(1, b"more noise")')
    command = [sys.executable, "-m", "bittrader", "optimize", f"{module}:poor", "--space", space, "--objective"]
    done = subprocess.run(
        [*command, "profit", "--trials", "2", "--json", "--no-report"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["evaluations"]["finished"] == 2
    assert "more noise" in done.stderr


def test_a_function_given_as_a_strategy_is_told_apart(files):
    module, _ = files()
    with pytest.raises(StrategyError, match=r"has no strategy 'hill'\. That is a function: .* --space FILE"):
        optimize(f"{module}:hill", "made-up")
