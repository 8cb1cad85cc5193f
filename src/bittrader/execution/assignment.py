"""What a node is told of a search, and what it tells of its work: plain data, the same in every process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bittrader.execution.base import Done
    from bittrader.execution.work import Remote, Work


@dataclass(frozen=True, eq=False)
class Assignment:
    """How batches of one search are evaluated on a node; packed without what it shares."""

    remote: Remote
    first: Any
    """The rows that warm what evaluates; None where there is nothing to warm."""
    time_limit: float | None
    memory_limit: float | None
    apart: bool

    @classmethod
    def of(cls, work: Work[Any], remote: Remote) -> Assignment:
        """What a node needs to know of this work."""
        return cls(remote, work.first, work.time_limit, work.memory_limit, work.apart)


@dataclass(frozen=True)
class Status:
    """What a node has done and can do, as of the moment that it says so."""

    session: str
    """The search that all of this is about; empty before the first."""
    answers: tuple[tuple[int, Done[Any]], ...] = ()
    """Each with a serial number, which rise; repeated until acknowledged. Tickets are the driver's."""
    ready: bool = False
    """Whether batches can run."""
    refused: str | None = None
    """Why this node does not count for the search."""
    slots: int = 0
    """How many batches may run at once, now."""
    reason: str = ""
    """Why so many."""
    due: int = 0
    """How many more may when it is this search's turn again: other searches have them for now."""
    held: tuple[int, ...] = ()
    """Tickets that it has and has not answered."""
    begun: tuple[int, ...] = ()
    """Those of them that a slot has taken."""
    suspended: tuple[int, ...] = ()
    """Those of these that stand still, because slots were taken away; the first is the first to go on."""

    @property
    def waits_for_turn(self) -> tuple[int, ...]:
        """What stands still only until other searches have had their turn; the rest does because of the owner."""
        return self.suspended[: self.due]
