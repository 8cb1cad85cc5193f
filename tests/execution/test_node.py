"""One node's work for one driver, whatever messages are lost or come twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.execution import evaluations
from tests.execution.evaluations import Making
from tests.execution.test_processes import enough, spinning, until

from bittrader.execution import processes, sharing
from bittrader.execution.allowance import Allowed, Follow, write_allowed
from bittrader.execution.assignment import Assignment
from bittrader.execution.base import Failure
from bittrader.execution.code_store import digest_of
from bittrader.execution.node import NodeWork
from bittrader.execution.synced import write_synced
from bittrader.execution.work import Code, packed
from bittrader.strategies.registry import run_file


class Sent:
    """What a search would send: a plain function, on any computer the same."""

    code = None

    def __init__(self, making, difference=None):
        self.making, self.difference = making, difference

    def make_at(self, reference):
        assert reference is None
        return self.making

    def differs(self, _reference):
        return self.difference


def assignment(function, *arguments, difference=None, apart=False):
    return packed(Assignment(Sent(Making(function, *arguments), difference), None, None, None, apart), [])


@pytest.fixture
def allowance(tmp_path):
    path = tmp_path / "allowance.json"
    write_allowed(path, Allowed(2, "as the test says"))
    return path


@pytest.fixture
def node(tmp_path, allowance):
    made = NodeWork(tmp_path / "code", allowance, 8)
    yield made
    made.close()


def rows(value):
    return np.full((3, 2), float(value))


class Driver:
    """Polls a node, and keeps what it said."""

    def __init__(self, node):
        self.node, self.acknowledged, self.answers, self.status = node, 0, {}, None

    def poll(self, seconds=0.05):
        self.status = self.node.poll(self.acknowledged, seconds)
        for serial, done in self.status.answers:
            self.answers.setdefault(done.ticket, done)
            self.acknowledged = max(self.acknowledged, serial)
        return self

    def until(self, holds, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not holds(self):
            assert time.monotonic() < deadline, f"it never came to that: {self.status}"
            self.poll()
        return self


def outcome(done):
    (part,) = done.parts
    return part.outcome


@pytest.fixture
def driver(node):
    return Driver(node)


def test_batches_are_answered_under_the_drivers_tickets(node, driver):
    node.begin("a", assignment(evaluations.double), {})
    node.submit("a", [(ticket, rows(ticket)) for ticket in (7, 3, 12)])
    driver.until(lambda it: it.answers.keys() == {7, 3, 12})
    assert all((outcome(done) == 2 * ticket).all() for ticket, done in driver.answers.items())
    assert driver.status.held == ()


def test_an_answer_is_told_until_it_is_acknowledged(node, driver):
    node.begin("a", assignment(evaluations.double), {})
    node.submit("a", [(1, rows(1))])
    driver.until(lambda it: it.answers)
    again = node.poll(0, 0.0)
    assert [done.ticket for _, done in again.answers] == [1]
    (serial, _), *_ = again.answers
    assert node.poll(serial, 0.0).answers == ()


def test_a_batch_that_comes_twice_is_run_once(node, driver, tmp_path):
    node.begin("a", assignment(evaluations.mark_running, str(tmp_path), 0.1), {})
    node.submit("a", [(1, rows(1))])
    node.submit("a", [(1, rows(1))])
    driver.until(lambda it: it.answers)
    node.submit("a", [(1, rows(1))])
    time.sleep(0.3)
    assert node.poll(driver.acknowledged, 0.0).answers == ()


def test_what_was_submitted_before_the_executor_was_ready_runs_when_it_is(node, driver):
    node.begin("a", assignment(evaluations.double, apart=True), {})
    node.submit("a", [(1, rows(1))])
    assert driver.until(lambda it: it.answers).status.ready


def test_a_node_whose_numbers_would_be_others_says_what_differs(node, driver):
    node.begin("a", assignment(evaluations.double, difference="its numba is 0.1"), {})
    node.submit("a", [(1, rows(1))])
    assert driver.until(lambda it: it.status and it.status.refused).status.refused == "its numba is 0.1"
    assert driver.answers == {}


def test_a_node_that_cannot_make_the_function_says_why(node, driver):
    node.begin("a", packed(Assignment(Sent(evaluations.broken_factory), None, None, None, apart=True), []), {})
    node.submit("a", [(1, rows(1))])
    assert "no candles" in driver.until(lambda it: it.status and it.status.refused).status.refused


def test_what_cannot_be_unpacked_is_why_the_node_is_refused(node, driver):
    node.begin("a", b"no pickle", {})
    assert "UnpicklingError" in driver.until(lambda it: it.status and it.status.refused).status.refused


def test_no_more_batches_run_than_the_owner_allows(node, driver, tmp_path):
    node.begin("a", assignment(evaluations.mark_running, str(tmp_path), 0.05), {})
    node.submit("a", [(ticket, rows(ticket)) for ticket in range(8)])
    driver.until(lambda it: len(it.answers) == 8)
    assert max(outcome(done)[0] for done in driver.answers.values()) <= 2
    assert driver.status.reason == "as the test says"


def test_the_owner_takes_all_cores_and_gives_them_back(node, driver, allowance, tmp_path):
    node.begin("a", assignment(evaluations.spin, str(tmp_path), apart=True), {})
    node.submit("a", [(ticket, rows(ticket)) for ticket in range(3)])
    until(lambda: spinning(tmp_path) == 2)
    write_allowed(allowance, Allowed(0, "you said so"))
    until(lambda: spinning(tmp_path) == 0)
    status = driver.poll().status
    assert (status.slots, status.due, status.reason) == (0, 0, "you said so")
    assert sorted(status.held) == [0, 1, 2]
    assert sorted(status.suspended) == sorted(status.begun) == [0, 1]
    assert status.waits_for_turn == ()
    write_allowed(allowance, Allowed(2, "you are away"))
    until(lambda: spinning(tmp_path) == 2)
    enough(tmp_path)
    driver.until(lambda it: len(it.answers) == 3)


def test_two_searches_with_long_evaluations_take_turns_on_one_core(tmp_path, allowance, monkeypatch):
    monkeypatch.setattr(sharing, "TURN_SECONDS", 0.5)
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.05)
    write_allowed(allowance, Allowed(1, "you are there"))
    nodes = [NodeWork(tmp_path / "code", allowance, 8) for _ in range(2)]
    drivers, held, reasons = [Driver(node) for node in nodes], set(), set()
    try:
        for value, node in enumerate(nodes):  # each evaluation outlasts many turns
            node.begin("a", assignment(evaluations.count_up, str(tmp_path), 60, apart=True), {})
            node.submit("a", [(value, rows(value))])
        until(lambda: len(list(tmp_path.glob("steps-*"))) == 2)
        assert not any(driver.poll().answers for driver in drivers), "one began before the other had ended"
        while not all(driver.answers for driver in drivers):
            held |= {value for value, driver in enumerate(drivers) if driver.poll().status.waits_for_turn}
            reasons |= {driver.status.reason for driver in drivers}
        assert held == {0, 1}, "each stood still while it was the other's turn"
        assert "you are there; 2 searches take turns" in reasons
        assert all((outcome(driver.answers[value]) == 2 * value).all() for value, driver in enumerate(drivers))
    finally:
        for node in nodes:
            node.close()


def test_what_has_not_begun_is_given_back_when_it_is_asked_for_also_out_of_the_executors_queue(node, driver, tmp_path):
    node.begin("a", assignment(evaluations.spin, str(tmp_path), apart=True), {})
    node.submit("a", [(ticket, rows(ticket)) for ticket in range(2)])
    until(lambda: spinning(tmp_path) == 2)
    executor = node._session._executor
    node._session._tickets[executor.submit(rows(7))] = 7  # as if its slot had gone while it was handed over
    node.submit("a", [(8, rows(8))])
    assert driver.poll().status.begun == (0, 1)
    node.cancel("a", [0, 7, 8])
    assert driver.poll(seconds=30.0).status.held == (0, 1)
    enough(tmp_path)
    driver.until(lambda it: it.answers.keys() == {0, 1})


def test_a_change_of_the_allowance_is_told_at_once(node, driver, allowance):
    node.begin("a", assignment(evaluations.double), {})
    driver.until(lambda it: it.status and it.status.ready)
    timer = threading.Timer(0.1, write_allowed, [allowance, Allowed(1, "you are back")])
    timer.start()
    assert driver.poll(seconds=30.0).status.slots == 1
    timer.join()


def test_two_searches_use_together_what_the_owner_allows(node, driver, allowance, tmp_path):
    other = NodeWork(tmp_path / "code", allowance, 8)
    theirs = Driver(other)
    try:
        node.begin("one", assignment(evaluations.double), {})
        until(lambda: driver.poll().status.slots == 2)
        other.begin("two", assignment(evaluations.double), {})
        assert theirs.poll().status.slots == 1, "from its first word on"
        until(lambda: driver.poll().status.slots == 1)
        other.end("two")
        until(lambda: driver.poll().status.slots == 2)
    finally:
        other.close()


def test_what_no_slot_has_taken_can_be_cancelled(node, driver, allowance):
    write_allowed(allowance, Allowed(0, "none"))
    node.begin("a", assignment(evaluations.double), {})
    driver.until(lambda it: it.status and it.status.ready)
    node.submit("a", [(1, rows(1)), (2, rows(2))])
    node.cancel("a", [1])
    write_allowed(allowance, Allowed(1, "one"))
    driver.until(lambda it: it.answers)
    assert driver.answers.keys() == {2}


def test_another_search_takes_the_place_of_the_one_before(node, driver):
    node.begin("a", assignment(evaluations.double), {})
    driver.until(lambda it: it.status and it.status.ready)
    node.begin("b", assignment(evaluations.fail_on_negative), {})
    node.submit("a", [(1, rows(1))])
    node.submit("b", [(2, rows(-2))])
    driver.until(lambda it: it.answers)
    assert driver.answers.keys() == {2}
    assert outcome(driver.answers[2]) == Failure("ValueError: a value is negative")


def test_a_search_that_ended_leaves_no_process_and_no_thread(node, driver, tmp_path):
    node.begin("a", assignment(evaluations.spin, str(tmp_path), apart=True), {})
    node.submit("a", [(1, rows(1))])
    until(lambda: spinning(tmp_path) == 1)
    node.end("a")
    until(lambda: spinning(tmp_path) == 0)
    assert driver.poll().status.session == ""
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("bittrader-slot")])


class Found(Sent):
    """A function in the user's own file, loaded as a study's evaluator is."""

    def __init__(self, text):
        super().__init__(None)
        files = {"mine.py": text}
        self.code = Code("mine.py:mine", files, digest_of(files))

    def make_at(self, reference):
        return Loaded(reference)


class Loaded:
    def __init__(self, reference):
        self.reference = reference

    def __call__(self):
        return vars(run_file(Path(self.reference.rpartition(":")[0])))["mine"]


def code_of(value):
    """A function that says which version of it ran; by a negative row it is killed with its process."""
    return f"""
