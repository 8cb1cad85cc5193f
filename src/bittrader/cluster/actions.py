"""What a supervisor can have its daemon do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from bittrader.cluster.seen import Place


@dataclass(frozen=True)
class Log:
    """Write a line, with its reason."""

    line: str
    trouble: bool = False


@dataclass(frozen=True)
class LookAgain:
    """Ask at once whatever is asked from time to time: what was heard may no longer hold."""


@dataclass(frozen=True)
class EndLeftovers:
    """Kill what an earlier daemon left."""


@dataclass(frozen=True)
class Certify:
    """Get a certificate for this address."""

    address: str


@dataclass(frozen=True)
class StartRay:
    """Start this node's Ray there."""

    place: Place


@dataclass(frozen=True)
class DrainRay:
    """Ask the raylet to end, which lets its workers end first."""


@dataclass(frozen=True)
class KillRay:
    """Kill every process of this node's Ray."""


@dataclass(frozen=True)
class WriteRayFile:
    """Tell drivers on this computer how to find Ray."""

    place: Place
    session: str


@dataclass(frozen=True)
class RemoveRayFile:
    """Tell drivers on this computer that there is no Ray."""


@dataclass(frozen=True)
class StartMembership:
    """Start the process that asks the head's Ray for its list of nodes."""

    gcs: str


@dataclass(frozen=True)
class StopMembership:
    """End that process."""


@dataclass(frozen=True)
class WriteAllowance:
    """Tell whoever works here how many cores it may use."""

    cores: int
    reason: str


@dataclass(frozen=True)
class StartCompiling:
    """Have what evaluates strategies compiled before somebody waits for it."""


@dataclass(frozen=True)
class StopCompiling:
    """End that; what is compiled is kept."""


@dataclass(frozen=True)
class StartJob:
    """Go on with a study."""

    name: str


@dataclass(frozen=True)
class StopJob:
    """Have a study's process end: as Ctrl-C does, or at once."""

    name: str
    kill: bool


@dataclass(frozen=True)
class FinishJob:
    """Note how a study ended, and ask for it no more."""

    name: str
    code: int


@dataclass(frozen=True)
class Exit:
    """Leave the loop."""

    code: int


Action: TypeAlias = (
    Log | LookAgain | EndLeftovers | Certify | StartRay | DrainRay | KillRay | WriteRayFile | RemoveRayFile
    | StartMembership | StopMembership | WriteAllowance | StartCompiling | StopCompiling
    | StartJob | StopJob | FinishJob | Exit
)  # fmt: skip
