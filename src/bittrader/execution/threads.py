"""Batches on threads of this process: for compiled strategies, which run without the interpreter's lock.

Candles and indicator caches are shared, nothing has to start, and the number of busy threads may change at any moment.
A thread cannot be killed, so there is no time limit here: `processes` has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from bittrader.errors import cause_of, is_interrupt
from bittrader.execution.base import Answer, Failure, Part
from bittrader.execution.slots import SlotExecutor

if TYPE_CHECKING:
    from bittrader.execution.base import Evaluate, Rows
    from bittrader.execution.slots import Runner


class ThreadExecutor(SlotExecutor[Answer]):
    """Runs `evaluate`, which all threads share, on up to `slots` batches at once."""

    def __init__(self, evaluate: Evaluate[Answer], slots: int) -> None:
        super().__init__(slots)
        self._evaluate = evaluate

    def _runner(self) -> Runner[Answer]:
        return _Call(self._evaluate)


class _Call(Generic[Answer]):
    """Runs a batch by a plain call."""

    held_seconds = 0.0  # a thread cannot be suspended

    def __init__(self, evaluate: Evaluate[Answer]) -> None:
        self._evaluate = evaluate

    def run(self, rows: Rows) -> tuple[Part[Answer], ...]:
        return (Part(0, len(rows), outcome_of(self._evaluate, rows)),)

    def close(self) -> None:
        """Nothing: a call ends by itself."""


def outcome_of(evaluate: Evaluate[Answer], rows: Rows) -> Answer | Failure:
    """The answer, or the failure that an exception stands for."""
    try:
        return evaluate(rows)
    except BaseException as error:
        if is_interrupt(error):
            raise
        return Failure(cause_of(error))
