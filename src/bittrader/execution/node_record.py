"""What a driver knows of one node: what it holds, how fast it is, and when it will want more. Pure: time is given.

All times are as the driver sees them: a batch begins when the answer of the one before it has arrived.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bittrader.execution.assignment import Status

# Work that waits at a node beyond what runs, in seconds, so that a moment's delay leaves no slot idle. More of it would
# have to be done again when the node is lost, and would wait there when others have nothing to do.
AHEAD_SECONDS = 0.2
# A node that says nothing for so long gets nothing more. It says something twice a second.
SILENT_SECONDS = 2.0
# What a batch may take to arrive before a node that does not have it has lost it.
ARRIVAL_SECONDS = 2.0
# How long a batch may wait at a stretch for its search's turn without being thought late for it: three turns of others.
TURNS_SECONDS = 30.0
_FIRST_ROUND_TRIP = 0.02
_LONGEST_ROUND_TRIP = 2.0
_LONGEST_INTERVAL = 1.0
_NEW = 0.2  # how much a new observation counts against all before it
_NEVER = float("inf")


@dataclass
class Given:
    """A batch at a node."""

    rows: int
    sent: float
    begins: float | None
    """When it got a slot; None while it waits for one."""
    at_once: bool
    """Whether a slot was free when it was sent."""
    recalled: bool = False
    """Whether the node was told to give it back, as it waits there while it is the turn of others."""
    waits_since: float | None = None
    """Since when it stands still until it is its search's turn."""
    suspended: bool = False
    """Whether it ever stood still, for whatever reason."""

    def hear(self, ticket: int, status: Status, now: float) -> None:
        """Takes in what its node says of it, if that has it."""
        if ticket in status.begun:
            self.recalled = False
            self.begins = now if self.begins is None else self.begins
        elif ticket in status.held:
            self.begins = None
        self.suspended |= ticket in status.suspended
        if ticket in status.waits_for_turn:
            self.waits_since = now if self.waits_since is None else self.waits_since
        elif self.waits_since is not None:
            self.begins = self.end(0.0, now)
            self.waits_since = None

    def end(self, seconds: float, now: float) -> float | None:
        """When it should be answered if it takes so long; None before it has begun. A turn's wait does not count."""
        return None if self.begins is None else self.begins + self._waited(now) + seconds

    def _waited(self, now: float) -> float:
        return 0.0 if self.waits_since is None else min(now - self.waits_since, TURNS_SECONDS)


