"""Which detached studies to start, stop and be done with: a pure function."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bittrader.cluster.actions import FinishJob, Log, StartJob, StopJob
from bittrader.cluster.backoff import delay
from bittrader.cluster.seen import JobSeen
from bittrader.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.cluster.actions import Action

FINAL_CODES = frozenset({ExitCode.DONE, ExitCode.NOTHING, ExitCode.REFUSED})
"""To try again would end the same. A full disk, a crash and a study that another process has are tried again."""
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
    trouble: str = ""
    """Why it has to be started again, while it waits for that."""


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
            job, done = _ended(name, job, process or JobSeen(), now, chance, wanted=name in asked)
        elif name in asked and now >= job.not_before:
            job = replace(job, started=now, stopping=None, trouble="")
            done = [Log(f"starts the study {name}"), StartJob(name)]
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
    name: str, job: JobMemory, process: JobSeen, now: float, chance: float, *, wanted: bool
) -> tuple[JobMemory, list[Action]]:
    """A process that is over: it is the study's end, or the study is started again."""
    over, code = replace(job, started=None, stopping=None), process.code
    if code is not None and code in FINAL_CODES and job.stopping is None:
        line = f"the study {name} is done" if code == 0 else f"the study {name} failed: see logs/study-{name}.log"
        return over, [Log(line, trouble=code != 0), FinishJob(name, code)]
    if not wanted or job.stopping is not None:
        return over, []
    assert job.started is not None
    failures = 1 if now - job.started >= HEALTHY_SECONDS else job.failures + 1
    wait = delay(failures, chance)
    why = _why(name, process)
    line = f"the study {name} goes on in {wait:.0f} s: {why}"
    return replace(over, failures=failures, not_before=now + wait, trouble=why), [Log(line, trouble=True)]


def _why(name: str, process: JobSeen) -> str:
    """Why a study has to be started again."""
    code = process.code
    if code is None:
        return "its process vanished"
    if code in (ExitCode.SYSTEM, ExitCode.BUSY) and process.said:
        return process.said
    if code == ExitCode.DEFECT:
        return f"a defect of ours ended it, please report logs/study-{name}.log"
    return f"its process was killed by signal {-code}" if code < 0 else f"its process ended with code {code}"
