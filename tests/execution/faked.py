"""A link to nodes in this process: real NodeWork behind it, and whatever may happen to messages between."""

from __future__ import annotations

import pickle
import queue
import threading

from bittrader.execution.link import Ask, Begin, Connected, Disconnected, End, Gone, Joined, Submit, Told
from bittrader.execution.node import NodeWork


class FakeLink:
    """`nodes`: how many slots each has, by name. `refuse`: why there is no bridge, if there is none."""

    def __init__(self, store, nodes, allowances=None):
        self.store, self.slots, self.allowances = store, dict(nodes), allowances or {}
        self.works, self.cut, self.closed, self.sent = {}, set(), False, []
        self.begin = None
        self.inbox = queue.SimpleQueue()
        self.connect()

    def connect(self):
        """A new bridge, which finds every node without a search."""
        self.inbox.put(Connected())
        for name in self.slots:
            self.join(name)

    def join(self, name, slots=None):
        self.slots[name] = slots or self.slots[name]
        self.works[name] = NodeWork(self.store, self.allowances.get(name), self.slots[name])
        if self.begin is not None:
            self.works[name].begin(self.begin.session, self.begin.data, self.opened(self.begin))
        self.inbox.put(Joined(name, name))
        self.poll(name, self.works[name], 0, 0.0)

    def lose(self, name, *, died=False):
        """The node's process is killed."""
        self.works.pop(name).close()
        self.inbox.put(Gone(name, "killed", died))

    def disconnect(self, why="the head: gone"):
        """The bridge is killed, and what it did on nodes with it."""
        self.begin = None
        for work in self.works.values():
            work.close()
        self.works.clear()
        self.inbox.put(Disconnected(why))

    def opened(self, begin):
        return {one.fingerprint: pickle.loads(one.data, buffers=one.buffers) for one in begin.parcels}

    def poll(self, name, work, acknowledged, seconds=0.2):
        def tell():
            status = work.poll(acknowledged, seconds)
            while name in self.cut and not self.closed:
                threading.Event().wait(0.02)
            if self.works.get(name) is work:
                self.inbox.put(Told(name, pickle.dumps(status)))

        threading.Thread(target=tell, daemon=True).start()

    def send(self, message):
        self.sent.append(message)
        if isinstance(message, Begin):
            self.begin = message
            for work in self.works.values():
                work.begin(message.session, message.data, self.opened(message))
        elif isinstance(message, End):
            self.begin = None
            for work in self.works.values():
                work.end(message.session)
        elif (work := self.works.get(message.node)) is not None and message.node not in self.cut:
            self.forward(work, message)

    def forward(self, work, message):
        if isinstance(message, Ask):
            self.poll(message.node, work, message.acknowledged)
        elif isinstance(message, Submit):
            work.submit(message.session, pickle.loads(message.data))
        else:
            work.cancel(message.session, message.tickets)

    def receive(self, timeout):
        try:
            arrived = [self.inbox.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self.inbox.empty():
            arrived.append(self.inbox.get())
        return arrived

    def close(self):
        self.closed = True
        for work in self.works.values():
            work.close()
