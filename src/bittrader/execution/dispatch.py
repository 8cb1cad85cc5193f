"""Which batch goes to which node: a pure state machine, without clock, threads or network.

Events come in, actions come out; time is an argument. Each node's queue is kept short, so that little has to be done
again when the node is lost, and as long as its round trip needs. A node gets its next batch when it will soon want one,
so a fast one gets more than a slow one, and both are busy to the end. Nothing waits for a node that has become silent:
what it holds goes to others at once. Where it is the turn of other searches, what has begun stands still and goes on
there; what has not goes to another node when it is given back. When there is nothing left to hand out, an idle slot
takes what another would answer later than it. The first answer counts; a later one is compared with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bittrader.execution.base import Done, Failure, Part
from bittrader.execution.digest import Digests, differ, digests_of
from bittrader.execution.node_record import ARRIVAL_SECONDS, NodeRecord

if TYPE_CHECKING:
    from bittrader.execution.assignment import Status

# A batch that was running each time when so many processes in a row died is what killed them.
_DEADLY = 3
# The last run before that verdict is alone on its node, so that the neighbours of a deadly batch are not suspected.
_ALONE = 2
# An idle slot takes over only what it will answer sooner by more than this, and by a tenth of what it takes; what runs
# and is not late yet, by half of that: evaluations differ by more than a tenth, and it would be done twice for nothing.
_WORTH_SECONDS = 0.05
_WORTH_SHARE = 0.1
_WORTH_TWICE_SHARE = 0.5
_REPORTED = 50
_COMPARED = 10_000


@dataclass(frozen=True)
class Send:
    """Batches for a node."""

    node: str
    tickets: tuple[int, ...]


@dataclass(frozen=True)
class Cancel:
    """Batches that a node need not begin."""

    node: str
    tickets: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What became of a batch, for whoever submitted it."""

    done: Done[Any]


Action = Send | Cancel | Answer


@dataclass(frozen=True)
class Redone:
    """A batch that was given to another node as well, or again."""

    at: float
    rows: int
    source: str
    """Name of the node that had it."""
    target: str
    why: str


@dataclass(frozen=True)
class Alarm:
    """Two nodes that gave different numbers for the same rows."""

    at: float
    ticket: int
    nodes: tuple[str, str]

    def __str__(self) -> str:
        first, second = self.nodes
        return f"{first} and {second} answered batch {self.ticket} with different numbers"


@dataclass
class _Batch:
    rows: int
    queued: bool = True
    cancelled: bool = False
    holders: set[str] = field(default_factory=set)
    """Nodes that are expected to answer it."""
    seen_by: set[str] = field(default_factory=set)
    """Nodes that were ever given it."""
    taken: tuple[str, str] | None = None
    """The node it was taken from, and why, until it is given to another."""
    deaths: tuple[str, ...] = ()
    """Nodes whose process died while they ran it."""


