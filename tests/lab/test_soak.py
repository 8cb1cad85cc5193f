"""Hours of trouble in minutes: whatever happened, nothing is held afterwards that was not held before."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.lab.cluster import UP_SECONDS, load
from tests.lab.measure import FULL
from tests.lab.searches import Wanted, now
from tests.lab.shell import wait_until
from tests.lab.standing import search
from tests.lab.watching import Usage, usage

from bittrader.cluster.supervisor import QUIET_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.cluster import Cluster, Node
    from tests.lab.measure import Recorder
    from tests.lab.searches import Search

SECONDS = 1800 if FULL else 60
_WARM_SECONDS = 30
_CALM_SECONDS = 12
_KINDS = {
    "daemon": "bittrader.cluster.daemon",
    "driver": " optimize ",
    "bridge": "bittrader.execution.ray",
    "node worker": "ray::NodeActor",
    "raylet": "raylet/raylet ",
    "GCS": "gcs_server",
}


def _cut(node: Node, chance: random.Random) -> None:
    node.host.cut(silently=chance.random() < 0.5)
    time.sleep(chance.uniform(0.5, 6))
    node.host.join()


def _sleep(node: Node, chance: random.Random) -> None:
    node.host.sleep()
    time.sleep(chance.uniform(1, 10))
    node.host.wake()


def _freeze(node: Node, chance: random.Random) -> None:
    node.host.freeze()
    time.sleep(chance.uniform(0.5, 4))
    node.host.thaw()


def _unplug(node: Node, chance: random.Random) -> None:
    node.read_as(on_battery=True, charge=0.2)
    time.sleep(chance.uniform(1, 4))
    node.read_as()


def _pause(node: Node, _: random.Random) -> None:
    node.own("pause")
    node.own("resume")


def _kill(node: Node, chance: random.Random) -> None:
    for one in chance.sample(node.evaluators(), 1) if node.evaluators() else []:
        one.kill()


def _kill_worker(node: Node, _: random.Random) -> None:
    node.host.kill("ray::NodeActor")


def _kill_ray(node: Node, _: random.Random) -> None:
    node.host.kill("raylet/raylet ")


def _move(node: Node, _: random.Random) -> None:
    node.host.change_address()


EVENTS: tuple[Callable[[Node, random.Random], None], ...] = (
    _cut, _cut, _sleep, _freeze, _unplug, _pause, _kill, _kill_worker, _kill_ray, _move,
)  # fmt: skip


def test_trouble_without_end_leaves_memory_processes_sockets_and_files_as_they_were(
    cluster: Cluster, recorder: Recorder
) -> None:
    made = search(cluster, Wanted(seconds=0.1, trials=60 * SECONDS))
    chance = random.Random(11)
    _trouble(cluster, chance, _WARM_SECONDS)
    before = _calm(cluster, made)
    happened = _trouble(cluster, chance, SECONDS)
    after = _calm(cluster, made)
    made.stop()
    faults, redone = made.faults(), len(made.file.trials())
    recorder.record(
        f"soak: {redone} evaluations", "nothing lost or twice", f"{faults or 'all equal'}; {load()}", held=not faults
    )
    assert not faults
    held_now = {name: [one, after[name]] for name, one in before.items()}
    flat = "memory, processes, sockets and files flat"
    # What the head's GCS holds of nodes that vanished, it gives back when nobody searches, but not before it is old.
    if FULL:
        held_now[cluster.head.name].append(_quiet(cluster))
    else:
        held_now = {name: [_without(one, "GCS") for one in held] for name, held in held_now.items()}
        flat += ", less the GCS's (--full)"
    growths = {name: _growth(held[0], held[-1]) for name, held in held_now.items()}
    for name, held in held_now.items():
        recorder.record(
            f"soak, {name}: {happened} events in {SECONDS} s",
            flat,
            " -> ".join(_words(one) for one in held),
            held=not growths[name],
        )
    assert not FULL or not any(growths.values()), growths


def _trouble(cluster: Cluster, chance: random.Random, seconds: float) -> int:
    """Lets things happen to the workers, one at a time; how many did."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        chance.choice(EVENTS)(chance.choice(list(cluster.workers.values())), chance)
        count += 1
        time.sleep(chance.uniform(0, 4))
    return count


def _calm(cluster: Cluster, made: Search) -> dict[str, Usage]:
    """What is held once every node is at work again."""
    cluster.wait_until_up()
    for name in cluster.workers:
        made.wait_for_work_of(name, now())
    time.sleep(_CALM_SECONDS)
    return {node.name: usage(node.host, _KINDS) for node in cluster.nodes}


def _quiet(cluster: Cluster) -> Usage:
    """What the head holds in another search, after its Ray began anew because nobody searched."""
    session = cluster.head.state["session"]
    wait_until(
        lambda: cluster.is_up() and cluster.head.state["session"] != session,
        "the head's Ray begins anew", QUIET_SECONDS + UP_SECONDS, cluster.log,
    )  # fmt: skip
    made = search(cluster, Wanted(seconds=0.1, trials=60 * SECONDS))
    time.sleep(_CALM_SECONDS)
    held = usage(cluster.head.host, _KINDS)
    made.stop()
    return held


def _without(one: Usage, kind: str) -> Usage:
    """What is held by all others; nearly all files of that kind are sockets."""
    files = one.files_of[kind]
    megabytes = {name: size for name, size in one.megabytes.items() if name != kind}
    return replace(one, files=one.files - files, sockets=one.sockets - files, megabytes=megabytes)


def _growth(before: Usage, after: Usage) -> list[str]:
    """What is held more than before, by more than a little."""
    counts = {
        "processes": (before.processes, after.processes, 2),
        "files": (before.files, after.files, 20),
        "sockets": (before.sockets, after.sockets, 15),
        **{kind: (size, after.megabytes[kind], 10) for kind, size in before.megabytes.items()},
    }
    return [what for what, (then, later, little) in counts.items() if later > 1.1 * then + little]


def _words(one: Usage) -> str:
    memory = ", ".join(
        f"{kind} {size:.0f} MB {one.files_of[kind]} files" for kind, size in one.megabytes.items() if size
    )
    return f"{one.processes} processes, {one.files} files, {one.sockets} sockets, {memory}"
