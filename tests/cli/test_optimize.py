from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bittrader import paths
from bittrader.cli import main, run
from bittrader.cli.optimize import parse_ranges
from bittrader.errors import BittraderError, InputError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.studies import found
from bittrader.optimize.studies.study import Study

STRATEGY = """
import time
from bittrader import Int, Signals, Strategy

class Mine(Strategy):
    n = Int(2, 200)

    def signals(self, chart):
        time.sleep({pause})
        if self.n % {fails} == 0:
            raise ValueError("bad luck")
        average = chart.sma(self.n)
        return Signals(enter_long=chart.close > average, exit_long=chart.close < average)
"""


@pytest.fixture
def candles():
    store(synthetic(bars=3000), "made-up")
    return "made-up"


@pytest.fixture
def mine(tmp_path):
    def write(pause=0.0, fails=1000):
        file = tmp_path / "mine.py"
        file.write_text(STRATEGY.format(pause=pause, fails=fails))
        return f"{file}:Mine"

    return write


def asked_for_json(capsys, *words):
    code = run(["optimize", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_json_is_one_object_that_says_what_was_found(capsys, candles):
    words = ["sma-cross", candles, "--trials", "20", "--study", "first", "--seed", "5"]
    code, facts = asked_for_json(capsys, *words, "--range", "fast=5:20", "--set", "slow=90", "--fee", "0.0005")
    assert code == 0
    assert facts["study"] == "first"
    assert facts["best"]["params"]["slow"] == 90
    assert 5 <= facts["best"]["params"]["fast"] <= 20
    assert facts["evaluations"]["asked"] == facts["evaluations"]["finished"] == 16  # all there are
    assert facts["seconds"] > 0
    with Study.read(paths.studies_dir() / "first.sqlite") as study:
        assert study.experiment.costs.fee == 0.0005
        assert found.best(study, 1)[0].metrics == facts["best"]["metrics"]
    assert (paths.reports_dir() / "first.html").exists()


def test_the_terminal_says_what_was_done_and_how_to_go_on(capsys, candles, mine):
    assert run(["optimize", mine(fails=3), candles, "--trials", "30", "--study", "a", "--no-report"]) == 0
    said = capsys.readouterr().out
    assert "hold" in said.split()
    assert "failed: ValueError: bad luck" in said
    assert "bittrader studies resume a --trials 60" in said
    assert not paths.reports_dir().exists()


def test_when_every_evaluation_fails_the_commonest_cause_is_said(capsys, candles, mine):
    code, facts = asked_for_json(capsys, mine(fails=1), candles, "--trials", "10")
    assert code == 1
    assert facts["best"] is None
    assert facts["evaluations"]["causes"] == {"ValueError: bad luck": 10}
    assert run(["optimize", mine(fails=1), candles, "--trials", "10"]) == 1
    said = capsys.readouterr().err
    assert "no evaluation finished; the commonest cause (10 of 10): ValueError: bad luck" in said


def test_a_study_gets_a_name_that_no_other_has(capsys, candles):
    names = {asked_for_json(capsys, "sma-cross", candles, "--trials", "3", "--no-report")[1]["study"] for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sma-cros", "made-up"], "did you mean|Did you mean"),
        (["sma-cross", "made-up", "--objective", "sharp"], "Did you mean 'sharpe'"),
        (["sma-cross", "made-up", "--sampler", "tp"], "Did you mean 'tpe'"),
        (["sma-cross", "made-up", "--range", "fats=5:20"], "Did you mean 'fast'"),
        (["sma-cross", "made-up", "--range", "fast=5-20"], "Write --range name=low:high"),
        (["sma-cross", "made-up", "--set", "fast=5000"], "fast takes 5 to 100"),
        (["sma-cross", "made-up", "--trials", "0"], "trials must be between 1"),
        (["sma-cross", "made-up", "--threads", "0"], "threads must be at least 1"),
        (["sma-cross", "made-up", "--time-limit", "0"], "time limit must be a positive"),
        (["sma-cross", "made-up", "--memory-limit", "-1"], "memory limit must be a positive"),
        (["sma-cross", "made-up", "--study", "../a"], "cannot be called"),
        (["sma-cross", "made-up", "--study", ""], "cannot be called"),
        (["sma-cross", "made-up", "--trials", str(10**30)], "trials must be between 1"),
        (["sma-cross", "made-up", "--range", "fast=90:100", "--range", "slow=50:60"], "no parameter set keeps fast"),
        (["sma-cross", "made-up", "--fee", "2"], "fee must be between"),
        (["sma-cross", "nothing-here"], "nothing-here"),
        (["sma-cross", "made-up", "--gaps", "fill"], "there is no file 'made-up'. Stored candles keep theirs"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(candles, words, said):
    with pytest.raises(BittraderError, match=said) as caught:
        run(["optimize", *words])
    assert "\n" not in str(caught.value)
    assert not list(paths.studies_dir().glob("*"))


def test_a_study_that_exists_is_refused_with_words(candles):
    run(["optimize", "sma-cross", candles, "--trials", "3", "--study", "a", "--no-report"])
    with pytest.raises(BittraderError, match="studies resume a"):
        run(["optimize", "sma-cross", candles, "--trials", "3", "--study", "a"])


def test_a_range_is_given_once():
    with pytest.raises(InputError, match="gives fast twice"):
        parse_ranges(["fast=1:2", "fast=2:3"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_writes_what_runs_exits_130_and_says_how_to_go_on(candles, mine, number):
    words = ["optimize", mine(pause=0.02), candles, "--trials", "190", "--sampler", "random", "--study", "a"]
    program = [sys.executable, "-c", "from bittrader.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    path = paths.studies_dir() / "a.sqlite"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (path.exists() and finished(path) > 5):
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "bittrader studies resume a" in out
    assert "Traceback" not in err
    done = finished(path)
    assert 5 < done < 190
    assert run(["studies", "resume", "a", "--no-report"]) == 0
    assert finished(path) > done


def finished(path):
    with Study.read(path) as study:
        return study.counts().finished


def test_an_evaluation_over_its_time_limit_is_ended_and_counted(capsys, candles, mine):
    strategy = mine(pause="30 if self.n > 100 else 0")
    words = [strategy, candles, "--trials", "3", "--sampler", "grid", "--range", "n=99:101", "--time-limit", "0.5"]
    code, facts = asked_for_json(capsys, *words, "--threads", "1", "--no-report")
    assert code == 0
    assert facts["evaluations"]["causes"] == {"time limit of 0.5 s": 1}
    assert facts["evaluations"]["finished"] == 2


def test_an_evaluation_over_its_memory_limit_is_ended_and_counted(capsys, candles, mine):
    strategy = mine(pause="5 if self.n > 100 and (held := [0.0] * 60_000_000) else 0")
    words = [strategy, candles, "--trials", "3", "--sampler", "grid", "--range", "n=99:101", "--memory-limit", "500"]
    code, facts = asked_for_json(capsys, *words, "--threads", "1", "--no-report")
    assert code == 0
    assert facts["evaluations"]["causes"] == {"memory limit of 500 MB": 1}
    assert facts["evaluations"]["finished"] == 2


def test_a_report_without_room_costs_nothing_of_what_was_found(capsys, candles, home):
    (home / "reports").write_text("in the way")
    with pytest.raises(InputError, match="the report cannot be written"):
        run(["optimize", "sma-cross", candles, "--trials", "5", "--study", "a", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert (facts["evaluations"]["asked"], facts["report"]) == (5, None)


def test_bad_input_puts_nothing_above_its_line(capsys, candles):
    with pytest.raises(InputError):
        run(["optimize", "sma-cross", candles, "--trials", "0"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("more", [[], ["--time-limit", "20"]])
def test_what_a_strategy_prints_is_no_answer(capfd, candles, mine, more):
    file = mine().removesuffix(":Mine")
    text = Path(file).read_text() + "\nprint('hello')\n"
    Path(file).write_text(text.replace("average = ", "print('hello'); average = "))
    assert run(["optimize", file, candles, "--trials", "3", "--json", "--no-report", *more]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["evaluations"]["finished"] == 3
    assert "hello" in err


def test_a_best_that_closed_few_trades_is_marked(capsys, candles):
    words = ["rsi-reversion", candles, "--trials", "1", "--no-report", "--set"]
    assert run(["optimize", *words, "lower=8", "--set", "rsi_length=5", "--set", "upper=94"]) == 0
    assert "too few to tell skill from luck" in capsys.readouterr().out


def test_where_every_set_has_been_tried_more_trials_are_not_proposed(capsys, candles):
    run(["optimize", "buy-and-hold", candles, "--study", "a", "--no-report"])
    run(["studies", "show", "a"])
    said = capsys.readouterr().out
    assert said.count("every parameter set there is") == said.count("bittrader report a --open") == 2
    assert "studies resume" not in said
    run(["studies", "list", "--json"])
    (facts,) = json.loads(capsys.readouterr().out)["studies"]
    assert (facts["finished"], facts["trials"], facts["state"]) == (1, 1, "complete")


@pytest.mark.parametrize(("trials", "is_all"), [(1, False), (40, True)])
def test_a_search_that_came_upon_all_sets_there_are_proposes_no_more_trials(capsys, candles, trials, is_all):
    words = ["--set", "fast=20", "--range", "slow=50:52", "--sampler", "random", "--study", "a", "--no-report"]
    run(["optimize", "sma-cross", candles, *words, "--trials", str(trials)])
    run(["studies", "show", "a"])
    run(["studies", "resume", "a", "--no-report"])
    said = capsys.readouterr()
    more = f"bittrader studies resume a --trials {2 * trials}"
    assert (said.out.count(more), said.err.count(more)) == ((0, 0) if is_all else (3, 1))
    assert said.out.count("every parameter set there is") == (3 if is_all else 0)
    assert ("a is complete: every parameter set there is was tried." in said.err) == is_all


def test_a_study_is_called_as_its_candles_would_be(capsys):
    store(replace(synthetic(bars=3000), symbol="BTC/USDT"), "made-up")
    _, facts = asked_for_json(capsys, "sma-cross", "made-up", "--trials", "1", "--no-report")
    assert facts["study"] == "sma-cross-btcusdt-1h-1"


def test_an_error_without_a_terminal_is_one_line_and_nothing_else(candles, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bittrader", "optimize", "sma-cross", candles, "--objective", "sharp"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == "bittrader: there is no metric 'sharp'. Did you mean 'sharpe'?\n"


def test_a_narrow_terminal_cuts_no_parameter(capsys, candles, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = ["supertrend", candles, "--trials", "20", "--objective", "profit_factor", "--study", "a", "--no-report"]
    run(["optimize", *words])
    assert "…" not in capsys.readouterr().out


def test_several_objectives_give_a_pareto_front(capsys, candles):
    objectives = ("--objective", "sharpe", "--objective", "costs_paid")
    code, facts = asked_for_json(capsys, "sma-cross", candles, "--trials", "40", *objectives, "--no-report")
    assert code == 0
    assert [one["metric"] for one in facts["objectives"]] == ["sharpe", "costs_paid"]
    assert [one["direction"] for one in facts["objectives"]] == ["maximize", "minimize"]
    pairs = [(one["metrics"]["sharpe"], one["metrics"]["costs_paid"]) for one in facts["front"]]
    assert len(pairs) > 1
    assert pairs == sorted(pairs, reverse=True)
    assert all(later[1] < earlier[1] for earlier, later in itertools.pairwise(pairs))
    assert facts["best"] == facts["front"][0]


def test_the_table_shows_the_front_of_several_objectives(capsys, candles):
    run(["optimize", "sma-cross", candles, "--trials", "20", "--objective", "sharpe", "--objective", "trades:min"])
    assert "Pareto front, " in capsys.readouterr().out


def test_a_set_that_breaks_a_condition_is_never_the_best_while_another_keeps_it(capsys, candles):
    words = ("sma-cross", candles, "--trials", "40", "--seed", "3", "--sampler", "random", "--no-report")
    _, free = asked_for_json(capsys, *words)
    bound = free["best"]["metrics"]["trades"]
    _, bound_to = asked_for_json(capsys, *words, "--where", f"trades > {bound}")
    assert bound_to["best"]["metrics"]["trades"] > bound
    assert bound_to["best"]["feasible"]
    assert bound_to["best"]["metrics"]["sharpe"] < free["best"]["metrics"]["sharpe"]
    assert bound_to["where"] == [f"trades > {bound}"]
    assert 0 < bound_to["evaluations"]["infeasible"] < bound_to["evaluations"]["finished"]


def test_conditions_that_nothing_keeps_are_said_and_the_nearest_is_shown(capsys, candles):
    code = run(["optimize", "sma-cross", candles, "--trials", "20", "--where", "trades >= 100000", "--no-report"])
    said = capsys.readouterr().out
    assert code == 0
    assert "trades >= 100000: no set keeps it. Those shown (x) are the nearest" in said
    assert " 1 x " in said


def test_several_series_are_each_told(capsys, candles):
    store(replace(synthetic(bars=2000), symbol="ETH/USDT"), "other")
    words = ("sma-cross", candles, "other", "--trials", "12", "--aggregate", "worst")
    code, facts = asked_for_json(capsys, *words)
    assert code == 0
    assert facts["aggregate"] == "worst"
    assert [one["candles"] for one in facts["series"]] == [candles, "other"]
    worst = min(one["metrics"]["sharpe"] for one in facts["series"])
    assert facts["best"]["metrics"]["sharpe"] == pytest.approx(worst)
    run(["optimize", *words])
    assert "The best on each series" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--objective", "sharp"), "Did you mean 'sharpe'"),
        (("--where", "trade >= 5"), "Did you mean 'trades'"),
        (("--where", "trades 5"), "does not read as one"),
        (("--objective", "sharpe:up"), "metric:max or metric:min"),
    ],
)
def test_goals_that_are_none_are_refused_in_one_line(candles, words, said):
    with pytest.raises(InputError) as refusal:
        run(["optimize", "sma-cross", candles, *words])
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_when_every_evaluation_failed_the_way_on_is_to_check_the_strategy(capsys, candles, mine):
    reference = mine(fails=1)
    assert run(["optimize", reference, candles, "--trials", "5", "--no-report"]) == 1
    said = capsys.readouterr().out
    assert f"bittrader strategies check {reference}" in said
