"""What is written out is an ordinary strategy file that does exactly what the search saw."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies.made import walk

from bittrader.backtest.run import Evaluator
from bittrader.market.sample import synthetic
from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.strategy import Mined
from bittrader.mining.writing import method_of, strategy_file
from bittrader.strategies.registry import load_strategy
from bittrader.testing.strategies import check_strategy

CANDLES = synthetic(4_000)
MINED = Evaluator(Mined, CANDLES)
RULES = {**ENTRIES, **FILTERS, **EXITS}


def written(params, folder, name="Found"):
    file = folder / f"{name.lower()}.py"
    file.write_text(strategy_file(params, name, "From the study `first`, evaluation 7."))
    return file


def draw(seed: int, **held):
    """The parameter sets that a search might try, with some held."""
    rng = np.random.default_rng(seed)
    return Mined.space.decode(Mined.space.sample(rng, 1)[0])


@settings(max_examples=300)
@given(seed=st.integers(0, 2**31))
def test_a_written_file_gives_the_very_metrics_that_the_search_saw(tmp_path_factory, seed):
    (row,) = Mined.space.sample(np.random.default_rng(seed), 1)
    file = written(Mined.space.decode(row), tmp_path_factory.mktemp("w"))
    strategy = load_strategy(str(file))
    seen, again = MINED(row[None, :]), Evaluator(strategy, CANDLES)(strategy.space.defaults[None, :])
    assert not seen.errors
    assert not again.errors
    np.testing.assert_array_equal(seen.metrics, again.metrics)
