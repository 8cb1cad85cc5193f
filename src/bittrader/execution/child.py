"""One process at a time that evaluates for this one: started, watched, suspended, killed when it exceeds a limit."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic

import psutil

from bittrader.errors import cause_of
from bittrader.execution.base import Answer, ExecutorError, Failure, Part
from bittrader.execution.threads import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from bittrader.execution.base import Evaluate, Rows

    MakeEvaluate = Callable[[], Evaluate[Answer]]

# Compiling takes seconds, on slow machines tens of them; what takes longer than this is no compiler.
_FIRST_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_MEGABYTE = 1e6
_SPAWN = multiprocessing.get_context("spawn")  # a fork copies locks that other threads hold


class _Died(Exception):  # noqa: N818 - an event that is answered, never an error that travels
    """The process ended while we waited for its answer; says how."""


class _Exceeded(Exception):  # noqa: N818 - likewise
    """A limit was passed; says which."""


class _Stopwatch:
    """Seconds that have passed while it was not held."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._held_at: float | None = None
        self.held_seconds = 0.0
        """For how long it was held, all times that are over."""

    def hold(self) -> None:
        """Stops counting."""
        self._held_at = time.monotonic()

    def go_on(self) -> None:
        """Counts again."""
        if self._held_at is not None:
            self.held_seconds += time.monotonic() - self._held_at
            self._held_at = None

    def seconds(self) -> float:
        """What it shows."""
        return (time.monotonic() if self._held_at is None else self._held_at) - self._began - self.held_seconds


class Child(Generic[Answer]):
    """One process at a time, started when first needed and replaced when it dies."""

    def __init__(
        self,
        make_evaluate: MakeEvaluate[Answer],
        first: Rows | None,
        time_limit: float | None,
        memory_limit: float | None,
    ) -> None:
        self._make_evaluate = make_evaluate
        self._first = first
        self._time_limit = time_limit
        self._memory_limit = memory_limit
        self.busy = False
        self.suspended = False
        self._watch, self._run_watch = _Stopwatch(), _Stopwatch()
        self._process: Any = None
        self._pipe: Connection[Any, Any] | None = None
        self._closed = False

    @property
    def held_seconds(self) -> float:
        return self._run_watch.held_seconds

    def run(self, rows: Rows) -> tuple[Part[Answer], ...]:
        self._run_watch = _Stopwatch()
        self.busy = True
        try:
            return self._run(rows)
        finally:
            self.busy = False
            self.resume()  # it may have been suspended in the moment of its answer

    def suspend(self) -> None:
        """Stops the process where it is, for now."""
        process = self._process
        if process is not None and not self.suspended:
            self._watch.hold()
            self._run_watch.hold()
            with contextlib.suppress(psutil.Error):
                psutil.Process(process.pid).suspend()
                self.suspended = True

    def resume(self) -> None:
        """Lets the process go on."""
        process = self._process
        if self.suspended:
            self.suspended = False
            if process is not None:
                with contextlib.suppress(psutil.Error):
                    psutil.Process(process.pid).resume()
            self._watch.go_on()
            self._run_watch.go_on()

    def _run(self, rows: Rows) -> tuple[Part[Answer], ...]:
        if self._time_limit is None and self._memory_limit is None:
            with contextlib.suppress(_Died):
                return (Part(0, len(rows), self._ask(rows)),)
        return tuple(Part(i, i + 1, self._alone(rows[i : i + 1])) for i in range(len(rows)))

    def _alone(self, row: Rows) -> Answer | Failure:
        """What became of one row, after a second try when its process died."""
        cause = ""
        for _ in range(2):
            try:
                return self._ask(row)
            except _Exceeded as limit:
                return Failure(str(limit))
            except _Died as death:
                cause = str(death)
        return Failure(cause)

    def _ask(self, rows: Rows) -> Answer | Failure:
        if self._process is None and not self._closed:
            self._start()
            self._warm_up()
        if self._closed:
            return Failure("closed")
        pipe = self._pipe
        assert pipe is not None
        self._send(pipe, rows)
        self._watch = _Stopwatch()
        outcome: Answer | Failure = self._receive(pipe, self._exceeded)
        return outcome

    def _exceeded(self) -> str | None:
        """Which limit the evaluation has passed."""
        if self._time_limit is not None and self._watch.seconds() >= self._time_limit:
            return f"time limit of {self._time_limit:g} s"
        if self._memory_limit is not None and self._megabytes() > self._memory_limit:
            return f"memory limit of {self._memory_limit:g} MB"
        return None

    def _megabytes(self) -> float:
        try:
            return float(psutil.Process(self._process.pid).memory_info().rss) / _MEGABYTE
        except psutil.Error:  # it has just ended
            return 0.0

    def _send(self, pipe: Connection[Any, Any], message: object) -> None:
        try:
            pipe.send(message)
        except OSError:  # a dead process: what is received next says how it died
            return
        except Exception as error:
            raise ExecutorError(f"a process for evaluations cannot start: {cause_of(error)}.") from error

    def _receive(self, pipe: Connection[Any, Any], exceeded: Callable[[], str | None]) -> Any:
        """The next message of the process; ends the process when it exceeds a limit first."""
        while not wait([pipe], self._look_again()):
            if (limit := exceeded()) is not None:
                self._stop(grace=0.0)
                raise _Exceeded(limit)
        try:
            return pipe.recv()
        except (EOFError, OSError):
            # A closed pipe comes a moment before the end itself, which says why.
            raise _Died(self._stop(grace=1.0)) from None

    def _look_again(self) -> float:
        """Seconds to wait before limits are looked at again: at once when the time's is due."""
        left = _LOOK_SECONDS if self._time_limit is None else self._time_limit - self._watch.seconds()
        return min(_LOOK_SECONDS, max(left, 0.0)) if not self.suspended else _LOOK_SECONDS

    def _start(self) -> None:
        """Starts a process, another when the first one dies; ExecutorError when none can even begin."""
        complaint: str | None = None
        for _ in range(2):
            try:
                complaint = self._begin()
                break
            except _Died as death:
                complaint = f"its {death} before the first evaluation"
        if complaint is not None and not self._closed:
            raise ExecutorError(f"a process for evaluations cannot start: {complaint}.")

    def _begin(self) -> str | None:
        """A new process that is ready: None, or what kept it from being so."""
        _block_interrupts()
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if self._closed:
            self._process.kill()
        # Not as an argument: Python would wait forever for a process that died before it read a large one.
        self._send(self._pipe, self._make_evaluate)
        complaint: str | None = self._receive(self._pipe, _nothing)
        return complaint

    def _warm_up(self) -> None:
        """Evaluates the first rows. What ends or outlives that gets a new process without: each row is then judged."""
        if self._first is None or self._closed:
            return
        assert self._pipe is not None
        self._send(self._pipe, self._first)
        watch = self._watch = _Stopwatch()
        try:
            self._receive(self._pipe, lambda: "too long" if watch.seconds() > _FIRST_SECONDS else None)
        except (_Died, _Exceeded):
            self._first = None
            if not self._closed:
                self._start()

    def _stop(self, grace: float) -> str:
        """Kills the process, and says how it ended if it did so by itself within `grace` seconds."""
        process, self._process = self._process, None
        process.join(grace)
        code = process.exitcode
        process.kill()
        process.join()
        # Another thread that starts a process reaps the dead of all, and may know this one's exit code just before us.
        while process.exitcode is None:
            time.sleep(0.001)
        process.close()
        assert self._pipe is not None
        self._pipe.close()
        return _ending(code)

    def close(self) -> None:
        self._closed = True
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError, AttributeError):  # it ended by itself meanwhile
                process.kill()


