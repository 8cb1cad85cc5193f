"""Who may knock at the meeting point, and how often. It decides; it has no clock and no socket of its own.

Whoever shows a node's secret is never slowed by what others do: only failures are counted, and the connections of
addresses where a node was met lately are counted apart from everyone else's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

_T = TypeVar("_T")

MOST_STRANGERS = 32
"""Connections at a time from addresses where no node was met lately, together."""
MOST_EACH = 8
"""Connections at a time from one address."""
FAILURES = 10
"""Failures of one address within `WINDOW` seconds; after that it is not heard until the window is over."""
WINDOW = 60.0
_NODE_SECONDS = 3600.0
_MOST_REMEMBERED = 1024


@dataclass
class _Failures:
    since: float
    count: int = 0


class Doorkeeper:
    """Counts connections and failures by address. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside: dict[str, int] = {}
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._met: OrderedDict[str, float] = OrderedDict()

    def enter(self, address: str, now: float) -> bool:
        """Whether a connection from this address is taken; when it is, `leave` must follow."""
        with self._lock:
            known = self._is_known(address, now)
            here = self._inside.get(address, 0)
            strangers = sum(count for other, count in self._inside.items() if not self._is_known(other, now))
            if here >= MOST_EACH or (not known and strangers >= MOST_STRANGERS):
                return False
            self._inside[address] = here + 1
            return True

    def leave(self, address: str) -> None:
        """A connection from this address has ended."""
        with self._lock:
            self._inside[address] -= 1
            if not self._inside[address]:
                del self._inside[address]

    def met(self, address: str, now: float) -> None:
        """A node showed its secret from this address."""
        with self._lock:
            _remember(self._met, address, now)

    def is_heard(self, address: str, now: float) -> bool:
        """Whether somebody at this address who cannot show a node's secret is listened to at all."""
        with self._lock:
            failures = self._failures.get(address)
            return failures is None or now - failures.since >= WINDOW or failures.count < FAILURES

    def failed(self, address: str, now: float) -> bool:
        """Counts a failure; returns whether it is worth a line in the log: a window's first, and the last one heard."""
        with self._lock:
            failures = self._failures.get(address)
            if failures is None or now - failures.since >= WINDOW:
                failures = _Failures(now)
            failures.count += 1
            _remember(self._failures, address, failures)
            return failures.count in (1, FAILURES)

    def _is_known(self, address: str, now: float) -> bool:
        return address in self._met and now - self._met[address] < _NODE_SECONDS


def _remember(memory: OrderedDict[str, _T], address: str, fact: _T) -> None:
    memory[address] = fact
    memory.move_to_end(address)
    while len(memory) > _MOST_REMEMBERED:
        memory.popitem(last=False)
