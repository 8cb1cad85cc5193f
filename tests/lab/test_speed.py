"""How fast the nodes of a cluster are together: slow beside fast, far away, and two instead of one."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest
from tests.lab.cluster import load
from tests.lab.searches import Compiled, Search, Wanted
from tests.lab.shell import wait_until
from tests.lab.standing import fresh_name

if TYPE_CHECKING:
    from tests.lab.cluster import Cluster
    from tests.lab.measure import Recorder

# What a node may lose of its own speed because there are others, or because it is far away.
SHARE = 0.95
# Of a search, at each end: what is measured is the time between.
_ENDS = 0.1
SLOW, FAST = 0.012, 0.003


def run(cluster: Cluster, wanted: Wanted | Compiled, *names: str) -> Search:
    """A search on these workers only, to its end."""
    made = begun(cluster, wanted, *names)
    made.end(300)
    assert not made.faults()
    assert {trial.node for trial in made.file.trials()} == set(names)
    return made


def begun(cluster: Cluster, wanted: Wanted | Compiled, *names: str) -> Search:
    """A search on these workers only."""
    for name, node in cluster.workers.items():
        node.own("resume" if name in names else "pause")
    for name, node in cluster.workers.items():
        wait_until(lambda node=node, name=name: (node.state["cores_allowed"] > 0) == (name in names), "the cores", 20)
    return Search(cluster.head, wanted, fresh_name())


def test_a_slow_node_and_a_fast_one_are_both_busy_to_the_end(cluster: Cluster, recorder: Recorder) -> None:
    times = (("one", SLOW), ("two", FAST))
    slow = run(cluster, Wanted(seconds=SLOW, trials=1000), "one").file.rate()
    fast = run(cluster, Wanted(seconds=FAST, trials=4000), "two").file.rate()
    both = run(cluster, Wanted(times=times, trials=10_000), "one", "two").file
    share = both.rate() / (slow + fast)
    shares = {name: sum(trial.node == name for trial in both.trials()) for name in ("one", "two")}
    recorder.record(
        "slow node beside a fast one, 4 : 1",
        "≥ 95 % of the sum on 10,000 evaluations",
        f"{share:.1%}: {slow:.0f} and {fast:.0f}/s alone, {both.rate():.0f}/s together; {shares}; {load()}",
        held=share >= SHARE,
    )


@pytest.mark.parametrize("milliseconds", [pytest.param(50, marks=pytest.mark.full), 100])
def test_a_way_that_is_long_costs_little(cluster: Cluster, recorder: Recorder, milliseconds: float) -> None:
    wanted = Wanted(seconds=0.02, trials=2000)
    near = run(cluster, wanted, "one", "two").file.rate(_ENDS)
    for node in cluster.workers.values():
        node.host.delay(milliseconds)
    trip = _round_trip(cluster)
    far = run(cluster, wanted, "one", "two").file.rate(_ENDS)
    recorder.record(
        f"the way is {milliseconds} ms long",
        "≥ 95 % of the zero-latency throughput",
        f"{far / near:.1%}: {near:.1f}/s near, {far:.1f}/s with a ping of {trip:.0f} ms; {load()}",
        held=far >= SHARE * near,
    )


def _round_trip(cluster: Cluster) -> float:
    """Milliseconds, by ping; the first finds the way."""
    said = cluster.head.host.succeed(["ping", "-c4", "-i0.2", cluster.workers["one"].host.address])
    return min(float(found) for found in re.findall(r"time=([\d.]+) ms", said)[1:])


def test_a_search_takes_little_of_the_network_once_it_runs(cluster: Cluster, recorder: Recorder) -> None:
    wanted = Wanted(seconds=0.02, trials=2000)
    two = cluster.workers["two"].host
    idle = two.traffic()
    time.sleep(10)
    idle = two.traffic() - idle
    made = Search(cluster.head, wanted, fresh_name())
    made.wait_for(300)
    began, before = time.monotonic(), two.traffic()
    made.wait_for(1700, 200)
    seconds, used = time.monotonic() - began, two.traffic() - before
    made.end()
    assert not made.faults()
    recorder.record(
        "steady traffic of a node",
        "known",
        f"{(used.sent + used.received) / seconds / 1000:.1f} kB/s at {1400 / seconds / 2:.0f} evaluations/s of it; "
        f"{(idle.sent + idle.received) / 10_000:.1f} kB/s idle; {load()}",
        held=True,
    )


def test_candles_travel_to_a_node_once(cluster: Cluster, recorder: Recorder) -> None:
    wanted = Compiled(trials=3000)
    before = {name: node.host.traffic() for name, node in cluster.workers.items()}
    run(cluster, wanted, *cluster.workers)
    size = wanted.bars * 6 * 8 / 1e6  # six columns of eight bytes
    got = {name: (node.host.traffic() - before[name]).received / 1e6 for name, node in cluster.workers.items()}
    recorder.record(
        "candles sent to a node",
        "once",
        f"{size:.1f} MB of candles; received {', '.join(f'{name} {mb:.1f} MB' for name, mb in got.items())}",
        held=all(mb < 1.5 * size for mb in got.values()),
    )
    assert all(mb < 1.9 * size for mb in got.values())


WORK = {
    "waiting function": (Wanted(seconds=0.02, trials=100_000), None, 3),
    # Of one processor for both, so that neither slows the other down by what processors share with each other.
    "compiled, 0.45 of a core each": (Compiled(trials=100_000), 0.45, 6),
}
"""What is searched, how much of a core each node has, and how often one of the two pauses and works again."""
# What is counted begins when that has settled. In seconds.
SETTLING, WINDOW = 1.0, 3.0


@pytest.mark.parametrize("kind", WORK)
def test_two_nodes_do_twice_what_one_does(cluster: Cluster, recorder: Recorder, kind: str) -> None:
    """One and two by turns within one search, as the computer that the lab runs on is not equally fast all the time."""
    wanted, cores, rounds = WORK[kind]
    two = cluster.workers["two"]
    *others, last = sorted(os.sched_getaffinity(0))
    for node in cluster.workers.values():
        node.host.limit(cores)
        if cores is not None and others:
            node.host.keep_to({last})
            cluster.head.host.keep_to(set(others))
    made = begun(cluster, wanted, *cluster.workers)
    made.wait_for(100)
    windows: dict[str, list[float]] = {"pause": [], "resume": []}
    for word in ("pause", "resume") * rounds:
        two.own(word)
        time.sleep(SETTLING)
        windows[word].append(time.time())
        time.sleep(WINDOW)
    made.stop()
    assert not made.faults()
    ended = [trial.ended for trial in made.file.trials()]
    single, double = (
        sum(since < moment <= since + WINDOW for since in windows[word] for moment in ended) / (rounds * WINDOW)
        for word in ("pause", "resume")
    )
    recorder.record(
        f"2 equal nodes against 1, {kind}",
        "≥ 1.9 x",
        f"{double / single:.2f} x: {single:.0f}/s and {double:.0f}/s; {load()}",
        held=double >= 1.9 * single,
    )
