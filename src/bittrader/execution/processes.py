"""Batches on processes of this machine: for evaluations that may hang, crash, or hold the interpreter's lock.

A process that dies takes nothing with it: what it was evaluating runs again, alone, in a new one, and only what kills
that one too is a failure. With a limit of time or memory rows run one by one, and whatever exceeds it is killed with
its process. When slots are taken away, what still runs there after a moment is suspended until there is room again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bittrader.execution.base import Answer
from bittrader.execution.child import Child
from bittrader.execution.slots import SlotExecutor

if TYPE_CHECKING:
    from bittrader.execution.base import Rows
    from bittrader.execution.child import MakeEvaluate
    from bittrader.execution.slots import Runner

# Long enough for most batches to end by themselves, and short enough for whoever wants the computer back.
_GRACE_SECONDS = 0.5


class ProcessExecutor(SlotExecutor[Answer]):
    """Runs up to `slots` batches at once, each in a process of its own kept between batches.

    `make_evaluate` is pickled, and called once in each process. `time_limit`: seconds that one row may take, those not
    counted during which its process was suspended. `memory_limit`: megabytes that a process may take. `first`: rows
    that each new process evaluates for nothing, because the first evaluation compiles, which should not count.
    """

    def __init__(
        self,
        make_evaluate: MakeEvaluate[Answer],
        slots: int,
        time_limit: float | None = None,
        *,
        first: Rows | None = None,
        memory_limit: float | None = None,
    ) -> None:
        super().__init__(slots)
        self._first = first
        self._make_evaluate = make_evaluate
        self._time_limit = time_limit
        self._memory_limit = memory_limit
        self._balancing = threading.Lock()

    def _runner(self) -> Runner[Answer]:
        return Child(self._make_evaluate, self._first, self._time_limit, self._memory_limit)

    @property
    def suspended(self) -> list[int]:
        with self._changed:
            running = self._running
            return [running[id(child)] for child in self._children() if child.suspended and id(child) in running]

    def _standing(self) -> int:
        """How many processes are suspended."""
        return sum(child.suspended for child in self._children())

    def _children(self) -> list[Child[Answer]]:
        with self._changed:
            return [one for one in self._runners.values() if isinstance(one, Child)]

    def _balance(self) -> None:
        """Resumes what there is room for at once, and suspends what there is none for after a moment of grace."""
        self._suspend_later()
        self._resume_room()

    def _suspend_later(self) -> None:
        if self._surplus() > self._standing():
            timer = threading.Timer(_GRACE_SECONDS, self._suspend_surplus)
            timer.daemon = True
            timer.start()

    def _surplus(self) -> int:
        return max(0, sum(child.busy for child in self._children()) - self.slots)

    def _suspend_surplus(self) -> None:
        with self._balancing:
            for child in reversed(self._children()):  # the longest-running are nearest to their end
                if self._surplus() > self._standing() and child.busy:
                    child.suspend()
        self._resume_room()
        self._suspend_later()  # what was just starting its process could not be suspended yet

    def _resume_room(self) -> None:
        with self._balancing:
            for child in self._children():
                if self._standing() > self._surplus():
                    child.resume()
