"""Where a node keeps its own, and who it is: as the head of a cluster, as a worker, or as both on one computer."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from bittrader.cluster.messages import NODE
from bittrader.cluster.settings import read_settings
from bittrader.errors import ClusterError
from bittrader.files import written_whole
from bittrader.paths import head_dir, worker_dir

if TYPE_CHECKING:
    from pathlib import Path

Role = Literal["head", "worker"]

STATE = "state.json"
WISHES = "wishes.json"
ALLOWANCE = "allowance.json"
RAY = "ray.json"
"""There while the node's Ray is up: what a driver on this computer needs to know."""
PROCESSES = "processes.json"
IDENTITY = "identity.json"
JOBS = "jobs"
RUNNING = "running"
LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a node is, whatever its address."""

    node: str
    """16 hexadecimal digits."""
    name: str
    """What people call it."""
    role: Role


def folder_of(role: Role) -> Path:
    """The folder of the head, or of the worker, that this computer is."""
    return head_dir() if role == "head" else worker_dir()


def identity(role: Role, name: str | None = None) -> Identity:
    """Who this computer is in that role; drawn once, and kept. `name` renames it."""
    folder = folder_of(role)
    known = _known(folder / IDENTITY)
    wanted = name or (known and known.name) or read_settings(folder).node.shown_name
    now = Identity(known.node if known else secrets.token_hex(8), wanted, role)
    if now != known:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / IDENTITY) as part:
            part.write_text(json.dumps(asdict(now)), encoding="utf-8")
    return now


def _known(path: Path) -> Identity | None:
    try:
        said = Identity(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"{path} cannot be read: {error}. Delete it, and join the cluster again") from error
    if not (isinstance(said.node, str) and NODE.fullmatch(said.node) and isinstance(said.name, str) and said.name):
        raise ClusterError(f"{path} names no node. Delete it, and join the cluster again")
    return said


def roles_here() -> tuple[Role, ...]:
    """What this computer is: it has been a head once it was started as one, and a worker once it has joined."""
    known: tuple[Role, ...] = ("head", "worker")
    return tuple(role for role in known if (folder_of(role) / IDENTITY).exists())
