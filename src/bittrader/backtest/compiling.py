"""Everything that evaluates strategies, compiled before it is needed: `python -m bittrader.backtest.compiling`.

A first evaluation compiles for a quarter of a minute, and what it compiled stays on disk. A computer that has joined a
cluster does so while nobody waits for it.
"""

from __future__ import annotations

import numpy as np

from bittrader.backtest.run import Evaluator
from bittrader.market.sample import synthetic
from bittrader.strategies.registry import MINED, builtin_strategies, load_strategy

_BARS = 3000
# So many draws of mined rules use each kind of rule and order.
_DRAWS = 200


def compile_all() -> None:
    """Evaluates each of our strategies, and rules of every kind, over a few candles."""
    candles, rng = synthetic(_BARS), np.random.default_rng(0)
    for name in (*builtin_strategies(), MINED):
        strategy = load_strategy(name)
        Evaluator(strategy, candles)(strategy.space.sample(rng, _DRAWS if name == MINED else 1))


if __name__ == "__main__":
    compile_all()
