"""The search itself: ask a generation, write it, have it evaluated, write what came of it, tell the sampler."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bittrader.optimize.goals import violations
from bittrader.optimize.outcomes import judged, unknown
from bittrader.optimize.samplers.base import defaults_first
from bittrader.optimize.samplers.grid import allowed_count
from bittrader.optimize.studies import found
from bittrader.optimize.studies.history import generations, last_generation

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.execution.base import Done, Executor
    from bittrader.optimize.outcomes import Outcome
    from bittrader.optimize.samplers.base import Sampler
    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Rows

_BATCH_ROWS = 512
_LOOK_AROUND = 0.1


@dataclass(frozen=True)
class Progress:
    """How far a search is, now."""

    trials: int
    """The budget."""
    finished: int
    failed: int
    evaluated: int
    """Evaluations of this session."""
    seconds: float
    """Time of this session."""
    best: float | None
    """The first objective's best value so far among the sets that keep every condition."""
    stopping: bool = False
    """Whether only what runs already is waited for."""
    waits_for: str = ""
    """What it cannot go on without, in words; empty when it goes on."""
    fold: int = 0
    """Which fold of a validation is searched; 0: all bars."""
    folds: int = 0
    """How many there are."""
    failure: str = ""
    """Why one of those that failed did, while none has finished."""


