"""Slow sources, asked in a thread of their own, so that whoever wants their answers never waits."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Answer = TypeVar("Answer")

_STALE_SECONDS = 30.0
_PATIENCE_SECONDS = 2.0
_LONG_SECONDS = 60.0
"""Whoever touched nothing for so long may have left."""


class Source(Generic[Answer]):
    """A question that is asked again and again, and what was answered last."""

    def __init__(
        self,
        ask: Callable[[], Answer],
        period: float | Callable[[Answer], float],
        unknown: Answer,
        is_news: Callable[[Answer, Answer], bool] = lambda *_: False,
    ) -> None:
        """`period` is how many seconds an answer is good for; it may depend on the answer.

        `is_news` says whether an answer, after the one before it, is worth a turn at once.
        """
        self._ask = ask
        self._period = period
        self._unknown = unknown
        self._is_news = is_news
        self._last = unknown
        self.due = -float("inf")

    def refresh(self, now: float) -> bool:
        """Asks, and takes note of when to ask again; whether there is news."""
        before, self._last = self._last, self._ask()
        self.due = now + (self._period(self._last) if callable(self._period) else self._period)
        return self._is_news(before, self._last)

    def answer(self, now: float) -> Answer:
        """What was answered last, if that is not long ago."""
        return self._last if now <= self.due + _STALE_SECONDS else self._unknown


class Refreshed(Protocol):
    """A source, whatever it answers."""

    due: float

    def refresh(self, now: float) -> bool:
        """Asks, and takes note of when to ask again; whether there is news."""


class Watch:
    """A thread that asks sources when they are due. A defect in one of them is raised where its answer is wanted."""

    def __init__(self, sources: Sequence[Refreshed], clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._clock = clock
        self._closed = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._defect: BaseException | None = None

    def start(self) -> None:
        """Asks the sources that are due, and goes on in the thread; once that runs, only looks whether all is well."""
        if self._defect is not None:
            raise self._defect
        if self._thread is None:
            self._closed.clear()
            self.turn()
            self._thread = threading.Thread(target=self._run, name="readings", daemon=True)
            self._thread.start()

    def turn(self) -> float:
        """Asks the sources that are due; how many seconds until the next one is."""
        for source in self._sources:
            if source.due <= self._clock() and source.refresh(self._clock()):
                self._news.set()
        return min((source.due for source in self._sources), default=float("inf")) - self._clock()

    def wait(self, seconds: float) -> None:
        """Returns after so long, or as soon as there is news that no earlier wait returned for."""
        if self._news.wait(max(seconds, 0.0)):
            self._news.clear()

    def close(self) -> None:
        """Ends the thread, once it has the answer that it waits for, until the next start."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        pause = 0.0
        try:
            while not self._closed.wait(min(max(pause, 0.0), _STALE_SECONDS)):
                pause = self.turn()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks next
            self._defect = error


def said_by(*command: str) -> str | None:
    """What a program prints; None if there is no such program, it fails, or takes longer than two seconds."""
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, capture_output=True, text=True, errors="replace", check=True,
            timeout=_PATIENCE_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def is_return(before: float | None, now: float | None) -> bool:
    """Whether the owner, who was away by their idle seconds, has touched something since."""
    return before is not None and now is not None and now < before and before >= _LONG_SECONDS


def until_back(idle_seconds: float | None) -> float:
    """How soon to ask again whether the owner is there: often, while a return would be news; else the owner needs
    every core, and nothing changes for minutes.
    """
    return 0.4 if idle_seconds is not None and idle_seconds >= _LONG_SECONDS else 3.0
