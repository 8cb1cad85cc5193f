"""The cluster as a place to run work: what the dispatch decides, done over a link, by a thread of its own.

Nothing here imports Ray. Whatever has no answer when the link breaks is sent again when there is another.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from bittrader import paths
from bittrader.execution.assignment import Assignment
from bittrader.execution.base import Answer, Executor, ExecutorError, Rhythm
from bittrader.execution.bridge import Bridge
from bittrader.execution.dispatch import Cancel, Dispatch, Send
from bittrader.execution.link import (
    Ask,
    Begin,
    Connected,
    Disconnected,
    End,
    Gone,
    Joined,
    Parcel,
    Submit,
    Told,
    Withdraw,
)
from bittrader.execution.running import Running, write_running
from bittrader.execution.waiting import waits_for
from bittrader.execution.work import packed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from bittrader.execution.assignment import Status
    from bittrader.execution.base import Done, Far, Rows
    from bittrader.execution.dispatch import Action
    from bittrader.execution.link import FromCluster, Link
    from bittrader.execution.work import Work

# How often time passes for the dispatch: nothing that it decides is urgent to a twentieth of a second.
_TICK_SECONDS = 0.05
_REPORT_SECONDS = 1.0
_FIRST_NODE_SECONDS = 15.0


class OnCluster:
    """The nodes of a cluster as a place for searches, one after the other, all over one link.

    `folder`: that of this computer's node, which says how to reach the cluster and keeps what this driver reports.
    """

    def __init__(self, folder: Path, open_link: Callable[[], Link] | None = None) -> None:
        self._open_link = open_link or (lambda: Bridge(folder))
        self._report = folder / paths.RUNNING / f"{os.getpid()}.json"
        self.changed = threading.Condition()
        self._link: Link | None = None
        self._thread: threading.Thread | None = None
        self._nodes: dict[str, str] = {}
        self._statuses: dict[str, Status] = {}
        self._trouble = ""
        self._search: _Search | None = None
        self._reported: float | None = None  # when the search that runs was last told of
        self.broken: BaseException | None = None

    def __enter__(self) -> Self:
        """Opens the link, and waits some seconds for the first node, so that there are cores to count."""
        self._link = self._open_link()
        self._thread = threading.Thread(target=self._run, name="bittrader-cluster", daemon=True)
        self._thread.start()
        with self.changed:
            self.changed.wait_for(lambda: self._statuses or self._trouble or self.broken, _FIRST_NODE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def cores(self) -> int:
        """How many batches may run at once on all nodes, now."""
        with self.changed:
            return sum(status.slots for status in self._statuses.values() if status.refused is None)

    @property
    def waits_for(self) -> str:
        """What nothing can run without, in words; empty when something can."""
        with self.changed:
            search = self._search
            return waits_for(self._trouble, search.dispatch.nodes.values() if search else ())

    def executor(self, work: Work[Answer]) -> Executor[Answer]:
        """Somewhere to run the work's batches; there may be one at a time."""
        remote = work.remote()
        if isinstance(remote, str):
            raise ExecutorError(remote)
        data = packed(Assignment.of(work, remote), work.shared)
        begin = Begin(uuid.uuid4().hex, data, tuple(map(Parcel.of, work.shared)))
        with self.changed:
            if self._link is None or self._search is not None:
                raise ExecutorError("the cluster is not open, or another search runs on it: one at a time.")
            self._search = _Search(begin, work.name)
            self._link.send(begin)
            for node, name in self._nodes.items():
                self.do(self._search.dispatch.node_joined(node, name, time.monotonic()))
        return ClusterExecutor(self, self._search)

    def close(self) -> None:
        """Ends everything on the cluster that is ours. May be called twice."""
        with self.changed:
            link, self._link = self._link, None
            self._search = None
            self.changed.notify_all()
        if link is None:
            return
        if self._thread is not None:
            self._thread.join()
        link.close()
        self._report.unlink(missing_ok=True)

    def end(self, search: _Search) -> None:
        """Ends a search on all nodes."""
        with self.changed:
            if self._search is search and self._link is not None:
                self._link.send(End(search.begin.session))
                self._search = None
            self.changed.notify_all()

    def do(self, actions: Sequence[Action]) -> None:
        """Does what the dispatch decided; with the lock held."""
        search = self._search
        if search is None or self._link is None:
            return
        session = search.begin.session
        for action in actions:
            if isinstance(action, Send):
                batches = [(ticket, search.rows[ticket]) for ticket in action.tickets]
                self._link.send(Submit(action.node, session, pickle.dumps(batches)))
            elif isinstance(action, Cancel):
                self._link.send(Withdraw(action.node, session, action.tickets))
            else:
                search.rows.pop(action.done.ticket, None)
                search.done.append(action.done)
                self.changed.notify_all()

    def _run(self) -> None:
        """Takes what the cluster says until all is closed; what breaks this breaks whoever waits."""
        try:
            while (link := self._link) is not None:
                messages = link.receive(_TICK_SECONDS)
                with self.changed:
                    self._take(messages, time.monotonic())
                self._report_now()
        except BaseException as error:  # noqa: BLE001 - raised where the search waits
            with self.changed:
                self.broken = error
                self.changed.notify_all()

    def _take(self, messages: Sequence[FromCluster], now: float) -> None:
        for message in messages:
            self._handle(message, now)
        if self._search is not None:
            self.do(self._search.dispatch.tick(now))

    def _handle(self, message: FromCluster, now: float) -> None:
        if isinstance(message, Connected):
            self._trouble = ""
            if self._search is not None and self._link is not None:
                self._link.send(self._search.begin)
        elif isinstance(message, Disconnected):
            self._trouble = message.why
            for node in list(self._nodes):
                self._gone(Gone(node, "the link to the cluster broke", died=False), now)
        elif isinstance(message, Joined):
            self._nodes[message.node] = message.name
            if self._search is not None:
                self.do(self._search.dispatch.node_joined(message.node, message.name, now))
        elif isinstance(message, Gone):
            self._gone(message, now)
        elif isinstance(message, Told):
            self._told(message.node, pickle.loads(message.data), now)  # noqa: S301 - from the cluster's own node
        self.changed.notify_all()

    def _gone(self, message: Gone, now: float) -> None:
        self._nodes.pop(message.node, None)
        self._statuses.pop(message.node, None)
        if self._search is not None:
            self.do(self._search.dispatch.node_gone(message.node, message.why, now, died=message.died))

    def _told(self, node: str, status: Status, now: float) -> None:
        if node not in self._nodes or self._link is None:
            return
        self._statuses[node] = status
        session, serial = "", 0
        if (search := self._search) is not None:
            self.do(search.dispatch.node_status(node, status, now))
            session, serial = search.begin.session, search.dispatch.nodes[node].serial
        self._link.send(Ask(node, session, serial))

    def _report_now(self) -> None:
        """Writes about once a second what the daemon tells the others of this search; takes it away when that ended."""
        with self.changed:
            running = self._running(time.monotonic())
        with contextlib.suppress(OSError):  # a full disk: the search itself says so where it writes
            if running is not None:
                write_running(self._report, running)
            elif self._search is None and self._reported is not None:
                self._report.unlink(missing_ok=True)
                self._reported = None

    def _running(self, now: float) -> Running | None:
        """What there is to tell of the search, when it is time to; with the lock held."""
        search = self._search
        if search is None or (self._reported is not None and now < self._reported + _REPORT_SECONDS):
            return None
        self._reported = now
        waits = waits_for(self._trouble, search.dispatch.nodes.values())
        return Running.of(search.dispatch, search.name, search.began, search.far, waits, now, time.time() - now)


