"""This computer as a place to run work: the same wherever that computer is, alone or a node among many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.execution.processes import ProcessExecutor
from bittrader.execution.threads import ThreadExecutor

if TYPE_CHECKING:
    from bittrader.execution.base import Answer, Executor
    from bittrader.execution.slots import SlotExecutor
    from bittrader.execution.work import Work


@dataclass(frozen=True)
class Here:
    """Up to `cores` batches at once on this computer."""

    cores: int

    def executor(self, work: Work[Answer]) -> Executor[Answer]:
        return run_here(work, self.cores)


def run_here(work: Work[Answer], slots: int) -> SlotExecutor[Answer]:
    """An executor for the work, warm: threads where they serve, else processes."""
    if work.apart or work.time_limit is not None or work.memory_limit is not None:
        limits = {"time_limit": work.time_limit, "memory_limit": work.memory_limit}
        return ProcessExecutor(work.sent, slots, first=work.first, **limits)
    evaluate = work.make()
    if work.first is not None:
        evaluate(work.first)
    return ThreadExecutor(evaluate, slots)