class Search:
    """One session of a study's fold: everything is in the study, so it may end at any moment."""

    def __init__(self, study: Study, sampler: Sampler, executor: Executor[Any], fold: int = 0) -> None:
        self._study = study
        self._fold = fold
        self._sampler = sampler
        self._executor = executor
        self._experiment = study.experiment
        self._objective = study.experiment.objectives[0]
        self._waiting: deque[tuple[int, NDArray[np.float64]]] = deque()
        self._running: dict[int, list[int]] = {}
        self._generation: int | None = None
        self._exhausted = False
        self._repeats = 0
        """Repeated sets that may still wait for their end."""
        self._repeated = 0
        self._row_seconds: float | None = None
        self._began = time.monotonic()
        self._evaluated = 0
        self._failure = ""

    def run(self, progress: Callable[[Progress], None], stopped: Callable[[], bool]) -> bool:
        """Searches until the budget is spent or `stopped` says so; what runs by then is still written.

        Returns whether the search is complete.
        """
        self._take_up()
        progress(self.progress())
        while not stopped():
            self._refill(stopped)
            self._dispatch()
            if not self._running:
                break
            self._write(self._executor.wait(_LOOK_AROUND))
            progress(self.progress())
        self._executor.cancel()
        progress(replace(self.progress(), stopping=True))
        while self._executor.pending:
            self._write(self._executor.wait(_LOOK_AROUND))
        self._settle()
        progress(self.progress())
        return not self._waiting and (self._exhausted or self._asked >= self._study.budget)

    def progress(self) -> Progress:
        """How far it is."""
        seconds = time.monotonic() - self._began
        counted = (self._study.budget, self._finished, self._failed, self._evaluated)
        failure = "" if self._finished else self._failure
        return Progress(*counted, seconds, self._best, waits_for=self._executor.waits_for, failure=failure)

    def _take_up(self) -> None:
        """Goes on where the study is: tells the sampler its history, and queues what was asked and not answered."""
        counts = self._study.counts(self._fold)
        self._asked, self._finished, self._failed = counts.asked, counts.finished, counts.failed
        best = found.best(self._study, 1, self._fold)
        self._best = best[0].metrics[self._objective.metric] if best and best[0].feasible else None
        self._repeats = self._repeated = counts.repeated
        self._settle()
        self._waiting.extend(zip(*self._study.unanswered(self._fold), strict=True))
        self._next = self._study.next_generation(self._fold)
        if self._sampler.learns:
            self._tell_history()

    def _tell_history(self) -> None:
        for number, came_to in enumerate(generations(self._study, self._fold)):
            if number == self._next - 1 and self._waiting:
                self._generation = number
            else:
                self._sampler.tell(*came_to)

    def _refill(self, stopped: Callable[[], bool]) -> None:
        """Asks for the next generation, when the sampler can say one now and there is need of it.

        Where nearly all sets were tried, generation after generation may hold nothing new: `stopped` ends that early.
        """
        while not self._enough() and not stopped():
            if self._generation is not None:
                self._settle()
                self._sampler.tell(*last_generation(self._study, self._generation, self._fold))
                self._generation = None
            count = min(self._experiment.generation, self._study.budget - self._asked)
            self._exhausted |= self._used_up()
            if count <= 0 or self._exhausted:
                return
            asked = self._sampler.ask(self._asked, count)
            self._exhausted = len(asked) < count
            first = self._asked == 0 and not self._sampler.exact
            self._write_down(defaults_first(self._experiment.space, asked) if first else asked)

    def _used_up(self) -> bool:
        """Whether every set there is was asked, which shows when sets come again."""
        every = allowed_count(self._experiment.space) if self._repeated else None
        return every is not None and self._asked - self._repeated >= every

    def _enough(self) -> bool:
        if self._sampler.learns:
            return bool(self._waiting or self._running)
        rhythm = self._executor.rhythm
        return len(self._waiting) >= rhythm.ahead * max(1, self._executor.slots) * self._rows_in(rhythm.batch_seconds)

    def _write_down(self, rows: Rows) -> None:
        if len(rows) == 0:
            return
        first, fresh = self._study.ask(self._next, rows, self._fold)
        self._waiting.extend((first + index, rows[index]) for index in fresh)
        self._repeats += len(rows) - len(fresh)
        self._repeated += len(rows) - len(fresh)
        self._asked += len(rows)
        self._generation = self._next if self._sampler.learns else None
        self._next += 1

    def _dispatch(self) -> None:
        slots, rhythm = max(1, self._executor.slots), self._executor.rhythm
        most, least = self._rows_in(rhythm.batch_seconds), self._rows_in(rhythm.least_seconds)
        while self._waiting and len(self._running) < rhythm.ahead * slots:
            share = -(-len(self._waiting) // slots)  # at a generation's end, something for each
            count = min(len(self._waiting), most, max(share, least))
            batch = [self._waiting.popleft() for _ in range(count)]
            ticket = self._executor.submit(np.array([row for _, row in batch]))
            self._running[ticket] = [number for number, _ in batch]

    def _rows_in(self, seconds: float) -> int:
        """How many rows take about so long, at least one."""
        if self._row_seconds is None:
            return 1 if self._experiment.limited or not self._experiment.series else 4
        return int(min(_BATCH_ROWS, max(1, seconds / max(self._row_seconds, 1e-9))))

    def _write(self, answers: list[Done[Outcome]]) -> None:
        """Writes the batches that came back together, in one transaction."""
        if not answers:
            return
        self._discover(answers)
        numbers, nodes, pieces, causes = list[int](), list[str](), list[NDArray[np.float64]](), dict[int, str]()
        for done in answers:
            metrics, failed = judged(done.parts, self._study.experiment.metrics, self._experiment.objectives)
            causes.update({len(numbers) + index: cause for index, cause in failed.items()})
            numbers.extend(self._running.pop(done.ticket))
            nodes.extend([done.node] * len(metrics))
            pieces.append(metrics)
        seconds = sum(done.seconds for done in answers)
        self._study.answer(numbers, np.concatenate(pieces), causes, seconds, nodes, self._executor.slots)
        self._row_seconds = seconds / len(numbers)
        self._count(np.concatenate(pieces), causes)

    def _discover(self, answers: list[Done[Outcome]]) -> None:
        parts = [part for done in answers for part in done.parts]
        if fresh := unknown(parts, self._study.experiment.metrics):
            self._study.discover(fresh)

    def _count(self, metrics: NDArray[np.float64], causes: dict[int, str]) -> None:
        self._evaluated += len(metrics)
        self._failed += len(causes)
        self._failure = causes[max(causes)] if causes else self._failure
        self._finished += len(metrics) - len(causes)
        self._better(np.delete(metrics, list(causes), axis=0))

    def _better(self, metrics: NDArray[np.float64]) -> None:
        names = self._study.experiment.metrics
        kept = violations(self._experiment.where, names, metrics) == 0.0
        values = metrics[kept, names.index(self._objective.metric)].tolist()
        best = max if self._objective.direction == "maximize" else min
        self._best = best([*values, *([] if self._best is None else [self._best])], default=None)

    def _settle(self) -> None:
        """Answers the sets that were asked before."""
        if self._repeats > 0:
            ends = self._study.settle(self._fold)
            self._finished += ends.get("finished", 0)
            self._failed += ends.get("failed", 0)
            self._repeats -= sum(ends.values())
