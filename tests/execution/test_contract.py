"""The contract of every executor: one module, run against each."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from tests.execution import evaluations
from tests.execution.evaluations import Making

from bittrader.execution.base import Failure
from bittrader.execution.processes import ProcessExecutor
from bittrader.execution.threads import ThreadExecutor

EXECUTORS = {
    "threads": lambda make, slots: ThreadExecutor(make(), slots),
    "processes": ProcessExecutor,
}


@pytest.fixture(params=[*EXECUTORS, "cluster"])
def executor_of(request):
    opened = []
    new = request.getfixturevalue("cluster_executor") if request.param == "cluster" else EXECUTORS[request.param]

    def make(function, *arguments, slots=2):
        opened.append(new(Making(function, *arguments), slots))
        return opened[-1]

    yield make
    for executor in opened:
        executor.close()


def collect(executor, timeout=30.0):
    """Everything that is still to come, by ticket."""
    answers, deadline = {}, time.monotonic() + timeout
    while executor.pending and time.monotonic() < deadline:
        for done in executor.wait(timeout=1.0):
            assert done.ticket not in answers, "answered twice"
            answers[done.ticket] = done
    return answers


def rows_of(value, count=3):
    return np.full((count, 2), float(value))


def outcome(done):
    (part,) = done.parts
    return part.outcome


def test_every_batch_is_answered_exactly_once(executor_of):
    executor = executor_of(evaluations.double)
    sent = {executor.submit(rows_of(value, count=1 + value % 4)): value for value in range(25)}
    answers = collect(executor)
    assert answers.keys() == sent.keys()
    for ticket, value in sent.items():
        assert (outcome(answers[ticket]) == 2 * value).all()
    assert executor.pending == 0


def test_parts_cover_the_rows_of_their_batch(executor_of):
    executor = executor_of(evaluations.double)
    executor.submit(rows_of(1, count=5))
    (done,) = collect(executor).values()
    assert [index for part in done.parts for index in range(part.start, part.stop)] == list(range(5))
    assert done.seconds >= 0


def test_an_exception_is_the_failure_of_its_batch_alone(executor_of):
    executor = executor_of(evaluations.fail_on_negative)
    good, bad, after = (executor.submit(rows_of(value)) for value in (1, -1, 2))
    answers = collect(executor)
    assert outcome(answers[bad]) == Failure("ValueError: a value is negative")
    assert (outcome(answers[good]) == 2).all()
    assert (outcome(answers[after]) == 4).all()


def test_wait_returns_at_once_when_nothing_is_pending(executor_of):
    assert executor_of(evaluations.double).wait() == []


def test_wait_returns_empty_after_its_timeout(executor_of):
    executor = executor_of(evaluations.slowly, 0.5, slots=1)
    executor.submit(rows_of(1))
    assert executor.wait(timeout=0.01) == []
    assert executor.pending == 1


def test_no_more_batches_run_at_once_than_there_are_slots(executor_of, tmp_path):
    executor = executor_of(evaluations.mark_running, str(tmp_path), 0.05, slots=2)
    for value in range(8):
        executor.submit(rows_of(value, count=1))
    assert max(outcome(done)[0] for done in collect(executor).values()) <= 2


def test_slots_that_are_taken_away_are_not_used_again(executor_of, tmp_path):
    executor = executor_of(evaluations.mark_running, str(tmp_path), 0.05, slots=3)
    for value in range(6):
        executor.submit(rows_of(value, count=1))
    first = executor.wait()
    executor.resize(1)
    before = collect(executor)
    assert len(first) + len(before) == 6
    for value in range(6):
        executor.submit(rows_of(value, count=1))
    assert {outcome(done)[0] for done in collect(executor).values()} == {1}
    assert executor.slots == 1


def test_without_slots_nothing_begins_until_there_are_some(executor_of):
    executor = executor_of(evaluations.double, slots=0)
    executor.submit(rows_of(1))
    assert executor.wait(timeout=0.05) == []
    executor.resize(2)
    assert len(collect(executor)) == 1


def test_slots_may_be_given_from_another_thread_while_waiting(executor_of):
    executor = executor_of(evaluations.double, slots=0)
    executor.submit(rows_of(1))
    timer = threading.Timer(0.05, executor.resize, [1])
    timer.start()
    assert len(executor.wait(timeout=30)) == 1
    timer.join()


def test_cancel_forgets_what_has_not_begun_and_answers_the_rest(executor_of, tmp_path):
    executor = executor_of(evaluations.mark_running, str(tmp_path), 0.3, slots=1)
    running = executor.submit(rows_of(0))
    while not list(tmp_path.glob("running-*")):
        time.sleep(0.01)
    for value in range(1, 4):
        executor.submit(rows_of(value))
    executor.cancel()
    assert list(collect(executor)) == [running]


def test_close_ends_everything_at_once(executor_of):
    executor = executor_of(evaluations.slowly, 0.2)
    for value in range(50):
        executor.submit(rows_of(value))
    executor.wait(timeout=0.01)
    executor.close()
    executor.close()
    assert executor.wait(timeout=1.0) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bittrader-slot")]


@pytest.mark.parametrize(
    ("function", "cause"),
    [(evaluations.leave, "SystemExit: 3"), (evaluations.end_unusually, "Unusual: so"), (evaluations.mumble, "Mute")],
)
def test_leaving_and_exceptions_without_words_are_failures_too(executor_of, function, cause):
    executor = executor_of(function)
    executor.submit(rows_of(1))
    (done,) = collect(executor).values()
    assert outcome(done) == Failure(cause)
