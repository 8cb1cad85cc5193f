"""What is compiled ahead, in a process of its own with nothing compiled yet."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import numpy as np
from numba.core import event
from bittrader import Costs
from bittrader.backtest.compiling import compile_all
from bittrader.backtest.run import Evaluator
from bittrader.market.sample import synthetic
from bittrader.strategies.registry import MINED, builtin_strategies, load_strategy

with event.install_recorder("numba:compile") as ahead:
    compile_all()
assert ahead.buffer, "nothing was compiled"
with event.install_recorder("numba:compile") as later:
    for name in (*builtin_strategies(), MINED):
        strategy = load_strategy(name)
        rows = strategy.space.sample(np.random.default_rng(7), 100)
        for spans in (None, ((200, 900), (1000, 1999))):
            found = Evaluator(strategy, synthetic(2000, seed=3), Costs(fee=0.001), spans=spans, delay=1)(rows)
            assert not found.errors
print({str(one.data["dispatcher"]) for _, one in later.buffer})
"""


def test_nothing_is_left_to_compile_for_the_first_search(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "set()"