import os, pathlib
here = "synced" if "synced" in __file__ else "store"
def mine(rows):
    if rows[0, 0] < 0:
        os._exit(3)
    return ({value}, here)
""".encode()


@pytest.fixture
def synced_node(tmp_path, allowance):
    """A node whose owner has a copy of the code of their own, which says 1."""
    (tmp_path / "synced").mkdir()
    (tmp_path / "synced" / "mine.py").write_bytes(code_of(1))
    write_synced(tmp_path / "code.json", tmp_path / "synced")
    made = NodeWork(tmp_path / "code", allowance, 8, tmp_path / "code.json")
    yield made
    made.close()


def searching(text, *, apart):
    return packed(Assignment(Found(text), None, None, None, apart), [])


@pytest.mark.parametrize("apart", [False, True], ids=["threads", "processes"])
def test_a_node_whose_own_copy_is_older_evaluates_the_studys_code(synced_node, apart):
    driver = Driver(synced_node)
    synced_node.begin("a", searching(code_of(2), apart=apart), {})
    synced_node.submit("a", [(1, rows(1))])
    driver.until(lambda it: it.answers)
    assert outcome(driver.answers[1]) == (2, "store")


@pytest.mark.parametrize("apart", [False, True], ids=["threads", "processes"])
def test_code_that_changes_on_a_node_in_the_middle_of_a_study_does_not_change_the_study(synced_node, apart, tmp_path):
    driver = Driver(synced_node)
    synced_node.begin("a", searching(code_of(1), apart=apart), {})
    synced_node.submit("a", [(1, rows(1))])
    driver.until(lambda it: it.answers)
    assert outcome(driver.answers[1]) == (1, "synced")
    (tmp_path / "synced" / "mine.py").write_bytes(code_of(5))
    if apart:  # every process that follows loads the code anew
        synced_node.submit("a", [(2, rows(-1)), (3, rows(-1))])
        driver.until(lambda it: it.answers.keys() >= {2, 3})
    synced_node.submit("a", [(ticket, rows(1)) for ticket in range(4, 10)])
    driver.until(lambda it: it.answers.keys() >= set(range(4, 10)))
    assert {outcome(driver.answers[ticket])[0] for ticket in range(4, 10)} == {1}


def test_another_folder_counts_from_the_next_search_on(synced_node, tmp_path):
    driver = Driver(synced_node)
    write_synced(tmp_path / "code.json", None)
    synced_node.begin("a", searching(code_of(1), apart=False), {})
    synced_node.submit("a", [(1, rows(1))])
    driver.until(lambda it: it.answers)
    assert outcome(driver.answers[1]) == (1, "store")


def test_without_a_file_all_cores_are_allowed(tmp_path):
    assert Follow(None, 4)().cores == 4
    assert Follow(tmp_path / "none.json", 4)().cores == 4


def test_a_damaged_allowance_leaves_what_was_allowed_before(tmp_path):
    path = tmp_path / "allowance.json"
    write_allowed(path, Allowed(1, "one"))
    follow = Follow(path, 4)
    assert follow().cores == 1
    for text in ("{", '{"cores": 1e999, "reason": "endless"}', "[]"):
        path.write_text(text)
        assert follow().cores == 1
