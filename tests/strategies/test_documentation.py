from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from tests.strategies.made import walk

from bittrader.market.sample import synthetic
from bittrader.strategies import indicators
from bittrader.strategies.chart import Chart
from bittrader.strategies.drawing import Drawing
from bittrader.strategies.registry import load_strategy
from bittrader.testing.strategies import check_strategy

TEXT = (Path(__file__).parents[2] / "Documentation" / "STRATEGIES.md").read_text(encoding="utf-8")
METHODS = [name for name, method in vars(Drawing).items() if inspect.isfunction(method) and not name.startswith("_")]


@pytest.mark.parametrize("name", sorted({*METHODS, "crossed_above", "crossed_below", "rising", "previous"}))
def test_every_indicator_has_its_line(name):
    assert f"`{name}(" in TEXT or f"chart.{name}(" in TEXT


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"sma_crosses"}))
def test_a_line_says_the_defaults_and_what_the_method_says(name):
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}("))
    said = dict(re.findall(r"(\w+)=([\d.]+)", line))
    parameters = inspect.signature(getattr(Drawing, name)).parameters.values()
    assert {key: float(value) for key, value in said.items()} == {
        one.name: one.default for one in parameters if isinstance(one.default, int | float)
    }
    assert inspect.getdoc(getattr(Drawing, name)).splitlines()[0] in line


def test_the_strategy_shown_keeps_the_contract(tmp_path):
    code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    (tmp_path / "shown.py").write_text(code)
    assert check_strategy(load_strategy(str(tmp_path / "shown.py")), synthetic(3000)) == []


def test_the_longer_timeframe_shown_works():
    scope = {"chart": Chart(walk(2000))}
    exec(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[1], scope)
    assert np.asarray(scope["uptrend"]).any()


def test_every_name_offered_is_there():
    assert all(hasattr(indicators, name) for name in indicators.__all__)