class NodeRecord:
    """One node, for the length of one search."""

    def __init__(self, node: str, name: str) -> None:
        self.node, self.name = node, name
        self.slots = self.due = self.busy = self.suspended = 0
        self.reason = ""
        self.refused: str | None = None
        self.ready = False
        self.silent = False
        self.serial = 0
        self.given: dict[int, Given] = {}
        self.round_trip = _FIRST_ROUND_TRIP
        self._heard: float | None = None
        self._interval = 0.0
        self._rows = self._seconds = 0.0
        self._free: list[float] = []  # when each slot has done all that was given to it; a heap

    @property
    def paused(self) -> bool:
        """Whether its owner has taken all cores, for who knows how long: not when it is the turn of others."""
        return self.slots == 0 and self.due == 0

    @property
    def usable(self) -> bool:
        """Whether it can be given work."""
        return self.ready and self.refused is None and not self.silent and self.slots > 0

    @property
    def idle(self) -> bool:
        """Whether a slot has nothing to do."""
        return self.usable and len(self.given) < self.slots

    @property
    def row_seconds(self) -> float | None:
        """Seconds that a slot takes for a row; None before the first answer."""
        return self._seconds / self._rows if self._rows else None

    @property
    def rows_per_second(self) -> float:
        """What all its slots do in a second; 0 before the first answer."""
        return self.slots * self._rows / self._seconds if self._seconds else 0.0

    def hear(self, status: Status, now: float) -> None:
        """Takes in what it says of itself."""
        if self._heard is not None:
            # A node that slept for an hour is not one that speaks once an hour.
            self._interval += _NEW * (min(now - self._heard, _LONGEST_INTERVAL) - self._interval)
        self._heard = now
        self.slots, self.reason, self.due = status.slots, status.reason, status.due
        self.suspended = len(status.suspended)
        self.busy = len(status.begun) - self.suspended
        self.refused, self.ready = status.refused, status.ready
        for ticket, given in self.given.items():
            given.hear(ticket, status, now)

    def overdue(self, now: float) -> float | None:
        """For how many seconds it has said nothing, when that is too long."""
        silence = 0.0 if self._heard is None else now - self._heard
        return silence if silence > max(SILENT_SECONDS, 4 * self._interval) else None

    def give(self, ticket: int, rows: int, now: float) -> None:
        """Notes a batch that is sent to it."""
        at_once = self._begun() < self.slots
        self.given[ticket] = Given(rows, now, now + self.round_trip if at_once else None, at_once)
        row_seconds = self.row_seconds
        _occupy(self._free, _NEVER if row_seconds is None else rows * row_seconds, now + self.round_trip)

    def adopt(self, ticket: int, rows: int, now: float) -> None:
        """Notes a batch that it was found to hold."""
        self.given[ticket] = Given(rows, now, None, at_once=False)

    def take(self, ticket: int) -> Given | None:
        """Forgets a batch, if it has it."""
        return self.given.pop(ticket, None)

    def learn(self, given: Given, seconds: float, now: float) -> None:
        """Takes in how long a batch took."""
        kept = 1 - _NEW
        self._rows, self._seconds = kept * self._rows + given.rows, kept * self._seconds + max(seconds, 1e-9)
        trip = min(max(now - given.sent - seconds, 0.0), _LONGEST_ROUND_TRIP)
        if trip < self.round_trip:
            self.round_trip = trip
        elif given.at_once and not given.suspended:
            self.round_trip += _NEW * (trip - self.round_trip)

    def plan(self, now: float) -> None:
        """Works out again when its slots will be free, after what it holds has changed."""
        free = self.slots - self._begun()
        for given in self.given.values():
            if free <= 0:
                break
            if given.begins is None:
                given.begins = now
                free -= 1
        self._free, _ = self._ahead(now, self.row_seconds)

    def free(self, now: float) -> float:
        """When a slot could take another batch; never while what it holds has no known end."""
        return max(now, self._free[0]) if self._free else _NEVER

    def wants(self, now: float) -> bool:
        """Whether another batch should be on its way to it."""
        return self.usable and self.free(now) - now <= AHEAD_SECONDS + self.round_trip

    def would_end(self, rows: int, now: float) -> float:
        """When another batch would be answered; as late as possible while its speed is unknown."""
        row_seconds = self.row_seconds
        if row_seconds is None:
            return _NEVER
        return max(self.free(now), now + self.round_trip) + rows * row_seconds

    def ends(self, now: float, guess: float | None) -> dict[int, float]:
        """When each batch that it holds is expected to be answered; `guess`: seconds for a row, if its own are unknown.

        One that is late already is expected to take as long again as it is late.
        """
        return self._ahead(now, self.row_seconds or guess)[1]

    def runs_in_time(self, ticket: int, now: float) -> bool:
        """Whether it runs a batch whose time is not over yet, as far as is known."""
        given = self.given[ticket]
        end = given.end(given.rows * (self.row_seconds or _NEVER), now)
        return end is not None and now <= end

    def late(self, now: float) -> int:
        """How many batches it runs that should have been answered by now."""
        row_seconds = self.row_seconds or _NEVER
        ends = (given.end(given.rows * row_seconds, now) for given in self.given.values())
        return sum(end is not None and now > end + SILENT_SECONDS for end in ends)

    def _begun(self) -> int:
        return sum(given.begins is not None for given in self.given.values())

    def _ahead(self, now: float, row_seconds: float | None) -> tuple[list[float], dict[int, float]]:
        """When each slot will be free, as a heap, and each batch answered."""
        per_row = _NEVER if row_seconds is None else row_seconds
        known = {ticket: given.end(given.rows * per_row, now) for ticket, given in self.given.items()}
        ends = {ticket: end for ticket, end in known.items() if end is not None}
        free = [now] * (self.slots - len(ends)) + [max(end, now) for end in ends.values()]
        # With more running than slots, the first to end leave no slot free.
        heap = sorted(free)[-self.slots :] if self.slots else []
        ends = {ticket: end if end >= now else 2 * now - end for ticket, end in ends.items()}
        for ticket, given in self.given.items():
            if given.begins is None:
                ends[ticket] = _occupy(heap, given.rows * per_row, now)
        return heap, ends


def _occupy(free: list[float], seconds: float, earliest: float) -> float:
    """Puts a batch on the slot that is free first, and returns when it will be done."""
    if not free:
        return _NEVER
    end = max(free[0], earliest) + seconds
    heapq.heapreplace(free, end)
    return end
