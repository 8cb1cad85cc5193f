"""What is written out is an ordinary strategy file that does exactly what the search saw."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bittrader.backtest.run import Evaluator
from bittrader.market.sample import synthetic
from bittrader.market.timeframe import Timeframe
from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.strategy import Mined
from bittrader.mining.words import in_words
from bittrader.mining.writing import class_name, strategy_file
from bittrader.optimize.narrowing import narrowed
from bittrader.strategies.registry import load_strategy
from bittrader.testing.strategies import check_strategy

CANDLES = synthetic(3_000)
MINED = Evaluator(Mined, CANDLES)
ORIGIN = "Evaluation 7 of 20,000 in the study `first`."


def drawn(seed, **held):
    """A parameter set that a search might try, with some parameters held."""
    space = narrowed(Mined.space, {}, held)
    return space.decode(space.sample(np.random.default_rng(seed), 1)[0])


def written(params, folder, name="found", timeframe=CANDLES.timeframe):
    file = folder / f"{name}.py"
    file.write_text(strategy_file(params, class_name(name), ORIGIN, timeframe))
    return file


@settings(max_examples=250)
@given(seed=st.integers(0, 2**31))
def test_a_written_file_gives_the_very_metrics_that_the_search_saw(tmp_path_factory, seed):
    (row,) = Mined.space.sample(np.random.default_rng(seed), 1)
    params = Mined.space.decode(row)
    strategy = load_strategy(str(written(params, tmp_path_factory.mktemp("written"))))
    seen, again = MINED(row[None, :]), Evaluator(strategy, CANDLES)(strategy.space.defaults[None, :])
    assert not seen.errors
    np.testing.assert_array_equal(seen.metrics, again.metrics)
    chosen = {"side", "entry", "filters", "exits"}
    assert strategy().params == {name: value for name, value in params.items() if name not in chosen}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_written_file_keeps_the_contract(name, tmp_path):
    strategy = load_strategy(str(written(drawn(1, entry=name), tmp_path)))
    assert [finding.words for finding in check_strategy(strategy, CANDLES) if finding.breaks] == []


@pytest.mark.parametrize("name", list(FILTERS))
def test_a_written_file_with_a_filter_keeps_the_contract(name, tmp_path):
    strategy = load_strategy(str(written(drawn(2, filters=name), tmp_path)))
    assert [finding.words for finding in check_strategy(strategy, CANDLES) if finding.breaks] == []


def test_written_files_are_formatted_as_ours_are_and_use_all_that_they_import(tmp_path):
    for seed, name in enumerate([*ENTRIES, *ENTRIES]):
        written(drawn(seed, entry=name), tmp_path, f"found_{seed}")
    for seed, name in enumerate(FILTERS):
        written(drawn(seed, filters=name), tmp_path, f"filtered_{seed}")
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    config = f"{Path(__file__).parents[2] / 'pyproject.toml'}"
    for words in (["format", "--check", "--diff"], ["check", "--select", "E,F,I,W,N,Q,UP"]):
        done = subprocess.run([ruff, *words, "--config", config, tmp_path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_written_file_holds_only_what_counts(tmp_path):
    params = drawn(3, side="long", entry="rsi-reversion", filters="trend", exits="stop + time")
    text = written(params, tmp_path).read_text()
    assert text.startswith('"""Found: ')
    assert len(text.splitlines()) < 40
    assert ORIGIN in text
    assert " ".join(in_words(params).split()) in " ".join(text.split())
    assert f"rsi_low = Int(5, 45, default={params['rsi_low']})" in text
    for absent in ("short", "macd", "target", "Choice", "crossed_above", "side"):
        assert absent not in text


@pytest.mark.parametrize(
    ("file", "name"),
    [("my_find", "MyFind"), ("mined-btcusdt-1h-1", "MinedBtcusdt1h1"), ("3rd", "Mined3rd"), ("none", "MinedNone"),
     ("strategy", "MinedStrategy"), ("__", "Mined")],
)  # fmt: skip
def test_a_class_is_called_after_its_file(file, name):
    assert class_name(file) == name


def test_every_exit_is_written_by_some_set(tmp_path):
    for name in EXITS:
        params = drawn(4, exits=name)
        assert load_strategy(str(written(params, tmp_path))).name == "found"


@pytest.mark.parametrize(("timeframe", "said"), [("1h", None), ("15m", "warm_up = 17_472"), ("5m", "warm_up = 52_416")])
def test_a_file_says_when_it_needs_more_bars_to_warm_up_than_usual(timeframe, said, tmp_path):
    file = written(drawn(5, filters="longer"), tmp_path, timeframe=Timeframe.parse(timeframe))
    assert said in file.read_text() if said else "warm_up" not in file.read_text()
    assert (
        load_strategy(str(file)).warm_up
        >= 26 * Timeframe.parse("1w").milliseconds // Timeframe.parse(timeframe).milliseconds
    )
