"""Slow sources are asked when they are due, and their answers grow old."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from bittrader.host.watch import Source, Watch, is_return, said_by, until_back


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def test_a_source_is_asked_again_when_its_answer_is_as_old_as_it_may_be():
    asked, clock = [], Clock()
    watch = Watch([Source(lambda: asked.append(clock.now), 5.0, None)], clock)
    for clock.now in range(12):
        watch.turn()
    assert asked == [0, 5, 10]


def test_a_source_may_say_how_soon_to_ask_again():
    answers, clock = iter([1.0, 3.0, 1.0, 1.0]), Clock()
    source = Source(lambda: next(answers), lambda answer: answer, 0.0)
    watch, pauses = Watch([source], clock), []
    for clock.now in (0, 1, 4):
        pauses.append(watch.turn())
    assert pauses == [1, 3, 1]


def test_an_answer_that_is_far_too_old_is_unknown():
    source = Source(lambda: 7, 5.0, None)
    assert source.answer(0.0) is None
    source.refresh(0.0)
    assert source.answer(35.0) == 7
    assert source.answer(35.1) is None


def test_a_return_of_the_owner_is_looked_for_often_and_a_present_one_is_left_in_peace():
    assert until_back(600.0) < 0.5
    assert until_back(0.0) == until_back(None) == 3.0


@pytest.mark.parametrize(
    ("before", "now", "returned"),
    [(60.0, 0.2, True), (60.0, 60.4, False), (5.0, 0.2, False), (None, 0.2, False), (600.0, None, False)],
)
def test_an_owner_has_returned_who_was_away_and_has_touched_something(before, now, returned):
    assert is_return(before, now) is returned


def test_news_ends_a_wait_once_and_no_other_answer_does():
    answers, clock = iter([1, 2, 2]), Clock()
    watch = Watch([Source(lambda: next(answers), 1.0, 1, lambda before, now: now > before)], clock)
    watch.turn()
    assert _seconds_of(watch, 0.05) >= 0.05
    clock.now = 1
    watch.turn()
    assert _seconds_of(watch, 30.0) < 30.0
    assert _seconds_of(watch, 0.05) >= 0.05
    clock.now = 2
    watch.turn()
    assert _seconds_of(watch, 0.05) >= 0.05


def test_news_that_comes_in_the_middle_of_a_wait_ends_it():
    asked = iter(range(10**6))
    watch = Watch([Source(lambda: next(asked), 0.01, 0, lambda _, now: now == 20)])
    watch.start()
    assert _seconds_of(watch, 30.0) < 30.0
    watch.close()


def _seconds_of(watch, seconds):
    began = time.monotonic()
    watch.wait(seconds)
    return time.monotonic() - began


def test_the_thread_asks_until_it_is_closed():
    again = threading.Semaphore(0)
    watch = Watch([Source(again.release, 0.001, None)])
    watch.start()
    for _ in range(3):
        assert again.acquire(timeout=30)
    thread = watch._thread
    watch.close()
    assert not thread.is_alive()


def test_the_thread_asks_again_when_it_is_started_after_it_was_closed():
    again = threading.Semaphore(0)
    watch = Watch([Source(again.release, 0.001, None)])
    watch.start()
    watch.close()
    while again.acquire(blocking=False):
        pass
    watch.start()
    for _ in range(3):
        assert again.acquire(timeout=30)
    watch.close()


def test_a_defect_of_a_source_is_raised_where_its_answer_is_wanted():
    failed = threading.Event()

    def fail_the_second_time():
        if failed.is_set():
            raise ZeroDivisionError
        failed.set()

    watch = Watch([Source(fail_the_second_time, 0.001, None)])
    watch.start()
    watch._thread.join(timeout=30)
    with pytest.raises(ZeroDivisionError):
        watch.start()


@pytest.mark.parametrize("program", ["import sys; sys.exit(3)", "import time; time.sleep(60)"], ids=["fails", "hangs"])
def test_a_program_that_fails_or_hangs_says_nothing(program, monkeypatch):
    monkeypatch.setattr("bittrader.host.watch._PATIENCE_SECONDS", 0.5)
    assert said_by(sys.executable, "-c", program) is None


def test_a_program_that_is_not_there_says_nothing():
    assert said_by("no-such-program") is None


def test_what_a_program_prints_is_what_it_says():
    assert said_by(sys.executable, "-c", "print('hello')") == "hello\n"
