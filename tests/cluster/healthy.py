"""Nodes with which all is well, for tests that break one thing of them."""

from __future__ import annotations

from dataclasses import asdict, replace

from bittrader.cluster.codesync import Synced
from bittrader.cluster.facts import Facts
from bittrader.cluster.health import Disk, Observed
from bittrader.cluster.health_of_others import HeadSeen, NodeSeen
from bittrader.cluster.node_state import NodeState
from bittrader.cluster.settings import Ports
from bittrader.host.base import Listener, Memory

NOW = 1_700_000_000.0
FACTS = Facts("3.11.7", "2.60.0", "0.1.0")
HEAD, NODE = "192.0.2.1", "192.0.2.2"
PORTS = Ports()
STATE = NodeState(
    role="worker", node="1" * 16, name="air", pid=100, started=NOW - 7200, at=NOW - 0.4, phase="up", since=NOW - 3600,
    waiting="", failures=0, next_start=None, address=NODE, gcs=f"{HEAD}:6379", session="one", encrypted=True,
    alive=True, cores=8, cores_allowed=2, reason="you are at the computer", cause="active", system="Linux",
    on_battery=False, charge=None, idle_seconds=3.0, head_seen=NOW - 0.7, head_trouble="", nodes=None,
    versions=FACTS.versions, ports=asdict(PORTS),
)  # fmt: skip
OURS = {PORTS.node_manager: Listener(101, "raylet"), PORTS.object_manager: Listener(101, "raylet")}
WORKER = Observed(
    role="worker", now=NOW, facts=FACTS, running=True, state=STATE, settings="", network=f"{NODE} (it is wanted)",
    connected=True, missing=(), loose=(), certificate=None, ports=PORTS, listeners=OURS, ours=frozenset((100, 101)),
    disks=(Disk("/home/me", 500 * 10**9, 100 * 10**9),), memory=Memory(16 * 10**9, 8 * 10**9), synced=Synced(),
    head=HeadSeen(
        facts=FACTS, same_token=True, heard_seconds=0.3, there=f"{HEAD}:6380", seen_at=NODE,
        known_at=("127.0.0.1", NODE),
        ports={6379: "open", 6380: "open", 6381: "open", 6382: "open", 20_000: "closed", 20_099: "closed"},
        back={6381: "open", 6382: "open", 20_000: "open", 20_099: "closed"},
    ),
)  # fmt: skip
HEAD_LISTENERS = {**OURS, PORTS.gcs: Listener(102, "gcs_server"), PORTS.meeting: Listener(100, "python3")}
HEAD_NODE = replace(
    WORKER,
    role="head",
    state=replace(STATE, role="head", address=HEAD, head_seen=None),
    listeners=HEAD_LISTENERS,
    ours=frozenset((100, 101, 102)),
    head=None,
    nodes=(NodeSeen("air", 0.4, alive=True, phase="up", ports={6381: "open", 20_000: "closed"}),),
)


def daemon(seen: Observed = WORKER, **changes: object) -> Observed:
    """The same with what its daemon says changed."""
    return replace(seen, state=replace(seen.state, **changes))


def met(**changes: object) -> Observed:
    """A worker whose head is as changed."""
    return replace(WORKER, head=replace(WORKER.head, **changes))


def node(**changes: object) -> Observed:
    """A head whose one node is as changed."""
    return replace(HEAD_NODE, nodes=(replace(HEAD_NODE.nodes[0], **changes),))
