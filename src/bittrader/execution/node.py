"""What one node does for one driver: the ordinary executor of a single computer, held to what its owner allows now.

Nothing here knows how messages travel. What was answered is told again until it is acknowledged, and what was asked
twice is done once, so a message may be lost or repeated.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from bittrader import paths
from bittrader.errors import BittraderError, cause_of
from bittrader.execution import code_store
from bittrader.execution.allowance import Allowed, Follow
from bittrader.execution.assignment import Assignment, Status
from bittrader.execution.base import Done
from bittrader.execution.local import run_here
from bittrader.execution.sharing import Sharing
from bittrader.execution.synced import read_synced
from bittrader.execution.work import Work, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bittrader.execution.base import Evaluate, Rows
    from bittrader.execution.slots import SlotExecutor
    from bittrader.execution.work import Remote

Made = TypeVar("Made")

# A change of the allowance is felt within this time and the batch that is running.
_LOOK_SECONDS = 0.1
# Tickets whose batches are not run again when they come a second time.
_REMEMBERED = 100_000


class NodeWork:
    """The work of one node: one search at a time, batches in, a status out. Every method may be called from any thread.

    `store`: where code that is sent is kept. `allowance`: the file that says how many of the `cores` may be used now;
    None for all. `synced`: the file that says where the owner's own copy of the code is, if there is any.
    """

    def __init__(self, store: Path, allowance: Path | None, cores: int, synced: Path | None = None) -> None:
        self._store, self._synced = store, synced
        self._follow = Follow(allowance, cores)
        self._sharing = Sharing(None if allowance is None else allowance.parent / paths.WORKING)
        self._changed = threading.Condition()
        self._session: _Session | None = None
        self._closed = False
        self._mine = _Mine.whole(self._follow())
        self._told: tuple[object, ...] = ()  # what has changed between two polls is news too
        threading.Thread(target=self._look_after, name="bittrader-allowance", daemon=True).start()

    def begin(self, session: str, data: bytes, shared: Mapping[str, object]) -> None:
        """Takes up a search in place of the one before; `data` is a packed Assignment."""
        with self._changed:
            if self._closed or (self._session is not None and self._session.name == session):
                return
            before, self._session = self._session, _Session(session, self._changed)
            mine = self._session
        self._look()  # before anything runs
        if before is not None:
            before.close()
        threading.Thread(target=self._prepare, args=(mine, data, shared), daemon=True).start()

    def submit(self, session: str, batches: Sequence[tuple[int, Rows]]) -> None:
        """Queues batches under the driver's tickets; those it has, or has answered, are ignored."""
        with self._changed:
            if self._session is not None and self._session.name == session:
                self._session.submit(batches)
                self._changed.notify_all()  # or an idle executor would be asked for answers only a moment later

    def cancel(self, session: str, tickets: Sequence[int]) -> None:
        """Forgets batches that no slot has taken yet."""
        with self._changed:
            if self._session is not None and self._session.name == session:
                self._session.cancel(tickets)
                self._changed.notify_all()

    def poll(self, acknowledged: int, seconds: float) -> Status:
        """What there is to tell, as soon as there is something new and after `seconds` in any case.

        Answers with serial numbers up to `acknowledged` are forgotten.
        """
        with self._changed:
            if self._session is not None:
                self._session.acknowledge(acknowledged)
            self._changed.wait_for(lambda: self._closed or self._news(), seconds)
            self._told = self._state()
            return self._status()

    def end(self, session: str) -> None:
        """Ends a search at once; what of it was not told is lost."""
        with self._changed:
            if self._session is None or self._session.name != session:
                return
            ended, self._session = self._session, None
            self._changed.notify_all()
        ended.close()

    def close(self) -> None:
        """Ends everything."""
        with self._changed:
            self._closed = True
            ended, self._session = self._session, None
            self._sharing.leave()
            self._changed.notify_all()
        if ended is not None:
            ended.close()

    def _prepare(self, session: _Session, data: bytes, shared: Mapping[str, object]) -> None:
        """Makes the session's executor, which compiles; whatever keeps it from that is why the node is refused."""
        try:
            assignment: Assignment = unpacked(data, shared)
            executor = self._executor(assignment)
        except BaseException as error:  # noqa: BLE001 - told to the driver, in words
            session.refuse(str(error) if isinstance(error, BittraderError) else cause_of(error))
            return
        if isinstance(executor, str):
            session.refuse(executor)
        else:
            session.serve(executor)

    def _executor(self, assignment: Assignment) -> SlotExecutor[Any] | str:
        remote = assignment.remote
        synced = read_synced(self._synced)
        kept = None if remote.code is None else code_store.keep(remote.code, self._store, synced)
        making = _Making(remote, kept)
        if (difference := making.differs()) is not None:
            return difference
        work = Work(
            making,
            making,
            lambda: remote,
            first=assignment.first,
            time_limit=assignment.time_limit,
            memory_limit=assignment.memory_limit,
            apart=assignment.apart,
        )
        with self._changed:
            cores = self._mine.cores
        return run_here(work, cores)

    def _look_after(self) -> None:
        """Follows the allowance, who else works here, and what stands still, until all ends."""
        seen: tuple[object, ...] = ()
        while not self._closed:
            mine, session = self._look(), self._session
            if session is not None:
                session.resize(mine.cores)
            with self._changed:
                if (state := self._state()) != seen:
                    seen = state
                    self._changed.notify_all()
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> _Mine:
        """Looks at what is allowed, and takes this search's part of it while there is one."""
        allowed = self._follow()
        with self._changed:
            if self._session is None:
                self._sharing.leave()
                self._mine = _Mine.whole(allowed)
            else:
                self._mine = _Mine.part(allowed, self._sharing)
            return self._mine

    def _state(self) -> tuple[object, ...]:
        """What is worth telling when it changes, beside answers."""
        session = self._session
        return (self._mine, *(() if session is None else session.state()))

    def _news(self) -> bool:
        return bool(self._session and self._session.answers) or self._state() != self._told

    def _status(self) -> Status:
        mine, session = self._mine, self._session
        told = Status("") if session is None else session.status()
        return replace(told, slots=mine.cores, reason=mine.reason, due=mine.due)


