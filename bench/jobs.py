"""What one measured process does: `jobs.py NAME COUNT`. Timings inside the process are printed as one JSON object."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 5


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time that the work took: what a clock shows on an idle machine, and true on a shared one."""
    started = time.process_time()
    work()
    return time.process_time() - started


def calibrate(_count: int) -> dict[str, list[float]]:
    """Milliseconds of two fixed jobs, to tell this machine (and this hour) from another."""
    import numpy as np

    values = np.arange(300_000) % 977 * 1.5

    def python() -> None:
        total = 0
        for number in range(1_000_000):
            total += number & 7

    def arrays() -> None:
        for _ in range(10):
            np.sqrt(np.cumsum(values) * values + 1.0)

    return {
        "python": [1e3 * timed(python) for _ in range(REPEATS)],
        "numpy": [1e3 * timed(arrays) for _ in range(REPEATS)],
    }


def candles(_count: int) -> dict[str, int]:
    import workloads

    return {"bars": len(workloads.candles())}


def w1(count: int) -> dict[str, object]:
    """W1, ours and the plain engine in turns."""
    import plain
    import workloads

    series = workloads.candles()
    sets = workloads.sma_cross_sets(count)
    year = series.timeframe.bars_per_year

    def by_hand(one: dict[str, int]) -> tuple[float, ...]:
        return plain.sma_cross(series.open, series.close, one["fast"], one["slow"], workloads.FEE, year)

    return _beside("sma-cross", series, sets, by_hand)


def w2(count: int) -> dict[str, object]:
    """W2, ours and the plain engine in turns."""
    import plain
    import workloads

    series = workloads.candles()
    sets = workloads.rsi_reversion_sets(count)
    year = series.timeframe.bars_per_year

    def by_hand(one: dict[str, float]) -> tuple[float, ...]:
        stops = (one["stop_atr"], one["target_atr"], one["trail_atr"])
        levels = (one["rsi_length"], one["lower"], one["upper"], one["atr_length"])
        return plain.rsi_reversion(
            series.open, series.high, series.low, series.close, *levels, stops, workloads.FEE, year
        )

    return _beside("rsi-reversion", series, sets, by_hand)


def _beside(strategy: str, series, sets, by_hand) -> dict[str, object]:
    from bittrader import Costs, evaluate_many
    from workloads import FEE

    some = sets[: max(20, len(sets) // 8)]
    ours = evaluate_many(strategy, series, some, costs=Costs(fee=FEE))
    theirs = [by_hand(one) for one in some]
    same = [
        a.trades == b[3] and math.isclose(a.sharpe or 0, b[1], rel_tol=1e-6) for a, b in zip(ours, theirs, strict=True)
    ]
    ms, plain_ms = [], []
    for _ in range(REPEATS):
        ms.append(1e3 * timed(lambda: evaluate_many(strategy, series, sets, costs=Costs(fee=FEE))) / len(sets))
        plain_ms.append(1e3 * timed(lambda: [by_hand(one) for one in some]) / len(some))
    trades = sorted(one.trades for one in ours)
    agree = f"{sum(same)} of {len(same)}"
    return {"ms": ms, "plain_ms": plain_ms, "agree": agree, "trades": trades[len(trades) // 2]}


def own(count: int) -> dict[str, list[float]]:
    """A user's own strategies."""
    import workloads
    from bittrader import evaluate_many

    series = workloads.candles()
    answer = {}
    for name, strategy in (("indicators", workloads.Own), ("numpy", workloads.OwnNumpy)):
        sets = workloads.sets_of(strategy, count)
        evaluate_many(strategy, series, sets[:4])
        answer[name] = [1e3 * timed(lambda: evaluate_many(strategy, series, sets)) / count for _ in range(REPEATS)]  # noqa: B023 - called at once
    return answer


def many(count: int) -> dict[str, float]:
    """`count` evaluations of W1, as a user's own program would ask for them."""
    import workloads
    from bittrader import Costs, evaluate_many

    metrics = evaluate_many(
        "sma-cross", workloads.candles(), workloads.sma_cross_sets(count), costs=Costs(fee=workloads.FEE)
    )
    return {"evaluations": len(metrics), "best_sharpe": max(one.sharpe or -math.inf for one in metrics)}


def overhead(count: int) -> dict[str, object]:
    """Milliseconds of processor time that a search takes per evaluation when evaluating takes nothing; 7 parameters."""
    import numpy as np

    import workloads
    from bittrader import optimize
    from bittrader.backtest.metrics import METRICS
    from bittrader.backtest.run import Evaluated, Evaluator

    def nothing(_self: Evaluator, rows) -> Evaluated:
        return Evaluated(np.repeat(-((rows - rows.mean()) ** 2).sum(axis=1)[:, None], len(METRICS), axis=1), {})

    Evaluator.__call__ = nothing
    series = workloads.candles(1_000)
    name = f"overhead-{time.time_ns()}"
    seconds = timed(lambda: optimize("rsi-reversion", series, trials=count, study=name, verdict=False))
    return {"ms": [1e3 * seconds / count]}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](int(sys.argv[2]))))
