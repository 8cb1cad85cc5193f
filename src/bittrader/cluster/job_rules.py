"""Which detached studies to start, stop and be done with: a pure function."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bittrader.cluster.actions import FinishJob, Log, StartJob, StopJob
from bittrader.cluster.backoff import delay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.cluster.actions import Action
    from bittrader.cluster.seen import JobSeen

FINAL_CODES = frozenset({0, 1, 2})
"""Done, nothing finished, refused: to try again would end the same."""
PATIENCE_SECONDS = 10.0
"""How long a study may take to write down what it has, when it is to stop."""
HEALTHY_SECONDS = 60.0
"""After so long a run, earlier failures are forgotten."""


@dataclass(frozen=True)
class JobMemory:
    """What is remembered of a study. Times are monotonic seconds."""

    started: float | None = None
    """When its process was; None while there is none."""
    stopping: float | None = None
    """Since when that is to end."""
    failures: int = 0
    not_before: float = -math.inf


def decide(
    memory: Mapping[str, JobMemory], asked: frozenset[str], seen: Mapping[str, JobSeen], now: float, chance: float
) -> tuple[dict[str, JobMemory], list[Action]]:
    """What to remember of each study, and what to do. `asked` are those that are to run, `seen` their processes."""
    after: dict[str, JobMemory] = {}
    acts: list[Action] = []
    for name in sorted({*memory, *asked, *seen}):
        job = memory.get(name, JobMemory())
        process = seen.get(name)
        if process is not None and process.code is None:
            job, done = _running(name, job, now, wanted=name in asked)
        elif job.started is not None:
            job, done = _ended(name, job, process.code if process else None, now, chance, wanted=name in asked)
        elif name in asked and now >= job.not_before:
            job, done = replace(job, started=now, stopping=None), [Log(f"starts the study {name}"), StartJob(name)]
        else:
            done = []
        acts += done
        if name in asked or job.started is not None:
            after[name] = job
    return after, acts


def _running(name: str, job: JobMemory, now: float, *, wanted: bool) -> tuple[JobMemory, list[Action]]:
    job = job if job.started is not None else replace(job, started=now)
    if wanted and job.stopping is None:
        return job, []
    if job.stopping is None:
        return replace(job, stopping=now), [
            Log(f"stops the study {name}: it is not to run now"),
            StopJob(name, kill=False),
        ]
    return job, [StopJob(name, kill=True)] if now - job.stopping >= PATIENCE_SECONDS else []


def _ended(
    name: str, job: JobMemory, code: int | None, now: float, chance: float, *, wanted: bool
) -> tuple[JobMemory, list[Action]]:
    """A process that is over: it is the study's end, or the study is started again."""
    over = replace(job, started=None, stopping=None)
    if code in FINAL_CODES and job.stopping is None and code is not None:
        line = f"the study {name} is done" if code == 0 else f"the study {name} failed: see logs/study-{name}.log"
        return over, [Log(line, trouble=code != 0), FinishJob(name, code)]
    if not wanted or job.stopping is not None:
        return over, []
    assert job.started is not None
    failures = 1 if now - job.started >= HEALTHY_SECONDS else job.failures + 1
    wait = delay(failures, chance)
    what = "vanished" if code is None else f"ended with code {code}"
    line = f"the process of the study {name} {what}: it goes on in {wait:.0f} s"
    return replace(over, failures=failures, not_before=now + wait), [Log(line, trouble=True)]
