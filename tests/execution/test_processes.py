from __future__ import annotations

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
from tests.execution import evaluations
from tests.execution.evaluations import Making
from tests.execution.test_contract import collect, rows_of

from bittrader.execution import child
from bittrader.execution.base import ExecutorError, Failure
from bittrader.execution.processes import ProcessExecutor


def outcomes(done):
    return [part.outcome for part in done.parts]


def run(make, rows, time_limit=None):
    with ProcessExecutor(make, 1, time_limit) as executor:
        executor.submit(rows)
        (done,) = collect(executor).values()
    return outcomes(done)


def test_an_evaluation_over_its_time_limit_fails_and_the_rest_of_its_batch_runs():
    good, hung, after = run(Making(evaluations.hang_on_negative), np.array([[1.0], [-1.0], [2.0]]), time_limit=0.5)
    assert (good[0, 0], after[0, 0]) == (2, 4)
    assert hung == Failure("time limit of 0.5 s")


def test_an_evaluation_that_kills_its_process_twice_fails_alone():
    good, deadly, after = run(Making(evaluations.die_on_negative), np.array([[1.0], [-1.0], [2.0]]))
    assert (good[0, 0], after[0, 0]) == (2, 4)
    assert deadly == Failure("process killed by SIGKILL")


def test_a_process_that_exits_by_itself_is_named_with_its_code():
    assert run(Making(evaluations.exit_with_3), rows_of(1, count=1)) == [Failure("process ended with exit code 3")]


@pytest.mark.parametrize("time_limit", [None, 20.0])
def test_a_process_killed_once_loses_nothing(tmp_path, time_limit):
    answers = run(Making(evaluations.die_once, str(tmp_path / "died")), np.array([[1.0], [2.0]]), time_limit)
    assert np.concatenate(answers).ravel().tolist() == [2, 4]


def test_kill_9_from_outside_loses_nothing():
    with ProcessExecutor(Making(evaluations.slowly, 0.1), 2) as executor:
        tickets = {executor.submit(rows_of(value)) for value in range(8)}
        answers = {done.ticket: done for done in executor.wait()}
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)
        answers |= collect(executor)
    assert answers.keys() == tickets
    assert not [part for done in answers.values() for part in done.parts if isinstance(part.outcome, Failure)]


def test_close_kills_an_evaluation_that_hangs():
    executor = ProcessExecutor(Making(evaluations.hang_on_negative), 1)
    executor.submit(rows_of(-1))
    executor.wait(timeout=0.5)
    executor.close()
    assert multiprocessing.active_children() == []


def test_an_answer_that_cannot_be_pickled_is_a_failure_with_words():
    (answer,) = run(Making(evaluations.unsendable), rows_of(1))
    assert answer.cause.startswith("its answer cannot be sent")


def test_a_factory_that_raises_ends_the_search_and_says_why():
    with pytest.raises(ExecutorError, match="cannot start: RuntimeError: no candles"):
        run(evaluations.broken_factory, rows_of(1))


def test_a_factory_that_dies_ends_the_search_and_says_how():
    with pytest.raises(ExecutorError, match="process ended with exit code 7 before the first evaluation"):
        run(evaluations.dying_factory, rows_of(1))


def test_a_factory_that_cannot_be_pickled_ends_the_search():
    with pytest.raises(ExecutorError, match="cannot start"):
        run(lambda: None, rows_of(1))


def test_first_rows_that_never_return_do_not_keep_the_others_from_running(monkeypatch):
    monkeypatch.setattr(child, "_FIRST_SECONDS", 1.0)
    with ProcessExecutor(Making(evaluations.hang_on_negative), 1, 5.0, first=rows_of(-1)) as executor:
        executor.submit(rows_of(2, count=1))
        (done,) = collect(executor).values()
    assert outcomes(done)[0][0, 0] == 4


def test_first_rows_that_end_their_process_do_not_keep_the_others_from_running():
    with ProcessExecutor(Making(evaluations.die_on_negative), 1, 20.0, first=rows_of(-1)) as executor:
        executor.submit(rows_of(2, count=1))
        (done,) = collect(executor).values()
    assert outcomes(done)[0][0, 0] == 4


