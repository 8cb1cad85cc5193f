"""What a driver and the bridge to its cluster say to each other: plain data over any way that carries it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.execution.work import Shared


@dataclass(frozen=True)
class Parcel:
    """Something large that travels once to each node: pickled, its arrays beside it, to be used where they are."""

    fingerprint: str
    data: bytes
    buffers: tuple[bytes, ...]

    @classmethod
    def of(cls, shared: Shared) -> Parcel:
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
        return cls(shared.fingerprint, data, tuple(bytes(buffer.raw()) for buffer in buffers))


@dataclass(frozen=True)
class Begin:
    """A search for all nodes, in place of the one before; `data` is a packed Assignment."""

    session: str
    data: bytes
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True)
class Submit:
    """Batches for a node: a pickled list of tickets with their rows."""

    node: str
    session: str
    data: bytes


@dataclass(frozen=True)
class Withdraw:
    """Batches that a node need not begin any more."""

    node: str
    session: str
    tickets: tuple[int, ...]


@dataclass(frozen=True)
class Ask:
    """Asks a node for its next status; answers up to this serial number have arrived."""

    node: str
    session: str
    acknowledged: int


@dataclass(frozen=True)
class End:
    """The search is over."""

    session: str


ToCluster = Begin | Submit | Withdraw | Ask | End


@dataclass(frozen=True)
class Connected:
    """A new bridge is there, which knows of no search yet."""


@dataclass(frozen=True)
class Disconnected:
    """There is no bridge, and with it no node; why, in one line."""

    why: str


@dataclass(frozen=True)
class Joined:
    """A node can be asked."""

    node: str
    name: str


@dataclass(frozen=True)
class Gone:
    """A node, or its process, is no more; one that comes back joins again."""

    node: str
    why: str
    died: bool
    """Whether its process died, perhaps of what it was evaluating, and not the whole node or its network."""


@dataclass(frozen=True)
class Told:
    """A node's status, pickled."""

    node: str
    data: bytes


@dataclass(frozen=True)
class Alive:
    """The bridge itself goes on."""


FromCluster = Connected | Disconnected | Joined | Gone | Told | Alive


class Link(Protocol):
    """The way to a cluster. Nothing of it blocks, and whatever breaks it mends by itself."""

    def send(self, message: ToCluster) -> None:
        """Sends it, if there is a bridge; what the cluster must know is said again after `Connected`."""

    def receive(self, timeout: float) -> Sequence[FromCluster]:
        """What has arrived, as soon as there is something; empty after `timeout` seconds."""

    def close(self) -> None:
        """Ends the bridge. May be called twice."""
