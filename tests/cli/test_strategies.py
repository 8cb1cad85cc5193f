from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bittrader.cli.strategies import app
from bittrader.errors import InputError, StrategyError
from bittrader.strategies.registry import builtin_strategies, load_strategy

try:
    import resource
except ImportError:  # Windows
    resource = None

CHEAT = """
import numpy as np
from bittrader import Int, Signals, Strategy

class Cheat(Strategy):
    length = Int(2, 50)

    def signals(self, chart):
        return Signals(enter_long=np.append(chart.close[1:], 0) > chart.close)
"""


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_list_names_every_builtin():
    done = run("list")
    assert done.exit_code == 0
    assert all(name in done.stdout for name in builtin_strategies())


def test_list_as_json_is_one_object():
    described = {one["name"]: one for one in json.loads(run("list", "--json").stdout)["strategies"]}
    assert set(described) == set(builtin_strategies())
    assert described["sma-cross"]["constraints"] == ["fast < slow"]
    fast = {"name": "fast", "type": "int", "default": 20, "low": 5, "high": 100, "step": 1, "log": False}
    assert described["sma-cross"]["parameters"][0] == fast
    assert described["higher-trend"]["parameters"][2]["values"] == ["4h", "12h", "1d"]


@pytest.mark.parametrize("words", [["list"], ["show", "sma-cross"], ["check", "buy-and-hold"]])
def test_json_is_one_line(words):
    assert len(run(*words, "--json").stdout.splitlines()) == 1


def test_show_tells_parameters_constraints_and_source():
    words = run("show", "sma-cross").stdout
    for part in ("5 to 100", "always with fast < slow", "class SmaCross(Strategy):", "--set fast=20 --set slow=100"):
        assert part in words
    assert "class SmaCross" in json.loads(run("show", "sma-cross", "--json").stdout)["source"]


def test_a_new_strategy_works_and_keeps_the_contract(tmp_path):
    assert run("new", "my-idea", "--dir", tmp_path).exit_code == 0
    done = run("check", tmp_path / "my_idea.py")
    assert done.exit_code == 0, done.stdout
    assert "It keeps its contract" in done.stdout
    assert "note" not in done.stdout
    assert load_strategy(f"{tmp_path / 'my_idea.py'}:MyIdea").name == "my-idea"


@pytest.mark.parametrize(
    ("name", "file", "title"),
    [
        ("MyIdea", "my_idea.py", "MyIdea"),
        ("rsi2 x".replace(" ", "_"), "rsi2_x.py", "Rsi2X"),
        ("RSIFade", "rsi_fade.py", "RSIFade"),
    ],
)
def test_a_new_strategy_is_named_as_python_names_things(tmp_path, name, file, title):
    assert run("new", name, "--dir", tmp_path).exit_code == 0
    assert f"class {title}(Strategy)" in (tmp_path / file).read_text()


def test_new_never_writes_over_a_file(tmp_path):
    run("new", "mine", "--dir", tmp_path)
    (tmp_path / "mine.py").write_text("precious")
    done = run("new", "mine", "--dir", tmp_path)
    assert isinstance(done.exception, InputError)
    assert "is there already" in str(done.exception)
    assert (tmp_path / "mine.py").read_text() == "precious"


@pytest.mark.skipif(resource is None, reason="this system cannot limit a file's size")
def test_new_leaves_nothing_half_written(tmp_path):
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "from bittrader import cli\n"
        f"cli.run(['strategies', 'new', 'mine', '--dir', {str(tmp_path)!r}])\n"
    )
    run = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].endswith("mine.py cannot be written: File too large. Take another --dir.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["new", "1st"], "is no name"),
        (["new", "../up"], "is no name"),
        (["new", "sma-cross"], "built-in"),
        (["new", "mine", "--dir", "/no/such/folder"], "no folder"),
        (["show", "sma-cros"], "Did you mean 'sma-cross'"),
        (["check", "none.py"], "cannot read"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(words, complaint):
    done = run(*words)
    assert isinstance(done.exception, InputError | StrategyError)
    assert complaint in str(done.exception)
    assert "\n" not in str(done.exception)


def test_a_cheat_fails_its_check_and_is_told_why(tmp_path):
    (tmp_path / "cheat.py").write_text(CHEAT)
    done = run("check", tmp_path / "cheat.py")
    assert done.exit_code == 1
    assert "FAIL  says nothing about a bar that it could not have known then" in done.stdout
    assert "parameters that nothing reads: length" in done.stdout


def test_a_dependence_on_the_beginning_fails_its_check_and_is_told_where(tmp_path):
    (tmp_path / "cheat.py").write_text(CHEAT.replace("np.append(chart.close[1:], 0)", "chart.close[0] + self.length"))
    done = run("check", tmp_path / "cheat.py")
    assert done.exit_code == 1
    assert "FAIL  says the same wherever the candles begin, once warmed up" in done.stdout
    assert "of made-up candles (" in done.stdout
    assert "It breaks its contract in 1 of" in done.stdout


def test_a_check_as_json_is_one_object(tmp_path):
    (tmp_path / "cheat.py").write_text(CHEAT)
    done = run("check", tmp_path / "cheat.py", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["keeps_contract"] is False
    assert [one["check"] for one in told["findings"] if one["breaks_contract"]] == ["look-ahead"]


def test_a_strategy_without_signals_is_told_so_and_nothing_else(tmp_path):
    (tmp_path / "mine.py").write_text("from bittrader import Strategy\nclass Mine(Strategy): pass\n")
    done = run("check", tmp_path / "mine.py")
    assert done.exit_code == 1
    assert "needs a method signals" in done.stdout
    assert "pass" not in done.stdout.replace("passes", "")
