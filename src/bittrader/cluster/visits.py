"""A worker's visits to its head, in a thread of their own: the daemon looks at what they brought, and never waits."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from bittrader.cluster.messages import RefusedError
from bittrader.errors import ClusterError, cause_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.cluster.messages import Json, Told

PERIOD_SECONDS = 1.0
REFUSED_SECONDS = 15.0
"""A head that refused is asked less often: somebody has to do something first."""
FAREWELL_SECONDS = 1.0
"""How long the last visit is waited for."""
STUCK_SECONDS = 2.0
"""A visit that takes longer is given up when there is a reason to look again."""


class Visiting(Protocol):
    """Who visits: `bittrader.cluster.visit.Visitor`, as far as it is needed here."""

    def report(self, state: Json) -> Told:
        """Says how this node is and hears how the cluster is."""

    def renew(self, address: str, name: str) -> None:
        """Fetches a certificate for an address."""


@dataclass(frozen=True)
class Visited:
    """What the visits brought so far."""

    told: Told | None = None
    """What the head said when it last answered."""
    asked: float = float("-inf")
    """When that visit began, in monotonic seconds."""
    at: float | None = None
    """When it ended, in Unix seconds."""
    refused: str | None = None
    """Why the head sends this node away, as of the last answer."""
    trouble: str = ""
    """What became of the last visit, if nobody answered."""


class Visits:
    """Visits once a second. `make` makes whoever visits, one for each thread, and may raise ClusterError."""

    def __init__(self, make: Callable[[], Visiting], state: Callable[[], Json], name: str) -> None:
        self._make, self._state, self._name = make, state, name
        self._lock = Lock()
        self._latest = Visited()
        self._certify: str | None = None
        self._begun = time.monotonic()
        self._look = self._begun
        self._round: _Round | None = None
        self._new_round()

    @property
    def latest(self) -> Visited:
        """What is known now."""
        self._leave_stuck()
        with self._lock:
            return self._latest

    def look_again(self) -> None:
        """Visits now. A visit that began before and is stuck, on an address that is gone perhaps, is left to itself."""
        with self._lock:
            self._look = time.monotonic()
            if self._round is not None:
                self._round.wake.set()
        self._leave_stuck()

    def _leave_stuck(self) -> None:
        with self._lock:
            stuck = self._begun < self._look and time.monotonic() - self._begun > PERIOD_SECONDS + STUCK_SECONDS
        if stuck and self._round is not None:
            self._new_round()

    def certify(self, address: str) -> None:
        """Fetches a certificate for this address at the next visit."""
        with self._lock:
            self._certify = address

    def close(self) -> None:
        """Says the state once more, if the head hears it within a moment, and visits no more."""
        with self._lock:
            last, self._round = self._round, None
        if last is not None:
            last.is_last = True
            last.end()
            last.over.wait(FAREWELL_SECONDS)

    def _new_round(self) -> None:
        with self._lock:
            if self._round is not None:
                self._round.end()
            self._begun = time.monotonic()
            self._round = _Round()
            Thread(target=self._run, args=(self._round,), name="visits", daemon=True).start()

    def _run(self, mine: _Round) -> None:
        visitor: Visiting | None = None
        while not mine.ended:
            asked = time.monotonic()
            with self._lock:
                if mine is self._round:
                    self._begun = asked
            try:
                visitor = visitor or self._make()
                told = visitor.report(self._state())
                self._keep(mine, told=told, asked=asked, at=time.time(), refused=told.refused, trouble="")
                self._fetch_certificate(visitor)
            except RefusedError as error:
                visitor = None  # when this computer joins again, it has other secrets
                self._keep(mine, refused=str(error), trouble="")
            except ClusterError as error:
                self._keep(mine, trouble=str(error))
            except Exception as error:  # noqa: BLE001 - the visits must go on; the owner reads what it was
                self._keep(mine, trouble=f"a visit to the head failed, which is a defect of ours: {cause_of(error)}")
            pause = REFUSED_SECONDS if self.latest.refused is not None else PERIOD_SECONDS
            mine.wake.wait(max(0.0, asked + pause - time.monotonic()))
            mine.wake.clear()

        if mine.is_last and self._latest.refused is None:
            with suppress(ClusterError):  # nobody is left to whom it would matter
                (visitor or self._make()).report(self._state())
        mine.over.set()

    def _fetch_certificate(self, visitor: Visiting) -> None:
        with self._lock:
            address, self._certify = self._certify, None
        if address is not None:
            visitor.renew(address, self._name)

    def _keep(self, mine: _Round, **facts: object) -> None:
        with self._lock:
            if mine is self._round:
                self._latest = replace(self._latest, **facts)  # type: ignore[arg-type]


class _Round:
    """One thread's turn, until another takes over."""

    def __init__(self) -> None:
        self.wake = Event()
        self.over = Event()
        self.ended = False
        self.is_last = False

    def end(self) -> None:
        self.ended = True
        self.wake.set()
