"""A search's evaluator made from what travels gives the numbers that it gives here, or says what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.optimize.studies import experiment

from bittrader.execution.work import packed, unpacked
from bittrader.market.sample import synthetic
from bittrader.optimize.goals import Objective
from bittrader.optimize.problem import StrategyProblem, new_problem
from bittrader.optimize.remote import Remote
from bittrader.strategies.base import Strategy

if TYPE_CHECKING:
    from pathlib import Path

HELPED = """
from bittrader import Chart, Int, Signals, Strategy, crossed_above, crossed_below
from averages import average

class Mine(Strategy):
    fast = Int(5, 20)
    slow = Int(30, 90)

    def signals(self, chart: Chart) -> Signals:
        fast, slow = average(chart, self.fast), average(chart, self.slow)
        return Signals(enter_long=crossed_above(fast, slow), exit_long=crossed_below(fast, slow))
"""
AVERAGE = "def average(chart, length):\n    return chart.ema(length)\n"
CANDLES = synthetic(2_000, 7)
HEIGHT = (Objective("height", "minimize"),)
ROWS = np.array([[5.0, 30.0], [12.0, 60.0], [20.0, 90.0]])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "driver").mkdir()
    (tmp_path / "driver" / "mine.py").write_text(HELPED)
    (tmp_path / "driver" / "averages.py").write_text(AVERAGE)
    return tmp_path / "driver" / "mine.py"


def experiment_of(problem):
    return experiment(space=problem.space, **problem.identity())


def remote_of(problem) -> Remote:
    remote = problem.work(experiment_of(problem)).remote()
    assert isinstance(remote, Remote), remote
    return remote


def laid(code, folder: Path) -> str:
    """The files of the code in a folder, and what finds the strategy there."""
    for name, text in code.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return f"{folder / code.reference}"


def test_a_strategy_that_ships_with_us_needs_no_code_and_gives_the_same_numbers():
    problem = new_problem("sma-cross", CANDLES, None, {})
    work = problem.work(experiment_of(problem))
    remote = work.remote()
    assert remote.code is None
    there = unpacked(packed(remote, work.shared), {CANDLES.fingerprint: CANDLES})
    assert there.differs(None) is None
    assert (there.make_at(None)()(ROWS).metrics == work.make()(ROWS).metrics).all()


def test_a_strategy_of_ones_own_travels_with_the_files_beside_it_that_it_imports(mine, tmp_path):
    (mine.parent / "unrelated.py").write_text("raise SystemExit")
    problem = StrategyProblem.of(f"{mine}:Mine", [CANDLES], [{}])
    work = problem.work(experiment_of(problem))
    remote = work.remote()
    assert sorted(remote.code.files) == ["averages.py", "mine.py"]
    data = packed(remote, work.shared)
    assert str(mine.parent).encode() not in data
    there, ref = unpacked(data, {CANDLES.fingerprint: CANDLES}), laid(remote.code, tmp_path / "node")
    assert there.differs(ref) is None
    assert (there.make_at(ref)()(ROWS).metrics == work.make()(ROWS).metrics).all()


def test_code_that_is_another_is_told(mine, tmp_path):
    remote = remote_of(StrategyProblem.of(f"{mine}:Mine", [CANDLES], [{}]))
    ref = laid(remote.code, tmp_path / "node")
    (tmp_path / "node" / "averages.py").write_text(AVERAGE.replace("ema", "sma"))
    assert remote.differs(ref) == "its strategy code is another: bring the folder up to date"


def test_another_version_of_a_library_is_told():
    remote = remote_of(new_problem("sma-cross", CANDLES, None, {}))
    older = replace(remote, expected={**remote.expected, "numba": "0.1"})
    assert "numba" in older.differs(None)
    assert "the driver's 0.1" in older.differs(None)


def test_a_class_of_a_running_program_cannot_be_sent(monkeypatch):
    class Mine(Strategy):
        def signals(self, chart):
            raise AssertionError

    monkeypatch.setattr(Mine, "__module__", "__main__")
    problem = StrategyProblem.of(Mine, [CANDLES], [{}])
    reason = problem.work(experiment_of(problem)).remote()
    assert "in no file that could be sent" in reason


def test_a_function_travels_as_well(tmp_path):
    (tmp_path / "bowl.py").write_text("def bowl(x):\n    return {'height': x * x}\n")
    space = tmp_path / "space.toml"
    space.write_text('[parameters.x]\nkind = "float"\nlow = -1.0\nhigh = 1.0\n')
    problem = new_problem(f"{tmp_path / 'bowl.py'}:bowl", None, space, {})
    remote = problem.work(experiment(space=problem.space, **problem.identity(), objectives=HEIGHT)).remote()
    ref = laid(remote.code, tmp_path / "node")
    assert remote.differs(ref) is None
    assert remote.make_at(ref)()(np.array([[0.5]])).metrics.tolist() == [[0.25]]
