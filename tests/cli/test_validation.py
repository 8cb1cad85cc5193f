from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from bittrader.cli import run
from bittrader.errors import BittraderError, InputError, StudyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study

ASKED = [
    "sma-cross",
    "made-up",
    "--trials",
    "12",
    "--sampler",
    "random",
    "--study",
    "one",
    "--no-report",
    "--no-verdict",
]


@pytest.fixture(autouse=True)
def candles(home):
    store(synthetic(bars=3000), "made-up")


def json_of(capsys, *words):
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_has_the_folds_and_what_they_found_out_of_sample(capsys):
    facts = json_of(capsys, "optimize", *ASKED, "--validate", "walk-forward", "--folds", "3", "--holdout", "20%")
    validation = facts["validation"]
    assert validation["mode"] == "walk-forward"
    assert [fold["test"][0]["stop"] for fold in validation["folds"]][-1] == 2400
    assert validation["out_of_sample"] == validation["paths"][0]["metrics"]
    assert set(validation["efficiency"]) == {"cagr", "sharpe"}
    assert facts["holdout"]["openings"] == []
    assert facts["evaluations"]["in_folds"] == 36
    shown = json_of(capsys, "studies", "show", "one")
    assert (shown["validation"], shown["holdout"]) == (validation, facts["holdout"])


def test_the_terminal_shows_a_line_a_fold_and_all_of_them_together(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    run(["optimize", *ASKED, "--validate", "anchored", "--folds", "3"])
    said = capsys.readouterr().out
    first = said.index("Validated out of sample: anchored")
    lines = [line.split()[0] for line in said[first:].splitlines() if " to " in line or "one after" in line]
    assert lines[:4] == ["1", "2", "3", "all"]
    assert "out of sample" in said[said.index("Validation") :]


def test_paths_are_told_by_their_spread(capsys):
    run(["optimize", *ASKED, "--validate", "cpcv", "--folds", "4", "--test-blocks", "2", "--embargo", "1d"])
    assert "in the middle of 3 paths" in capsys.readouterr().out


def test_blocks_that_follow_on_each_other_are_shown_as_one(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    run(["optimize", *ASKED, "--validate", "cpcv", "--folds", "3", "--test-blocks", "2"])
    said = capsys.readouterr().out.partition("Validated out of sample")[2]
    together, apart = re.split(r"\n +(?=\d +\d{4}-)", said)[1:3]
    assert (together.count(" to "), apart.count(" to ")) == (1, 2)


def test_a_holdout_is_opened_once_and_looked_at_again(capsys):
    run(["optimize", *ASKED, "--holdout", "0.25"])
    assert "never looked at" in capsys.readouterr().out
    run(["studies", "holdout", "one"])
    assert "Looked at for the first time" in capsys.readouterr().out
    facts = json_of(capsys, "studies", "holdout", "one")
    assert len(facts["openings"]) == 2
    run(["studies", "holdout", "one"])
    assert "Looked at before: 2 times" in capsys.readouterr().out
    run(["studies", "show", "one"])
    assert "looked at 3 times" in capsys.readouterr().out


def test_a_holdout_of_several_series_is_held_against_holding_each_and_judged_anew(capsys):
    store(synthetic(bars=2_500, seed=5), "other")
    first, second, *rest = ASKED
    judged = [word for word in rest if word != "--no-verdict"]
    run(["optimize", first, second, "other", *judged, "--holdout", "25%"])
    capsys.readouterr()
    run(["studies", "holdout", "one"])
    said = capsys.readouterr().out
    assert said.count("hold SYNTHETIC") == 2
    assert "that no search saw (holdout)" in " ".join(said.split())


def test_another_set_on_a_holdout_that_was_looked_at_is_no_test(capsys):
    run(["optimize", *ASKED, "--holdout", "20%"])
    run(["studies", "holdout", "one"])
    with Study.write(shelf.path_of("one")) as study:
        best = found.best(study, 1)[0].number
        study.connection.execute("UPDATE trials SET sharpe = -9 WHERE number = ? OR same_as = ?", (best, best))
    capsys.readouterr()
    run(["studies", "holdout", "one"])
    assert "no test any more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--folds", "4"], "--folds is about a validation"),
        (["--test-blocks", "2"], "--test-blocks is about a validation"),
        (["--validate", "anchored", "--folds", "0"], "folds must be between 1 and"),
        (["--validate", "cpcv", "--folds", "3", "--test-blocks", "3"], "can be tested at once"),
        (["--validate", "walk-forward", "--embargo", "5"], "--embargo is for purged-kfold and cpcv"),
        (["--validate", "anchored", "--test-blocks", "2"], "--test-blocks is for --validate cpcv"),
        (["--validate", "purged-kfold", "--embargo", "much"], "no number of bars"),
        (["--holdout", "120%"], "no share of the bars"),
        (["--holdout", "95%"], "holdout must be between"),
    ],
)
def test_bad_input_is_one_line_and_no_study_is_made(words, said):
    with pytest.raises(BittraderError, match=said) as caught:
        run(["optimize", *ASKED, *words])
    assert isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)
    assert not shelf.names()


def test_a_study_without_a_holdout_says_how_to_keep_one(capsys):
    run(["optimize", *ASKED])
    with pytest.raises(StudyError, match="--holdout 20%"):
        run(["studies", "holdout", "one"])


def test_a_validation_killed_at_once_is_taken_up_where_it_was(capsys, tmp_path):
    strategy = tmp_path / "slow.py"
    strategy.write_text(
        "import time\n"
        "from bittrader import Int, Signals, Strategy\n"
        "class Slow(Strategy):\n"
        "    n = Int(2, 200)\n"
        "    def signals(self, chart):\n"
        "        time.sleep(0.02)\n"
        "        average = chart.sma(self.n)\n"
        "        return Signals(enter_long=chart.close > average, exit_long=chart.close < average)\n"
    )
    words = [
        f"{strategy}:Slow",
        "made-up",
        "--trials",
        "30",
        "--validate",
        "anchored",
        "--folds",
        "2",
        "--no-report",
        "--no-verdict",
    ]
    assert run(["optimize", *words, "--study", "whole"]) == 0
    command = [sys.executable, "-m", "bittrader", "optimize", *words, "--study", "killed", "--threads", "1"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and not in_fold("killed", 1):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    capsys.readouterr()
    states = {one["study"]: one["state"] for one in json_of(capsys, "studies", "list")["studies"]}
    assert states == {"whole": "complete", "killed": "stopped"}
    resumed = json_of(capsys, "studies", "resume", "killed", "--no-report")
    whole = json_of(capsys, "studies", "show", "whole")
    assert resumed["validation"]["paths"] == whole["validation"]["paths"]
    assert resumed["best"]["params"] == whole["best"]["params"]


def in_fold(name, fold):
    """Whether a search of the fold has answers, and more are to come."""
    if name not in shelf.names():
        return False
    with Study.read(shelf.path_of(name)) as study:
        return 0 < study.counts(fold).finished < 20