class _Search:
    """What there is of one search, shared between its executor and the thread."""

    def __init__(self, begin: Begin, name: str) -> None:
        self.begin, self.name = begin, name
        self.began = time.time()
        self.dispatch = Dispatch(begin.session)
        self.rows: dict[int, Rows] = {}
        self.done: list[Done[Any]] = []
        self.tickets = 0
        self.far: Far | None = None


class ClusterExecutor(Executor[Answer], Generic[Answer]):
    """Runs the batches of one search on whatever nodes there are. Made by `OnCluster.executor`."""

    # A batch of a tenth of a second costs about a hundredth of that to hand out. Five for each slot: one that runs,
    # what a node keeps ahead over a round trip of a tenth of a second, and one at hand.
    rhythm: ClassVar[Rhythm] = Rhythm(batch_seconds=0.1, least_seconds=0.02, ahead=5)

    def __init__(self, place: OnCluster, search: _Search) -> None:
        self._place, self._search = place, search
        self._changed = place.changed
        self._closed = False

    @property
    def slots(self) -> int:
        with self._changed:
            return self._search.dispatch.slots

    @property
    def waits_for(self) -> str:
        return self._place.waits_for

    @property
    def pending(self) -> int:
        with self._changed:
            return 0 if self._closed else self._search.dispatch.unanswered + len(self._search.done)

    def note(self, far: Far) -> None:
        self._search.far = far

    def resize(self, slots: int) -> None:
        """Uses no more than so many slots of the cluster."""
        with self._changed:
            self._place.do(self._search.dispatch.limited(slots, time.monotonic()))
            self._changed.notify_all()

    def submit(self, rows: Rows) -> int:
        search = self._search
        with self._changed:
            search.tickets += 1
            search.rows[search.tickets] = rows
            self._place.do(search.dispatch.submitted(search.tickets, len(rows), time.monotonic()))
            return search.tickets

    def wait(self, timeout: float | None = None) -> list[Done[Answer]]:
        search = self._search
        with self._changed:
            self._changed.wait_for(
                lambda: search.done or self._place.broken or self._closed or not search.dispatch.unanswered, timeout
            )
            if self._place.broken is not None:
                raise self._place.broken
            done, search.done = search.done, []
            return [] if self._closed else done

    def cancel(self) -> None:
        with self._changed:
            self._place.do(self._search.dispatch.cancelled(time.monotonic()))
            self._changed.notify_all()

    def close(self) -> None:
        self._closed = True
        self._place.end(self._search)
