"""The contract of an executor: somewhere to run batches, whose room may grow and shrink while it works."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bittrader.errors import BittraderError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bittrader.execution.work import Work

Rows = NDArray[np.float64]
"""Parameter sets, one a row; see `bittrader.strategies.parameters`."""

Answer = TypeVar("Answer")

Evaluate = Callable[[Rows], Answer]
"""What an executor runs: a batch in, one answer about all its rows out. Pure, and safe to run twice."""


class ExecutorError(BittraderError):
    """Nothing can be evaluated here at all."""


@dataclass(frozen=True)
class Failure:
    """Why rows have no answer, in one line."""

    cause: str


@dataclass(frozen=True)
class Part(Generic[Answer]):
    """What became of the rows from `start` up to, not including, `stop` of a batch."""

    start: int
    stop: int
    outcome: Answer | Failure


@dataclass(frozen=True)
class Done(Generic[Answer]):
    """What became of one batch: parts that cover its rows exactly, in order."""

    ticket: int
    parts: tuple[Part[Answer], ...]
    seconds: float
    """From the moment it got a slot until it was answered, but for those in which it was suspended."""
    node: str = ""
    """The computer that evaluated it; empty for this one."""


@dataclass(frozen=True)
class Rhythm:
    """How work is best handed to an executor."""

    batch_seconds: float = 0.05
    """About how long a batch takes: far more than it costs to hand over and to write, and short enough to watch."""
    least_seconds: float = 0.005
    """What it takes at least, also where there is little left to share out."""
    ahead: int = 2
    """Batches on their way for each slot: some that run, and some that wait for these to end."""


@dataclass(frozen=True)
class Far:
    """How far a search is."""

    done: int
    """Sets that have their end, those of earlier sessions too."""
    total: int
    part: str = ""
    """Which part of the whole this is about, as in `fold 2 of 5`; empty for the whole."""


class Executor(ABC, Generic[Answer]):
    """Somewhere to run batches.

    Each batch that was submitted, and not cancelled, is answered exactly once, in any order. What goes wrong with a row
    (an exception, a time limit, a dead process) is a `Failure` in the answer; only when nothing can run at all does
    `wait` raise ExecutorError. One thread submits and waits; `resize` may be called from another.
    """

    rhythm: ClassVar[Rhythm] = Rhythm()

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many batches may run at once, now."""

    @property
    def waits_for(self) -> str:
        """What nothing can run without, in words, as in `a computer: all have left`; empty when something can."""
        return ""

    @property
    @abstractmethod
    def pending(self) -> int:
        """How many batches are submitted and not yet handed out by `wait`."""

    def note(self, far: Far) -> None:
        """Is told how far the search is, for whoever looks on from elsewhere."""

    @abstractmethod
    def resize(self, slots: int) -> None:
        """Changes the room from now on. Running batches end in peace; with 0 slots, nothing new begins."""

    @abstractmethod
    def submit(self, rows: Rows) -> int:
        """Queues a batch, and returns the ticket that its answer will bear."""

    @abstractmethod
    def wait(self, timeout: float | None = None) -> list[Done[Answer]]:
        """The batches answered since the last call; empty when `timeout` seconds passed, or nothing is pending."""

    @abstractmethod
    def cancel(self) -> None:
        """Forgets the batches that have not begun; the running ones are still answered."""

    @abstractmethod
    def close(self) -> None:
        """Ends everything at once; batches not yet handed out are lost. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Place(Protocol):
    """Where a search can run: this computer, or many."""

    @property
    def cores(self) -> int:
        """How many batches may run at once there, now."""

    def executor(self, work: Work[Answer]) -> Executor[Answer]:
        """Somewhere to run the work's batches."""
