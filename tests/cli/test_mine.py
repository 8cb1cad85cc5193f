from __future__ import annotations

import json

import pytest

from bittrader import Costs, backtest, paths
from bittrader.cli import placing, run
from bittrader.errors import InputError, StrategyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.mining.entries import ENTRIES
from bittrader.optimize.studies import found
from bittrader.optimize.studies.study import Study


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store(synthetic(bars=3000), "made-up")
    return tmp_path


def mine(*words, trials=60):
    return run(["mine", "made-up", "--trials", str(trials), "--no-report", *words])


def best_of(name):
    with Study.read(paths.studies_dir() / f"{name}.sqlite") as study:
        return found.best(study, 1)[0]


def test_what_is_found_is_told_and_written_as_a_strategy_with_the_same_numbers(capsys, here):
    assert mine("--study", "first", "--fee", "0.0005") == 0
    said = capsys.readouterr()
    assert "Rules       Enter " in said.out
    assert "first.py" in said.err
    again = backtest(f"{here / 'first.py'}", "made-up", costs=Costs(fee=0.0005))
    assert again.metrics.as_dict() == dict(best_of("first").metrics)


def test_a_search_of_rules_can_be_run_again_resumed_and_reported(capsys, here):
    mine("--study", "first", trials=30)
    before = best_of("first")
    assert run(["studies", "resume", "first", "--trials", "90"]) == 0
    assert best_of("first").metrics["sharpe"] >= before.metrics["sharpe"]
    assert run(["report", "first"]) == 0
    assert run(["studies", "write", "first", "--output", "other.py", "--number", str(before.number)]) == 0
    assert backtest(f"{here / 'other.py'}", "made-up").metrics.as_dict() == dict(before.metrics)


def test_json_says_the_rules_in_words(capsys):
    assert mine("--study", "first", "--side", "short", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["rules"].startswith("Enter short when ")
    assert facts["best"]["params"]["side"] == "short"
    assert facts["evaluations"]["asked"] == 60
    assert run(["studies", "show", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"] == facts["rules"]


def test_rules_can_be_held_like_any_parameter(capsys):
    assert mine("--study", "a", "--set", "entry=macd", "--set", "filters=none", "--json") == 0
    params = json.loads(capsys.readouterr().out)["best"]["params"]
    assert (params["entry"], params["filters"]) == ("macd", "none")
    with pytest.raises(InputError, match="rsi_low counts only when entry is rsi-reversion"):
        mine("--set", "entry=macd", "--set", "rsi_low=30")


def test_a_file_that_is_there_stays_as_it_is(here):
    (here / "taken.py").write_text("mine")
    for words in (["--write", "taken.py"], ["--study", "taken"]):
        with pytest.raises(InputError, match=r"taken\.py is there already"):
            mine(*words)
    assert (here / "taken.py").read_text() == "mine"
    assert list(paths.studies_dir().glob("*")) == []
    with pytest.raises(InputError, match="there is no folder"):
        mine("--write", "nowhere/it.py")
    with pytest.raises(InputError, match="Let it end in"):
        mine("--write", "it.txt")


@pytest.mark.parametrize(("words", "output"), [
    ((), ""), (("--write", "it.py"), " --output it.py"), (("--write", "the best.py"), ' --output "the best.py"'),
])  # fmt: skip
def test_who_leaves_a_search_of_rules_to_the_node_is_told_how_to_have_the_wanted_file_written(
    capsys, here, monkeypatch, words, output
):
    monkeypatch.setattr(placing, "node_folder", paths.head_dir)
    assert mine("--study", "first", "--on", "cluster", "--detach", *words) == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"When it is complete, have its rules written: bittrader studies write first{output}"
    assert not list(here.glob("*.py"))


def test_a_study_of_one_strategys_parameters_has_no_rules_to_write():
    run(["optimize", "sma-cross", "made-up", "--trials", "3", "--study", "plain", "--no-report"])
    with pytest.raises(InputError, match="plain searched the parameters of sma-cross"):
        run(["studies", "write", "plain"])


def test_candles_must_be_said(capsys):
    with pytest.raises(InputError, match="missing argument"):
        run(["mine", "--trials", "3"])


def test_rules_that_this_bittrader_lacks_are_said_and_not_written(capsys, here, monkeypatch):
    mine("--study", "first")
    (here / "first.py").unlink()
    entry = best_of("first").params["entry"]
    monkeypatch.delitem(ENTRIES, entry)
    capsys.readouterr()
    assert run(["studies", "show", "first"]) == 0
    assert f"there is no '{entry}' in this one" in capsys.readouterr().out
    with pytest.raises(StrategyError, match="found by another bittrader"):
        run(["studies", "write", "first"])
    assert not (here / "first.py").exists()


def test_a_file_of_rules_that_have_changed_since_comes_with_a_warning(capsys, here, monkeypatch):
    mine("--study", "first")
    assert "Beware" not in capsys.readouterr().err
    (here / "first.py").unlink()
    monkeypatch.setattr("bittrader.optimize.evaluators.engine_digest", lambda: "0" * 32)
    assert run(["studies", "write", "first"]) == 0
    assert "Beware      bittrader has changed" in capsys.readouterr().err
