"""What a node's daemon says of itself in `state.json`, for whoever wants to know how the node is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.supervisor import Phase


@dataclass(frozen=True)
class JobState:
    """A detached study: running, waiting to be tried again, or ended with an exit code."""

    name: str
    running: bool
    code: int | None = None
    ended: float | None = None
    """Unix seconds."""
    asked: float | None = None
    """When it was asked for, what has ended: its file may not go away, and asks for nothing more."""
    trouble: str = ""
    """Why it has to be started again, while it waits for that."""
    next_start: float | None = None
    """When that is to be, in Unix seconds."""


@dataclass(frozen=True)
class NodeState:
    """A node at a moment. Times are Unix seconds."""

    role: str
    node: str
    name: str
    pid: int
    started: float
    at: float
    phase: Phase
    since: float
    """When the phase began."""
    waiting: str
    """Why Ray is down; empty while it is not."""
    failures: int
    """Starts and runs of Ray that failed, in a row."""
    next_start: float | None
    """When Ray may be started again, while that is to come."""
    address: str | None
    gcs: str | None
    session: str | None
    encrypted: bool
    alive: bool | None
    """Whether Ray's list has this node as alive; None when nobody could be asked."""
    cores: int
    """Of the computer."""
    cores_allowed: int
    reason: str
    cause: str
    system: str
    on_battery: bool | None
    charge: float | None
    idle_seconds: float | None
    head_seen: float | None
    """When the head last answered."""
    head_trouble: str
    """What became of the last question to the head; empty when it answered."""
    nodes: int | None
    """How many nodes are alive, as the head knows it."""
    versions: dict[str, str] = field(default_factory=dict)
    studies: list[dict[str, Any]] = field(default_factory=list)
    """What the drivers on this computer say of themselves."""
    jobs: list[JobState] = field(default_factory=list)
    code: dict[str, Any] = field(default_factory=dict)
    """Where its own copy of the owner's strategies is, as `codesync.Synced`."""
    stopped: bool = False
    """Whether its daemon has ended as it was asked to: the last that it says to its head."""
    ports: dict[str, int] = field(default_factory=dict)
    """Those that it uses, as `settings.Ports`."""

    def as_json(self) -> dict[str, Any]:
        """The state as plain data, as it stands in the file and in a report to the head."""
        return asdict(self)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> NodeState:
        """The state that plain data says."""
        return cls(**{**facts, "jobs": [JobState(**one) for one in facts["jobs"]]})


def write_state(folder: Path, state: NodeState) -> None:
    """Puts the state where everyone looks for it."""
    write_whole(folder / paths.STATE, json.dumps(state.as_json()), lasting=False)


def read_state(folder: Path) -> NodeState | None:
    """What was last written; None if nothing was, or another version wrote it."""
    try:
        return NodeState.of(json.loads((folder / paths.STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
