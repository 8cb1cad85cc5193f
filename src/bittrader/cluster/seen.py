"""What a node's daemon sees at one moment. It is all that its supervisor decides by."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from bittrader.cluster.wishes import Wishes
from bittrader.host.base import Readings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.execution.allowance import Allowed
    from bittrader.host.clocks import Clocks

Ahead = Literal["not yet", "runs", "done"]
"""How far compiling ahead is."""


@dataclass(frozen=True)
class Place:
    """Where a Ray node takes part."""

    address: str
    """Its own."""
    gcs: str
    """The head's Ray, as "ip:port"."""
    encrypted: bool
    session: str | None = None
    """Which start of the head's Ray it belongs to; None on the head, whose node begins one."""


@dataclass(frozen=True)
class RaySeen:
    """What is there of this node's Ray."""

    start: Literal["none", "running", "done", "failed"] = "none"
    """The program that starts it."""
    node: bool = False
    """Whether its raylet lives."""
    gcs: bool = False
    """Whether its GCS lives; only a head has one."""
    processes: int = 0
    """How many processes there are of it in all."""
    said: str = ""
    """The last words of a start that failed."""
    connections: int = 0
    """How many TCP connections its GCS holds."""


@dataclass(frozen=True)
class Heard:
    """What Ray's own list says of this node: a worker hears it from the head, the head asks its own Ray."""

    asked: float
    """When the question went out, in monotonic seconds: it knows nothing of what happened later."""
    session: str | None
    alive: bool


@dataclass(frozen=True)
class Cluster:
    """What a head knows of its cluster."""

    nodes: int
    """That Ray's list has as alive."""
    searching: bool
    """Whether a search runs, or a computer that ran one was heard of a moment ago."""


@dataclass(frozen=True)
class JobSeen:
    """The process of a detached study: running, or ended with a code."""

    code: int | None = None
    said: str = ""
    """Its last words, once it has ended."""


@dataclass(frozen=True)
class Seen:
    """Everything, at one moment."""

    clocks: Clocks
    chance: float
    """Drawn anew each time, 0 to 1: so that many nodes do not start at once."""
    hour: float
    """Of the day, in the owner's time."""
    place: Place | None = None
    """Where to take part now; None while that cannot be."""
    obstacle: str = ""
    """Why it cannot be."""
    addresses: frozenset[str] = frozenset()
    """This computer's, those that are up."""
    certified: str | None = None
    """The address that the node's certificate is good for."""
    heard: Heard | None = None
    cluster: Cluster | None = None
    """None on a worker, and while the head's Ray does not answer."""
    refused: str | None = None
    """Why the head does not let this node take part."""
    ray: RaySeen = RaySeen()
    membership: float | None = None
    """When the process that asks Ray for its list last said anything, in monotonic seconds; None if there is none."""
    compiling: Ahead = "not yet"
    """Whether what evaluates strategies was compiled ahead, in this life of the daemon."""
    leftovers: int = 0
    """Processes of an earlier daemon that was killed."""
    readings: Readings = field(default_factory=Readings)
    wishes: Wishes = field(default_factory=Wishes)
    allowed: Allowed | None = None
    """What whoever works here was told; None when nothing can be read."""
    ending: bool = False
    """Whether the system told the daemon to end."""
    jobs_asked: frozenset[str] = frozenset()
    """Studies that are to run."""
    jobs: Mapping[str, JobSeen] = field(default_factory=lambda: MappingProxyType({}))
