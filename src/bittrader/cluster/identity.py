"""Who a node is: drawn once, and kept in its folder for as long as that lives."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from bittrader import paths
from bittrader.errors import ClusterError
from bittrader.files import make_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

Role = Literal["head", "worker"]
NODE = re.compile(r"[0-9a-f]{16}")
"""What a node's own number looks like."""


@dataclass(frozen=True)
class Identity:
    """A node's own number, the name people call it by, and its role."""

    node: str
    name: str
    role: Role


def folder_of(role: Role) -> Path:
    """The folder of this computer in a role."""
    return paths.head_dir() if role == "head" else paths.worker_dir()


def other_role(role: Role) -> Role:
    """The one of the two that this is not."""
    return "worker" if role == "head" else "head"


def identity(folder: Path, role: Role, name: str) -> Identity:
    """The identity kept in a folder, drawn if there is none; the name follows the settings.

    ClusterError when what is kept cannot be used: a node that took another number would be another node.
    """
    path = folder / paths.IDENTITY
    known = read_identity(folder)
    if known is None:
        return _keep(path, Identity(secrets.token_hex(8), name, role))
    if known.role != role:
        raise ClusterError(f"{folder} is the folder of a {known.role}, not of a {role}: take another BITTRADER_HOME")
    return known if known.name == name else _keep(path, replace(known, name=name))


def require_identity(folder: Path, role: Role) -> Identity:
    """The identity kept in a folder; ClusterError, with the command that makes one, when this computer has none."""
    known = read_identity(folder)
    if known is None:
        first = "bittrader head start" if role == "head" else "bittrader worker join CODE"
        raise ClusterError(f"this computer is no {role} yet: {first}")
    return known


def _keep(path: Path, who: Identity) -> Identity:
    make_folder(path.parent)
    write_whole(path, json.dumps(asdict(who)) + "\n")
    return who


def read_identity(folder: Path) -> Identity | None:
    """The identity kept in a folder; None when there is none, ClusterError when it cannot be used."""
    path = folder / paths.IDENTITY
    mend = "Delete it, and start the head again" if folder == folder_of("head") else "Delete it, and join again"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        who = Identity(**facts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"{path} cannot be used: {error}. {mend}") from error
    if not isinstance(who.node, str) or not NODE.fullmatch(who.node):
        raise ClusterError(f"{path} names no node: {who.node!r}. {mend}")
    return who
