"""How often a verdict is right: `luck.py SEEDS` searches markets with and without an edge, and prints a table.

Everything is done as a user would: `optimize` with its defaults, 80 trials of 5,000 bars, and the verdict at its end.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

BARS = 5_000
WITHOUT = ("random walk", "random walk that rises 60% a year", "random walk, wild and calm times (GARCH)")
WITH = ("trends of about 200 bars, 0.1 deviations a bar", "trends, 0.2 deviations a bar", "reverting, 2% a bar",
        "reverting, 5% a bar")  # fmt: skip
FITTING = {"trends": ("sma-cross", "donchian-breakout"), "reverting": ("rsi-reversion",)}
STRATEGIES = ("sma-cross", "rsi-reversion", "donchian-breakout")
FEES = (0.0, 0.001)


def market(kind: str, seed: int):
    from tests.belief import markets

    returns = {
        WITHOUT[0]: lambda: markets.random_walk(BARS, seed),
        WITHOUT[1]: lambda: markets.random_walk(BARS, seed, drift=0.6),
        WITHOUT[2]: lambda: markets.clustered(BARS, seed),
        WITH[0]: lambda: markets.trending(BARS, seed, 0.1),
        WITH[1]: lambda: markets.trending(BARS, seed, 0.2),
        WITH[2]: lambda: markets.reverting(BARS, seed, 0.02),
        WITH[3]: lambda: markets.reverting(BARS, seed, 0.05),
    }[kind]()
    return markets.candles(returns, seed)


def called(kind: str, strategy: str, fee: float, seed: int) -> str:
    """What the verdict calls one search."""
    from bittrader import Costs, optimize

    name = f"luck-{os.getpid()}"
    result = optimize(strategy, market(kind, seed), study=name, costs=Costs(fee=fee), seed=seed, threads=1)
    result.path.unlink()
    return "" if result.summary.belief is None else result.summary.belief.verdict.call


def main(seeds: int) -> None:
    """Prints the table."""
    os.environ["BITTRADER_HOME"] = tempfile.mkdtemp()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    jobs = [
        (kind, strategy, fee, seed)
        for kind in (*WITHOUT, *WITH)
        for strategy, fee in product(FITTING.get(kind.partition(",")[0].partition(" ")[0], STRATEGIES), FEES)
        for seed in range(seeds)
    ]
    with ProcessPoolExecutor(int(os.environ.get("WORKERS", "2"))) as pool:
        calls = list(pool.map(called, *zip(*jobs, strict=True), chunksize=4))
    print("| market | strategy | searches | luck | inconclusive | edge |\n|---|---|---|---|---|---|")
    counted: dict[tuple[str, str], Counter[str]] = {}
    for (kind, strategy, _, _), call in zip(jobs, calls, strict=True):
        for name in (strategy, "all"):
            counted.setdefault((kind, name), Counter())[call] += 1
    for (kind, strategy), many in counted.items():
        total = many.total()
        shares = (f"{100 * many[call] / total:.1f}%" for call in ("luck", "inconclusive", "edge"))
        print(f"| {kind} | {strategy} | {total} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]))