def _nothing() -> None:
    """No limit is passed."""


def _ending(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "process ended its connection"
    if code >= 0:
        return f"process ended with exit code {code}"
    try:
        return f"process killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"process killed by signal {-code}"


def _block_interrupts() -> None:
    """Keeps Ctrl-C, which reaches every process of a terminal, from a child from its first instruction on.

    A child inherits what the thread that starts it blocks. The tracker, which unblocks as it starts, must run before.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker  # noqa: PLC0415 - there is none on Windows

        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(pipe: Connection[Any, Any]) -> None:
    """The life of a process: says that it is ready (None) or why not, then answers batches until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _print_no_answer()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        make_evaluate: MakeEvaluate[Any] = pipe.recv()
        evaluate = make_evaluate()
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        pipe.send(cause_of(error))
        return
    pipe.send(None)
    while True:
        try:
            rows = pipe.recv()
        except EOFError:
            return
        _reply(pipe, outcome_of(evaluate, rows))


def _print_no_answer() -> None:
    """Sends what an evaluation prints, compiled code too, to standard error: it is no answer of the program's."""
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # as after `2>&-`
        os.dup2(2, 1)


def _reply(pipe: Connection[Any, Any], outcome: object) -> None:
    try:
        pipe.send(outcome)
    except Exception as error:  # noqa: BLE001 - pickling runs the answer's own code
        pipe.send(Failure(f"its answer cannot be sent: {cause_of(error)}"))


def _end_with_parent() -> None:
    """Ends this process when the parent is gone, even from within an evaluation that never returns."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