class Dispatch:
    """The batches of one search on the nodes of a cluster."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.nodes: dict[str, NodeRecord] = {}
        self._limit: int | None = None
        self.redone: deque[Redone] = deque(maxlen=_REPORTED)
        self.alarms: deque[Alarm] = deque(maxlen=_REPORTED)
        self._batches: dict[int, _Batch] = {}
        self._queue: deque[int] = deque()
        self._alone: deque[int] = deque()
        self._kept_free: str | None = None  # the node that runs, or is to run, a suspected batch alone
        self._first: dict[int, tuple[str, Digests]] = {}
        self._actions: list[Action] = []

    @property
    def unanswered(self) -> int:
        """How many batches are submitted and neither answered nor forgotten."""
        return len(self._batches)

    @property
    def slots(self) -> int:
        """How many batches may run at once, now."""
        all_of_them = sum(node.slots for node in self.nodes.values() if node.usable)
        return all_of_them if self._limit is None else min(self._limit, all_of_them)

    def submitted(self, ticket: int, rows: int, now: float) -> list[Action]:
        """A new batch; tickets rise."""
        self._batches[ticket] = _Batch(rows)
        self._queue.append(ticket)
        self._fill(now)
        return self._taken()

    def cancelled(self, _now: float) -> list[Action]:
        """Forgets all that has not begun: at once what no node has, and the rest as soon as its node says so."""
        for ticket, batch in list(self._batches.items()):
            batch.cancelled, batch.queued = True, False
            if not batch.holders:
                del self._batches[ticket]
        self._queue.clear()
        self._alone.clear()
        for node in self.nodes.values():
            if node.given:
                self._actions.append(Cancel(node.node, tuple(node.given)))
        return self._taken()

    def limited(self, slots: int, now: float) -> list[Action]:
        """No more batches than this may be at nodes from now on; those that are end in peace."""
        self._limit = slots
        self._fill(now)
        return self._taken()

    def node_joined(self, node: str, name: str, now: float) -> list[Action]:
        """A node that can be asked; it gets work when it says that it is ready."""
        if node in self.nodes:
            self.node_gone(node, "it joined anew", now, died=False)
        self.nodes[node] = NodeRecord(node, name)
        return self._taken()

    def node_gone(self, node: str, why: str, now: float, *, died: bool) -> list[Action]:
        """A node that is no more; `died`: its process did, perhaps of what it was running."""
        record = self.nodes.pop(node, None)
        if record is None:
            return self._taken()
        if died:
            for ticket, given in record.given.items():
                if given.begins is not None and ticket in self._batches:
                    self._batches[ticket].deaths += (record.name,)
        self._give_up(record, why)
        self._fill(now)
        return self._taken()

    def node_status(self, node: str, status: Status, now: float) -> list[Action]:
        """What a node says of itself, with its answers."""
        record = self.nodes.get(node)
        if record is None:
            return self._taken()
        if status.session != self.session:
            status = replace(status, answers=(), ready=False, refused=None, held=(), begun=(), suspended=())
        record.hear(status, now)
        for serial, done in status.answers:
            if serial > record.serial:
                record.serial = serial
                self._answered(record, done, now)
        self._reconcile(record, set(status.held), now)
        record.plan(now)
        self._fill(now)
        return self._taken()

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        for node in self.nodes.values():
            if not node.silent and (silence := node.overdue(now)) is not None:
                node.silent = True
                self._give_up(node, f"silent for {silence:.1f} s")
        self._fill(now)
        if not self._queue:
            self._share_out(now)
        return self._taken()

    def _taken(self) -> list[Action]:
        """The actions since the last event, those of a kind for a node together."""
        actions, self._actions = self._actions, []
        sent: dict[str, list[int]] = {}
        for action in actions:
            if isinstance(action, Send):
                sent.setdefault(action.node, []).extend(action.tickets)
        others = [action for action in actions if not isinstance(action, Send)]
        return [*others, *(Send(node, tuple(tickets)) for node, tickets in sent.items())]

    # --- answers

    def _answered(self, node: NodeRecord, done: Done[Any], now: float) -> None:
        given = node.take(done.ticket)
        if given is not None:
            node.learn(given, done.seconds, now)
        batch = self._batches.get(done.ticket)
        if batch is None:
            self._compare(node, done, now)
            return
        if len(batch.seen_by) > 1:
            self._remember(done.ticket, node.name, done)
        self._finish(done.ticket, batch, replace(done, node=node.name), node.node)

    def _finish(self, ticket: int, batch: _Batch, done: Done[Any], by: str) -> None:
        del self._batches[ticket]
        self._actions.append(Answer(done))
        for holder in batch.holders - {by}:
            self._withdraw(self.nodes[holder], ticket)

    def _withdraw(self, node: NodeRecord, ticket: int) -> None:
        """Takes a batch from a node, if it has not begun it; else its slot is busy with it until it answers."""
        self._actions.append(Cancel(node.node, (ticket,)))
        if (given := node.given.get(ticket)) is not None and given.begins is None:
            node.take(ticket)

    def _remember(self, ticket: int, name: str, done: Done[Any]) -> None:
        self._first[ticket] = (name, digests_of(done.parts))
        while len(self._first) > _COMPARED:
            del self._first[next(iter(self._first))]

    def _compare(self, node: NodeRecord, done: Done[Any], now: float) -> None:
        name, first = self._first.get(done.ticket, (node.name, {}))
        if differ(first, digests_of(done.parts)):
            self.alarms.append(Alarm(now, done.ticket, (name, node.name)))

    # --- what nodes hold

    def _reconcile(self, node: NodeRecord, held: set[int], now: float) -> None:
        """Brings what we think that the node holds to what it says."""
        if node.silent:
            node.silent = False
            self._welcome(node, held)
        for ticket, given in reversed(list(node.given.items())):
            if ticket not in held:
                self._missed(node, ticket, now - given.sent)
        if node.refused is not None:
            self._give_up(node, f"it refuses: {node.refused}")
        elif node.paused:
            self._give_elsewhere(node, f"paused ({node.reason})")
        elif node.slots == 0:
            self._recall(node, held)
        else:
            self._adopt(node, held, now)

    def _welcome(self, node: NodeRecord, held: set[int]) -> None:
        """A node that was silent answers again: what others do by now it need not begin."""
        done_elsewhere = tuple(ticket for ticket in held if not self._is_queued(ticket))
        if done_elsewhere:
            self._actions.append(Cancel(node.node, done_elsewhere))

    def _missed(self, node: NodeRecord, ticket: int, since: float) -> None:
        """A batch that we gave to the node, which it does not have."""
        batch = self._batches.get(ticket)
        if batch is None or batch.cancelled or node.given[ticket].recalled:
            node.take(ticket)
            if batch is not None:
                self._let_go(ticket, batch, node, "")
        elif since > ARRIVAL_SECONDS + 4 * node.round_trip:
            node.take(ticket)
            self._let_go(ticket, batch, node, "it did not arrive")

    def _recall(self, node: NodeRecord, held: set[int]) -> None:
        """Has a node give back what it has not begun while it is the turn of others; what it has begun goes on there.

        It goes to another node only when this one says that it does not have it any more: so it is not begun twice.
        """
        waiting = {ticket: given for ticket, given in node.given.items() if ticket in held and given.begins is None}
        if waiting:
            self._actions.append(Cancel(node.node, tuple(waiting)))
        for given in waiting.values():
            given.recalled = True

    def _adopt(self, node: NodeRecord, held: set[int], now: float) -> None:
        """What waits for a node while this one has it, it may as well do."""
        for ticket in held:
            if self._is_queued(ticket) and not (batch := self._batches[ticket]).deaths:
                batch.queued, batch.taken = False, None
                batch.holders.add(node.node)
                if ticket not in node.given:
                    node.adopt(ticket, batch.rows, now)

    def _is_queued(self, ticket: int) -> bool:
        return ticket in self._batches and self._batches[ticket].queued

    def _give_up(self, node: NodeRecord, why: str) -> None:
        """Takes all that a node has away from it."""
        given, node.given = node.given, {}
        if self._kept_free == node.node:
            self._kept_free = None
        for ticket in reversed(given):
            if (batch := self._batches.get(ticket)) is not None:
                self._let_go(ticket, batch, node, why)

    def _let_go(self, ticket: int, batch: _Batch, node: NodeRecord, why: str) -> None:
        """A node is not expected to answer a batch any more: if no other is, the batch goes first to the next one.

        `why`: what made it so; empty where nothing is done again, because it had not begun.
        """
        batch.holders.discard(node.node)
        if batch.holders or batch.queued:
            return
        if batch.cancelled:
            del self._batches[ticket]
        elif len(batch.deaths) >= _DEADLY:
            self._fail(ticket, batch)
        else:
            self._again(ticket, batch, node, why)

    def _again(self, ticket: int, batch: _Batch, node: NodeRecord, why: str) -> None:
        batch.queued, batch.taken = True, (node.name, why) if why else None
        (self._alone if len(batch.deaths) >= _ALONE else self._queue).appendleft(ticket)

    def _give_elsewhere(self, node: NodeRecord, why: str) -> None:
        """Offers to others all that a node keeps and cannot run now."""
        for ticket in reversed(node.given):
            batch = self._batches.get(ticket)
            if batch is not None and not batch.queued and not batch.cancelled and batch.holders == {node.node}:
                self._again(ticket, batch, node, why)

    def _fail(self, ticket: int, batch: _Batch) -> None:
        where = ", ".join(batch.deaths)
        cause = f"{len(batch.deaths)} processes in a row died while they evaluated it, on {where}"
        done: Done[Any] = Done(ticket, (Part(0, batch.rows, Failure(cause)),), 0.0, batch.deaths[-1])
        self._finish(ticket, batch, done, "")

    # --- handing out

    def _fill(self, now: float) -> None:
        """Hands out what nodes want."""
        if self._alone or self._kept_free is not None:
            self._run_alone(now)
        while self._queue:
            if not self._is_queued(self._queue[0]):
                self._queue.popleft()
                continue
            batch = self._batches[self._queue[0]]
            wanting = [node for node in self.nodes.values() if node.wants(now) and node.node != self._kept_free]
            if not wanting or self._full():
                return
            # Of several that want one, the one that ends it first; of those whose speed is unknown, the emptiest.
            best = min(wanting, key=lambda node: (node.would_end(batch.rows, now), len(node.given) / node.slots))
            self._give(best, self._queue.popleft(), now)

    def _full(self) -> bool:
        """Whether all that may be at nodes is."""
        return self._limit is not None and sum(len(node.given) for node in self.nodes.values()) >= self._limit

    def _run_alone(self, now: float) -> None:
        """Empties a node for the next suspected batch, and gives it that when it is empty."""
        node = self.nodes.get(self._kept_free or "")
        if node is None or not node.usable:
            node = self._quiet_place()
        self._kept_free = None if node is None else node.node
        if node is None or node.given or self._full():
            return
        while self._alone:
            ticket = self._alone.popleft()
            if self._is_queued(ticket):
                self._give(node, ticket, now)
                return
        self._kept_free = None

    def _quiet_place(self) -> NodeRecord | None:
        """The node to empty for a suspected batch: one that did not die of it, where there is such a one."""
        batch = self._batches.get(self._alone[0]) if self._alone else None
        usable = [node for node in self.nodes.values() if node.usable]
        died = () if batch is None else batch.deaths
        return min(usable, key=lambda node: (died.count(node.name), len(node.given)), default=None)

    def _give(self, node: NodeRecord, ticket: int, now: float) -> None:
        batch = self._batches[ticket]
        if batch.taken is not None:
            source, why = batch.taken
            self.redone.append(Redone(now, batch.rows, source, node.name, why))
        batch.queued, batch.taken = False, None
        batch.holders.add(node.node)
        batch.seen_by.add(node.node)
        node.give(ticket, batch.rows, now)
        self._actions.append(Send(node.node, (ticket,)))

    # --- the end

    def _share_out(self, now: float) -> None:
        """Gives idle slots what others would answer later."""
        idle = [node for node in self.nodes.values() if node.idle and node.node != self._kept_free]
        if not idle or self._limit is not None:
            return
        ends = self._expected(now)
        for ticket in sorted(ends, key=lambda one: -ends[one][0]):
            end, holder = ends[ticket]
            batch = self._batches[ticket]
            able = [node for node in idle if node.idle and node is not holder]
            best = min(able, key=lambda node: node.would_end(batch.rows, now), default=None)
            if best is None:
                return
            takes = best.would_end(batch.rows, now) - now
            share = _WORTH_TWICE_SHARE if holder.runs_in_time(ticket, now) else _WORTH_SHARE
            if now + takes * (1 + share) + _WORTH_SECONDS < end:
                self._take_over(ticket, holder, best, now)

    def _expected(self, now: float) -> dict[int, tuple[float, NodeRecord]]:
        """When each batch that one node alone has is expected to be answered, and by which."""
        known = [node.row_seconds for node in self.nodes.values() if node.row_seconds]
        guess = sum(known) / len(known) if known else None
        return {
            ticket: (end, node)
            for node in self.nodes.values()
            if not node.silent
            for ticket, end in node.ends(now, guess).items()
            if (batch := self._batches.get(ticket)) is not None
            and batch.holders == {node.node}
            and not batch.cancelled
            and not batch.deaths
            and not node.given[ticket].recalled
        }

    def _take_over(self, ticket: int, holder: NodeRecord, node: NodeRecord, now: float) -> None:
        """Moves what has not begun, and copies what has."""
        batch = self._batches[ticket]
        if holder.given[ticket].begins is None:
            batch.holders.discard(holder.node)
            self._withdraw(holder, ticket)
        else:
            batch.taken = (holder.name, "an idle slot ends it sooner")
        self._give(node, ticket, now)