@dataclass(frozen=True)
class _Mine:
    """What the search on this node may use of it now."""

    cores: int
    reason: str
    due: int = 0
    """How many more cores it has in its turn."""

    @classmethod
    def whole(cls, allowed: Allowed) -> _Mine:
        return cls(allowed.cores, allowed.reason)

    @classmethod
    def part(cls, allowed: Allowed, sharing: Sharing) -> _Mine:
        part = sharing.of(allowed.cores)
        shared = f"; {sharing.count} searches take turns" if part.cores < allowed.cores else ""
        return cls(part.cores, allowed.reason + shared, part.due)


@dataclass(frozen=True, eq=False)
class _Making:
    """Makes the function of a search here, of the very code that it was sent; picklable, for processes of this node."""

    remote: Remote
    kept: code_store.Kept | None
    """The user's own files for it; None where all of it is in the package."""

    def __call__(self) -> Evaluate[Any]:
        return self._used(lambda reference: self.remote.make_at(reference)())

    def differs(self) -> str | None:
        """What makes this computer's numbers other ones than the driver's, in words; None when nothing does."""
        return self._used(self.remote.differs)

    def _used(self, make: Callable[[str | None], Made]) -> Made:
        return make(None) if self.kept is None else self.kept.used(make)


class _Session:
    """One search on this node. All but `serve` and `close` is called with the lock held."""

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self.name = name
        self.answers: deque[tuple[int, Done[Any]]] = deque()
        self._changed = changed
        self._executor: SlotExecutor[Any] | None = None
        self._refused: str | None = None
        self._closed = False
        self._waiting: dict[int, Rows] = {}
        self._tickets: dict[int, int] = {}  # the executor's ticket -> the driver's
        self._answered: dict[int, None] = {}  # in order, so that the oldest can be forgotten
        self._serial = 0
        self._withdrawn = 0

    def submit(self, batches: Sequence[tuple[int, Rows]]) -> None:
        held = {*self._waiting, *self._tickets.values()}
        for ticket, rows in batches:
            if ticket not in held and ticket not in self._answered:
                self._waiting[ticket] = rows
        self._feed()

    def cancel(self, tickets: Sequence[int]) -> None:
        for ticket in tickets:
            self._waiting.pop(ticket, None)
        given = [number for number, ticket in self._tickets.items() if ticket in tickets]
        for number in () if self._executor is None else self._executor.withdraw(given):
            del self._tickets[number]
        self._withdrawn += 1

    def acknowledge(self, serial: int) -> None:
        while self.answers and self.answers[0][0] <= serial:
            self.answers.popleft()

    def state(self) -> tuple[object, ...]:
        return self.name, self._executor is not None, self._refused, self._suspended(), self._withdrawn

    def status(self) -> Status:
        queued = self._queued()
        return Status(
            self.name,
            tuple(self.answers),
            ready=self._executor is not None,
            refused=self._refused,
            held=(*self._tickets.values(), *self._waiting),
            begun=tuple(ticket for number, ticket in self._tickets.items() if number not in queued),
            suspended=self._suspended(),
        )

    def _queued(self) -> set[int]:
        """The executor's tickets that no slot has taken yet."""
        return set() if self._executor is None else set(self._executor.queued)

    def _suspended(self) -> tuple[int, ...]:
        """The driver's tickets that stand still, in the order in which they go on."""
        suspended = [] if self._executor is None else self._executor.suspended
        return tuple(self._tickets[number] for number in suspended if number in self._tickets)

    def refuse(self, reason: str) -> None:
        with self._changed:
            self._refused, self._executor = reason, None
            self._changed.notify_all()

    def serve(self, executor: SlotExecutor[Any]) -> None:
        """Hands out what the executor answers until the session ends."""
        with self._changed:
            closed = self._closed
            self._executor = None if closed else executor
            self._feed()
            self._changed.notify_all()
        try:
            while not self._closed:
                self._take(executor.wait(_LOOK_SECONDS))
        except BittraderError as error:  # nothing can run here
            self.refuse(str(error))
        finally:
            executor.close()

    def resize(self, slots: int) -> None:
        executor = self._executor
        if executor is not None and executor.slots != slots:
            executor.resize(slots)
            with self._changed:
                self._feed()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.close()

    def _take(self, answers: list[Done[Any]]) -> None:
        if not answers:
            # An executor with nothing to do returns at once.
            with self._changed:
                if not self._tickets:
                    self._changed.wait(_LOOK_SECONDS)
            return
        with self._changed:
            for done in answers:
                ticket = self._tickets.pop(done.ticket)
                self._serial += 1
                self.answers.append((self._serial, Done(ticket, done.parts, done.seconds)))
                self._answered[ticket] = None
            while len(self._answered) > _REMEMBERED:
                del self._answered[next(iter(self._answered))]
            self._feed()
            self._changed.notify_all()

    def _feed(self) -> None:
        """Gives the executor what its slots can take; the rest can still be cancelled."""
        executor = self._executor
        while executor is not None and self._waiting and len(self._tickets) < executor.slots:
            ticket = next(iter(self._waiting))
            self._tickets[executor.submit(self._waiting.pop(ticket))] = ticket
