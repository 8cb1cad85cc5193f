"""A cluster in virtual time: nodes with a speed and a distance, by turns with other searches, cut off and lost."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from dataclasses import dataclass, field

from bittrader.execution.assignment import Status
from bittrader.execution.base import Done, Part
from bittrader.execution.dispatch import Answer, Cancel, Dispatch, Send
from bittrader.execution.sharing import TURN_SECONDS, share

POLL_SECONDS = 0.5
TICK_SECONDS = 0.05
GRACE_SECONDS = 0.5


@dataclass
class SimulatedNode:
    """Does what NodeWork does. `row_seconds`: what a slot takes for a row; `latency`: seconds one way.

    `searches`: how many it works for by turns; this one is at `place` among them, and a turn begins after `phase`.
    """

    name: str
    slots: int
    row_seconds: float
    latency: float = 0.001
    searches: int = 1
    place: int = 0
    phase: float = 0.0
    cut: bool = False
    asked: bool = False
    waiting: deque = field(default_factory=deque)
    running: dict = field(default_factory=dict)
    """When each ends, by ticket."""
    suspended: dict = field(default_factory=dict)
    """What is left of each, by ticket."""
    worked: Counter = field(default_factory=Counter)
    answers: list = field(default_factory=list)
    known: set = field(default_factory=set)
    serial: int = 0
    changed: bool = True
    busy_seconds: float = 0.0

    def part(self, now):
        return share(self.slots, self.place, self.searches, int((now + self.phase + 1e-6) / TURN_SECONDS))


class Simulation:
    """A driver that keeps `ahead` batches on their way for each slot, until all rows are answered.

    `longer`: by how much a batch takes longer than its rows say, by ticket.
    """

    def __init__(self, nodes, rows, batch_rows, ahead=6, longer=lambda _ticket: 1.0):
        self.now = 0.0
        self.nodes = {node.name: node for node in nodes}
        self.dispatch = Dispatch("s")
        self.rows = {}
        self.left, self.batch_rows, self.ahead, self.longer = rows, batch_rows, ahead, longer
        self.answered = {}
        self.begun = Counter()
        self.times = []
        self.events, self._order = [], itertools.count()
        self.calls = 0
        for node in nodes:
            self.perform(self.dispatch.node_joined(node.name, node.name, 0.0))
            self.ask(node, 0)
            if node.searches > 1:
                self.turn(node)
        self.at(0.0, self.tick)

    def at(self, when, what, *arguments):
        heapq.heappush(self.events, (when, next(self._order), what, arguments))

    def run(self, until=float("inf")):
        self.submit()
        while self.events and (self.left or self.dispatch.unanswered) and self.now < until:
            self.now, _, what, arguments = heapq.heappop(self.events)
            what(*arguments)
        return self

    def tick(self):
        self.perform(self.dispatch.tick(self.now))
        self.at(self.now + TICK_SECONDS, self.tick)

    def submit(self):
        slots = sum(node.slots for node in self.nodes.values())
        while self.left and self.dispatch.unanswered < self.ahead * slots:
            ticket, count = len(self.rows) + 1, min(self.batch_rows, self.left)
            self.left -= count
            self.rows[ticket] = count
            self.perform(self.dispatch.submitted(ticket, count, self.now))

    def perform(self, actions):
        self.calls += 1
        for action in actions:
            if isinstance(action, Answer):
                assert action.done.ticket not in self.answered
                self.answered[action.done.ticket] = action.done
                self.times.append(self.now)
            elif isinstance(action, Send):
                self.carry(self.nodes[action.node], self.take, action.tickets)
            elif isinstance(action, Cancel):
                self.carry(self.nodes[action.node], self.forget, action.tickets)

    def carry(self, node, what, *arguments):
        """To the node, unless it is cut off: then it arrives after the cut, as TCP would have it."""
        self.at(self.now + node.latency, self.arrive, node, what, arguments)

    def arrive(self, node, what, arguments):
        if node.cut:
            self.at(self.now + 0.1, self.arrive, node, what, arguments)
        else:
            what(node, *arguments)

    def ask(self, node, serial):
        self.carry(node, self.asked_at, serial)

    def asked_at(self, node, serial):
        node.answers = [answer for answer in node.answers if answer[0] > serial]
        node.asked = True
        self.tell(node)
        self.at(self.now + POLL_SECONDS, self.tell_anyway, node)

    def tell(self, node):
        if node.asked and (node.answers or node.changed):
            self.tell_anyway(node)

    def tell_anyway(self, node):
        if not node.asked:
            return
        node.asked = node.changed = False
        part = node.part(self.now)
        begun = (*node.running, *node.suspended)
        held = {"held": (*begun, *node.waiting), "begun": begun, "suspended": tuple(node.suspended)}
        status = Status("s", tuple(node.answers), ready=True, slots=part.cores, reason="so", due=part.due, **held)
        self.at(self.now + node.latency, self.arrive, node, self.told, (status,))

    def told(self, node, status):
        if node.name in self.dispatch.nodes:
            self.perform(self.dispatch.node_status(node.name, status, self.now))
            self.submit()
            self.ask(node, self.dispatch.nodes[node.name].serial)

    def news(self, node):
        node.changed = True
        self.tell(node)

    def take(self, node, tickets):
        node.waiting.extend(ticket for ticket in tickets if ticket not in node.known)
        node.known.update(tickets)
        self.begin(node)

    def forget(self, node, tickets):
        kept = [ticket for ticket in node.waiting if ticket not in tickets]
        node.known -= set(node.waiting) - set(kept)
        node.waiting = deque(kept)
        self.news(node)

    def begin(self, node):
        """Has what stands still go on, and then what waits begin, as far as there are slots."""
        room = node.part(self.now).cores - len(node.running)
        for ticket in list(node.suspended)[: max(0, room)]:
            self.go_on(node, ticket, node.suspended.pop(ticket))
        while node.waiting and len(node.running) + len(node.suspended) < node.part(self.now).cores:
            ticket = node.waiting.popleft()
            self.begun[ticket] += 1
            seconds = self.rows[ticket] * node.row_seconds * self.longer(ticket)
            node.worked[ticket] = seconds
            self.go_on(node, ticket, seconds)

    def go_on(self, node, ticket, seconds):
        node.running[ticket] = self.now + seconds
        self.at(self.now + seconds, self.end, node, ticket, self.now + seconds)

    def turn(self, node):
        """Another turn, and when it begins."""
        self.begin(node)
        self.at(self.now + GRACE_SECONDS, self.suspend, node)
        self.news(node)
        self.at(self.now + TURN_SECONDS - (self.now + node.phase) % TURN_SECONDS, self.turn, node)

    def suspend(self, node):
        """What began first goes on longest."""
        while len(node.running) > node.part(self.now).cores:
            ticket, end = node.running.popitem()
            node.suspended = {ticket: end - self.now, **node.suspended}
            node.changed = True
        self.tell(node)

    def end(self, node, ticket, end):
        if node.running.get(ticket) != end:  # it was suspended meanwhile
            return
        del node.running[ticket]
        node.serial += 1
        seconds = node.worked[ticket]
        node.busy_seconds += seconds
        node.answers.append((node.serial, Done(ticket, (Part(0, self.rows[ticket], 1.0),), seconds)))
        self.begin(node)
        self.tell(node)

    def cut(self, name, when, seconds):
        node = self.nodes[name]
        self.at(when, setattr, node, "cut", True)  # noqa: FBT003 - the value that is set
        self.at(when + seconds, setattr, node, "cut", False)  # noqa: FBT003 - likewise

    def lose(self, name, when):
        """Ends a node, and tells the driver."""
        self.at(when, self.lost, self.nodes[name])

    def lost(self, node):
        node.cut = True
        self.perform(self.dispatch.node_gone(node.name, "it left", self.now, died=False))

    def efficiency(self):
        """What was done, against all slots busy with it all the time."""
        speed = sum(node.slots / node.row_seconds for node in self.nodes.values())
        return sum(self.rows.values()) / speed / self.now

    def longest_silence(self):
        return max(after - before for before, after in itertools.pairwise([0.0, *self.times]))
