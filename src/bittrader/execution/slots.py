"""An executor made of threads, each of which owns whatever it takes to run a batch."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Protocol

from bittrader.errors import BittraderError, cause_of
from bittrader.execution.base import Answer, Done, Executor, ExecutorError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bittrader.execution.base import Part, Rows


class Runner(Protocol[Answer]):
    """What one slot runs batches with, one at a time."""

    def run(self, rows: Rows) -> tuple[Part[Answer], ...]:
        """What became of the rows; raises only when no batch could ever run."""

    @property
    def held_seconds(self) -> float:
        """For how many seconds of its last run it was suspended."""

    def close(self) -> None:
        """Frees what it holds; called from another thread, it also ends a running batch at once."""


class SlotExecutor(Executor[Answer]):
    """Runs each batch on one of `slots` threads, whose number may change at any moment."""

    def __init__(self, slots: int) -> None:
        self._changed = threading.Condition()
        self._slots = slots
        self._queue: deque[tuple[int, Rows]] = deque()
        self._done: list[Done[Answer]] = []
        self._runners: dict[int, Runner[Answer]] = {}
        self._threads = 0
        self._running: dict[int, int] = {}  # which runner has which ticket
        self._tickets = 0
        self._closed = False
        self._broken: BaseException | None = None

    @abstractmethod
    def _runner(self) -> Runner[Answer]:
        """A new runner for one slot; costs little until it runs."""

    def _balance(self) -> None:
        """Called when slots or running batches have changed, for executors that can do something about too many."""

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def queued(self) -> list[int]:
        """Tickets of the batches that no slot has taken yet."""
        with self._changed:
            return [ticket for ticket, _ in self._queue]

    @property
    def suspended(self) -> list[int]:
        """Tickets of the batches that stand still for want of slots; the first is the first to go on."""
        return []

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._queue) + len(self._running) + len(self._done)

    def resize(self, slots: int) -> None:
        with self._changed:
            self._slots = slots
            self._fill()
            self._changed.notify_all()
        self._balance()

    def submit(self, rows: Rows) -> int:
        with self._changed:
            self._tickets += 1
            self._queue.append((self._tickets, rows))
            self._fill()
            self._changed.notify_all()
            return self._tickets

    def wait(self, timeout: float | None = None) -> list[Done[Answer]]:
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._broken or not self._awaited(), timeout)
            if self._broken is not None:
                raise self._reason(self._broken) from self._broken
            done, self._done = self._done, []
            return done

    def cancel(self) -> None:
        with self._changed:
            self._queue.clear()
            self._changed.notify_all()

    def withdraw(self, tickets: Collection[int]) -> list[int]:
        """Forgets those of these batches that no slot has taken yet, and returns which."""
        with self._changed:
            forgotten = [ticket for ticket, _ in self._queue if ticket in tickets]
            self._queue = deque(one for one in self._queue if one[0] not in forgotten)
            self._changed.notify_all()
            return forgotten

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._queue.clear()
            runners = list(self._runners.values())
            self._changed.notify_all()
        for runner in runners:
            runner.close()
        with self._changed:  # a batch of compiled code ends within milliseconds; a thread that hangs is left behind
            self._changed.wait_for(lambda: not self._runners, timeout=1.0)

    def _awaited(self) -> bool:
        return bool(self._queue or self._running)

    def _reason(self, error: BaseException) -> BittraderError:
        return error if isinstance(error, BittraderError) else ExecutorError(f"nothing can run: {cause_of(error)}")

    def _fill(self) -> None:
        """Starts the threads that are missing, but no more than there is work for."""
        wanted = min(self._slots, len(self._queue) + len(self._running))
        while self._threads < wanted and not self._closed:
            self._threads += 1
            # A daemon, because a user's strategy that never returns must not keep the program from ending.
            threading.Thread(target=self._serve, name=f"bittrader-slot-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        """Runs batches until there are more threads than slots, or everything ends."""
        runner = self._runner()
        with self._changed:
            self._runners[id(runner)] = runner
        try:
            while (job := self._next(runner)) is not None:
                self._run(runner, *job)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, for whom the batch stays pending
            with self._changed:
                self._broken = self._broken or error
        finally:
            runner.close()
            with self._changed:
                del self._runners[id(runner)]
                self._changed.notify_all()

    def _next(self, runner: Runner[Answer]) -> tuple[int, Rows] | None:
        """The next batch for this thread, when there is one; None when the thread is one too many."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed or self._threads > self._slots)
            if self._closed or self._threads > self._slots:
                self._threads -= 1
                self._changed.notify_all()
                return None
            job = self._queue.popleft()
            self._running[id(runner)] = job[0]
            return job

    def _run(self, runner: Runner[Answer], ticket: int, rows: Rows) -> None:
        start = time.perf_counter()
        parts = runner.run(rows)
        done = Done(ticket, parts, time.perf_counter() - start - runner.held_seconds)
        # One batch less runs, and there is an answer: in one step, or `wait` could miss it.
        with self._changed:
            del self._running[id(runner)]
            if not self._closed:
                self._done.append(done)
            self._changed.notify_all()
        self._balance()