def test_a_process_killed_while_it_starts_is_started_again(tmp_path):
    (answer,) = run(evaluations.MakingAtTheSecondTry(str(tmp_path / "died")), rows_of(2, count=1))
    assert answer[0, 0] == 4


def test_what_broke_before_anyone_waited_is_still_said():
    with ProcessExecutor(lambda: None, 1) as executor:
        executor.submit(rows_of(1))
        while executor._broken is None:
            time.sleep(0.01)
        assert executor.pending
        with pytest.raises(ExecutorError, match="cannot start"):
            executor.wait()


def spinning(folder):
    """How many processes that spin have got further within a moment."""

    def places():
        return {file.name: file.read_text() for file in folder.glob("spins-*")}

    before = places()
    time.sleep(0.4)
    after = places()
    return sum(after[name] != before.get(name) for name in after)


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@pytest.fixture
def two_spinning(tmp_path):
    with ProcessExecutor(Making(evaluations.spin, str(tmp_path)), 2, time_limit=300.0) as executor:
        for value in (1, 2):
            executor.submit(rows_of(value, count=1))
        until(lambda: spinning(tmp_path) == 2)
        yield executor


def enough(folder):
    (folder / "enough").touch()


def test_what_runs_without_a_slot_is_suspended_and_goes_on_when_there_is_one(two_spinning, tmp_path):
    two_spinning.resize(1)
    until(lambda: spinning(tmp_path) == 1)
    assert len(two_spinning.suspended) == 1
    two_spinning.resize(0)
    until(lambda: spinning(tmp_path) == 0)
    two_spinning.resize(2)
    until(lambda: spinning(tmp_path) == 2)
    enough(tmp_path)
    assert sorted(outcomes(done)[0][0, 0] for done in collect(two_spinning).values()) == [2, 4]


def test_a_suspended_process_goes_on_when_the_one_that_had_the_slot_is_done(two_spinning, tmp_path):
    two_spinning.resize(1)
    until(lambda: len(two_spinning.suspended) == 1)
    enough(tmp_path)
    assert len(collect(two_spinning)) == 2


def test_time_that_a_process_was_suspended_does_not_count_for_its_limit(two_spinning, tmp_path):
    two_spinning.resize(0)
    until(lambda: len(two_spinning.suspended) == 2)
    before = [child._watch.seconds() for child in two_spinning._children()]
    time.sleep(0.3)
    assert [child._watch.seconds() for child in two_spinning._children()] == before
    two_spinning.resize(2)
    assert [child._watch.seconds() for child in two_spinning._children()] > before
    enough(tmp_path)
    assert len(collect(two_spinning)) == 2


def test_time_that_a_process_was_suspended_is_none_that_its_batch_took(tmp_path):
    began = time.monotonic()
    with ProcessExecutor(Making(evaluations.spin, str(tmp_path)), 1) as executor:
        executor.submit(rows_of(1))
        until(lambda: spinning(tmp_path) == 1)
        executor.resize(0)
        until(lambda: executor.suspended)
        held = time.monotonic()
        time.sleep(0.5)
        over = time.monotonic()
        executor.resize(1)
        enough(tmp_path)
        (done,) = collect(executor).values()
    assert 0 < done.seconds <= time.monotonic() - began - (over - held)


def test_a_suspended_process_ends_with_its_executor(two_spinning):
    two_spinning.resize(0)
    until(lambda: len(two_spinning.suspended) == 2)
    two_spinning.close()
    until(lambda: not multiprocessing.active_children())


def test_an_evaluation_over_its_memory_limit_fails_and_the_rest_of_its_batch_runs():
    making = Making(evaluations.grow_on_negative, 400)
    with ProcessExecutor(making, 1, memory_limit=300) as executor:
        executor.submit(np.array([[1.0], [-1.0], [2.0]]))
        (done,) = collect(executor).values()
    good, large, after = outcomes(done)
    assert (good[0, 0], after[0, 0]) == (2, 4)
    assert large == Failure("memory limit of 300 MB")
