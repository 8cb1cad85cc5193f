"""The owner comes back, unplugs or pauses: how soon the cores are theirs, and what `status` says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.lab.cluster import load
from tests.lab.searches import Compiled, Wanted, now
from tests.lab.shell import wait_until
from tests.lab.standing import search
from tests.lab.watching import moment_of_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.cluster import Cluster, Node
    from tests.lab.measure import Recorder


@dataclass(frozen=True)
class Change:
    """What an owner does, how many cores are left to us then, and what `status` says."""

    what: str
    do: Callable[[Node], object]
    undo: Callable[[Node], object]
    cores: int
    words: str


CHANGES = (
    Change("is back", lambda node: node.read_as(idle_seconds=1.0), lambda node: node.read_as(), 1, "you are active"),
    Change(
        "unplugs at 30 %",
        lambda node: node.read_as(on_battery=True, charge=0.3),
        lambda node: node.read_as(),
        0,
        "on battery at 30",
    ),
    Change("pauses", lambda node: node.own("pause"), lambda node: node.own("resume"), 0, "paused by you"),
)
WORK = {
    "compiled": (Compiled(trials=200_000), 1.0),
    "busy Python function": (Wanted(function="toil", seconds=3.0, trials=2000), 2.0),
}


def _asked(node: Node) -> float:
    """When the owner last asked for something by a command, which takes its time to begin; a long ago if never."""
    try:
        return float(json.loads((node.folder / "wishes.json").read_text())["asked"])
    except FileNotFoundError:
        return 0.0


@pytest.mark.parametrize("kind", WORK)
def test_the_cores_follow_the_owner(cluster: Cluster, recorder: Recorder, kind: str) -> None:
    wanted, limit = WORK[kind]
    two = cluster.workers["two"]
    try:
        two.own("config", "set", "node.cores", "2")
        two.own("policy", "set", "active_cores", "1")
        two.own("policy", "set", "mains_seconds", "0")
        wait_until(lambda: two.state["cores_allowed"] == 2, "both cores are allowed", 20, two.log)
        made = search(cluster, wanted)
        for change in CHANGES:
            moment_of_cores(two, range(2, 99))
            began = now()
            change.do(two)
            seconds = moment_of_cores(two, range(change.cores + 1)) - max(began, _asked(two))
            said = two.own("status")
            recorder.record(
                f"the owner {change.what}, {kind}",
                f"{change.cores} cores in < {limit:g} s; the reason is shown",
                f"{seconds:.2f} s; {two.state['reason']!r}; {load()}",
                held=seconds < limit and change.words in said,
            )
            assert change.words in said
            change.undo(two)
        moment_of_cores(two, range(2, 99))
        made.stop()
        assert not made.faults()
    finally:
        for key in ("policy.active_cores", "policy.mains_seconds"):
            two.own("config", "set", key, "default")
        two.own("config", "set", "node.cores", "1")
