"""What a cluster costs and gives: `cluster.py NAME COUNT` prints one JSON object. Real Ray, but for `dispatch`."""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # a real Ray, and a simulated cluster, are among the tests


def dispatch(count: int) -> dict[str, float]:
    """Handing out to 50 nodes with 1,000 slots, in virtual time: processor time of the decisions alone."""
    from tests.execution.simulated import SimulatedNode, Simulation

    nodes = [SimulatedNode(f"n{number}", 20, 0.002 * (1 + number % 4), 0.01) for number in range(50)]
    simulation = Simulation(nodes, rows=50 * count, batch_rows=50)
    spent = [0.0]

    def timed(event, *arguments):
        began = time.process_time()
        actions = event(*arguments)
        spent[0] += time.process_time() - began
        return actions

    for name in ("submitted", "node_status", "tick"):
        setattr(simulation.dispatch, name, functools.partial(timed, getattr(simulation.dispatch, name)))
    simulation.run()
    return {"us": 1e6 * spent[0] / len(simulation.rows)}


class Waiting:
    """Makes a function that takes its time without a processor: a node's own number of milliseconds a row."""

    def __call__(self):
        return functools.partial(waits, float(os.environ.get("BITTRADER_BENCH_ROW_MS", "1")) / 1e3)


def waits(seconds, rows):
    time.sleep(seconds * len(rows))
    return rows


def overhead(count: int) -> dict[str, float]:
    """Batches that take nothing, on one node."""
    with ExitStack() as stack:
        (node,), place, began = _cluster(stack, {"a": 0.0})
        opened = time.perf_counter() - began
        executor = stack.enter_context(place.executor(_work()))
        first = _seconds(executor, 1, 1) + opened
        each = _seconds(executor, count, 1) / count
        memory = {"bridge_mb": _megabytes(place._link.pid), "actor_mb": _megabytes(_actor(node))}  # noqa: SLF001 - measured
    return {"ms": 1e3 * each, "first_s": first, **memory}


def two_nodes(count: int) -> dict[str, float]:
    """The time that rows take on two equal nodes of one slot, as a share of what they take on one."""
    return {"share": _rate({"a": 1.0}, count) / _rate({"a": 1.0, "b": 1.0}, count)}


def four_to_one(count: int) -> dict[str, float]:
    """The time that rows take on a slow node beside a fast one, against what both would take that are never idle."""
    return {"share": (1 / 0.5e-3 + 1 / 2e-3) / _rate({"fast": 0.5, "slow": 2.0}, count)}


def searches(count: int) -> dict[str, float]:
    """A whole search of W1 on two nodes of one slot, as a share of its time on one; all of it on this computer."""
    import workloads
    from bittrader import Costs, optimize

    def seconds(*names: str) -> float:
        with ExitStack() as stack:
            _, place, _ = _cluster(stack, dict.fromkeys(names, 0.0))
            for trials in (100, count):  # the first compiles
                began = time.perf_counter()
                words = {"trials": trials, "sampler": "random", "costs": Costs(fee=workloads.FEE), "verdict": False}
                optimize("sma-cross", workloads.candles(), on=place, study=f"on-{len(names)}-{trials}", **words)
            return time.perf_counter() - began

    return {"share": seconds("a", "b") / seconds("a")}


def _rate(nodes: dict[str, float], count: int) -> float:
    with ExitStack() as stack:
        _, place, _ = _cluster(stack, nodes)
        executor = stack.enter_context(place.executor(_work()))
        _seconds(executor, 100 * len(nodes), 20)  # speeds are known from here on, as after the first second of a search
        return count / _seconds(executor, count, 100)


def _cluster(stack: ExitStack, nodes: dict[str, float]):
    """Real Ray nodes of one slot, a place on them, and when that was asked for. `nodes`: milliseconds a row by name."""
    from tests.execution.ray_node import RayNode

    from bittrader.execution.cluster_executor import OnCluster

    started: list[RayNode] = []
    for name, row_ms in nodes.items():
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        extra = {"BITTRADER_BENCH_ROW_MS": str(row_ms), "PYTHONPATH": f"{HERE}:{HERE.parent}"}
        started.append(RayNode(folder, cpus=1, name=name, head=started[0] if started else None, extra=extra))
        stack.callback(started[-1].close)
        started[-1].start()
    began = time.perf_counter()
    place = stack.enter_context(OnCluster(started[0].folder))
    while place.cores < len(nodes):
        time.sleep(0.05)
    return started, place, began


def _work():
    from tests.execution.test_node import Sent

    from bittrader.execution.work import Work
    from cluster import Waiting  # under the name that nodes know it by

    making = Waiting()
    return Work(making, making, lambda: Sent(making))


def _seconds(executor, rows: int, batch: int) -> float:
    """How long so many rows take, submitted as a search does."""
    import numpy as np

    began, left = time.perf_counter(), rows
    while left or executor.pending:
        while left and executor.pending < executor.rhythm.ahead * max(1, executor.slots):
            count = min(batch, left)
            executor.submit(np.zeros((count, 2)))
            left -= count
        executor.wait(1.0)
    return time.perf_counter() - began


def _actor(node) -> int:
    (actor,) = node.named("ray::NodeActor")
    return actor.pid


def _megabytes(pid: int) -> float:
    """Memory of its own, without what it shares with others."""
    import psutil

    return psutil.Process(pid).memory_full_info().uss / 1e6


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](int(sys.argv[2]))))
