"""Detached studies run while they are asked for, and until they end by themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.actions import FinishJob, Log, StartJob, StopJob
from bittrader.cluster.backoff import delay
from bittrader.cluster.job_rules import FINAL_CODES, PATIENCE_SECONDS, decide
from bittrader.cluster.seen import JobSeen
from bittrader.errors import ExitCode


class Runner:
    """Processes as they would be."""

    def __init__(self) -> None:
        self.memory, self.seen, self.now = {}, {}, 0.0
        self.asked: set[str] = {"study"}
        self.starts: list[float] = []
        self.finished: list[int] = []
        self.stops: list[bool] = []
        self.log: list[str] = []

    def tick(self, seconds: float = 0.5) -> None:
        self.memory, acts = decide(self.memory, frozenset(self.asked), self.seen, self.now, 0.5)
        for act in acts:
            match act:
                case StartJob(name):
                    assert self.seen.get(name, JobSeen(1)).code is not None, "twice at a time"
                    self.seen[name] = JobSeen()
                    self.starts.append(self.now)
                case Log(line):
                    self.log.append(line)
                case StopJob(name, kill):
                    self.stops.append(kill)
                case FinishJob(name, code):
                    self.asked.discard(name)
                    del self.seen[name]
                    self.finished.append(code)
        self.now += seconds

    def end(self, code: int, said: str = "") -> None:
        self.seen["study"] = JobSeen(code, said)


@given(code=st.sampled_from(sorted(FINAL_CODES)))
def test_a_study_that_ends_by_itself_is_noted_and_not_run_again(code: int) -> None:
    runner = Runner()
    runner.tick()
    runner.end(code)
    for _ in range(200):
        runner.tick()
    assert (runner.finished, len(runner.starts), runner.asked) == ([code], 1, set())
    assert runner.memory == {}


@given(codes=st.lists(st.integers(-31, 255).filter(lambda code: code not in FINAL_CODES), min_size=1, max_size=12))
def test_a_study_that_is_killed_goes_on_ever_later(codes: list[int]) -> None:
    runner = Runner()
    for failures, code in enumerate(codes, start=1):
        while len(runner.starts) < failures:
            runner.tick()
        ended = runner.now
        runner.end(code)
        while len(runner.starts) <= failures:
            runner.tick()
        assert delay(failures, 0) <= runner.starts[-1] - ended <= delay(failures, 1) + 1
    assert not runner.finished


def test_a_users_own_mistake_is_final_and_a_full_disk_a_defect_or_a_crash_is_not() -> None:
    assert {ExitCode.DONE, ExitCode.NOTHING, ExitCode.REFUSED} == FINAL_CODES
    for code, said, why in (
        (ExitCode.SYSTEM, "the study one.sqlite: the disk is full. Free some space, and resume.", "the disk is full"),
        (ExitCode.BUSY, "the study one is running in another process.", "running in another process"),
        (ExitCode.DEFECT, "Please report it.", "a defect of ours ended it, please report logs/study-study.log"),
        (-9, "", "its process was killed by signal 9"),
        (3, "", "its process ended with code 3"),
    ):
        runner = Runner()
        runner.tick()
        runner.end(code, said)
        runner.tick()
        assert not runner.finished
        assert why in runner.memory["study"].trouble
        assert runner.memory["study"].trouble in runner.log[-1]
        runner.tick(60)
        runner.tick()
        assert len(runner.starts) == 2
        assert not runner.memory["study"].trouble, "it runs again"


def test_a_study_that_is_not_to_run_any_more_is_asked_to_end_and_then_made_to() -> None:
    runner = Runner()
    runner.tick()
    runner.asked.clear()
    runner.tick()
    assert runner.stops == [False]
    for _ in range(int(PATIENCE_SECONDS * 2)):
        runner.tick()
    assert True in runner.stops
    runner.end(-9)
    runner.tick()
    runner.tick()
    assert runner.memory == {}
    assert not runner.finished


def test_a_study_that_is_stopped_and_asked_for_again_starts_once_the_old_process_is_gone() -> None:
    runner = Runner()
    runner.tick()
    runner.asked.clear()
    runner.tick()
    runner.asked.add("study")
    runner.tick()
    assert len(runner.starts) == 1
    runner.end(130)
    for _ in range(3):
        runner.tick()
    assert len(runner.starts) == 2
