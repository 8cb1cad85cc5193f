"""A cluster of nodes in this process: what a search sees of it, whatever happens to nodes and to the link."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time

import pytest
from tests.execution import evaluations
from tests.execution.conftest import search_together, work_of
from tests.execution.evaluations import Making
from tests.execution.faked import FakeLink
from tests.execution.test_contract import collect, outcome, rows_of
from tests.execution.test_node import Sent
from tests.execution.test_processes import enough, until

from bittrader.execution import processes, sharing
from bittrader.execution.allowance import Allowed, write_allowed
from bittrader.execution.base import ExecutorError, Failure, Far
from bittrader.execution.cluster_executor import OnCluster
from bittrader.execution.link import Begin
from bittrader.execution.work import Work


@pytest.fixture
def place_of(tmp_path):
    """Opens a cluster; gives the place and its link."""
    opened = []

    def make(nodes, folder=tmp_path, **options):
        links = []

        def link():
            links.append(FakeLink(tmp_path / "store", nodes, **options))
            return links[-1]

        place = OnCluster(folder, link)
        opened.append(place)
        place.__enter__()
        return place, links[0]

    yield make
    for place in opened:
        place.close()


def submit(executor, count):
    return {executor.submit(rows_of(value)): value for value in range(count)}


def check(answers, sent):
    assert answers.keys() == sent.keys()
    for ticket, value in sent.items():
        assert (outcome(answers[ticket]) == 2 * value).all()


def test_the_cores_of_all_nodes_are_counted(place_of):
    place, _ = place_of({"a": 3, "b": 2})
    until(lambda: place.cores == 5)


def test_every_node_works_and_is_named(place_of):
    place, _ = place_of({"a": 2, "b": 2})
    with place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 40)
        answers = collect(executor)
    check(answers, sent)
    assert {done.node for done in answers.values()} == {"a", "b"}


def test_searches_follow_one_another_over_one_link(place_of):
    place, link = place_of({"a": 2})
    for _ in range(3):
        with place.executor(work_of(Making(evaluations.double))) as executor:
            sent = submit(executor, 5)
            check(collect(executor), sent)
    assert len({message.session for message in link.sent if isinstance(message, Begin)}) == 3


def test_two_searches_at_a_time_are_refused(place_of):
    place, _ = place_of({"a": 2})
    with place.executor(work_of(Making(evaluations.double))), pytest.raises(ExecutorError, match="one at a time"):
        place.executor(work_of(Making(evaluations.double)))


def test_what_no_other_computer_could_make_is_said_at_once(place_of):
    place, _ = place_of({"a": 2})
    making = Making(evaluations.double)
    with pytest.raises(ExecutorError, match="it is in no file"):
        place.executor(Work(making, making, lambda: "it is in no file"))


def test_what_was_sent_is_sent_again_over_a_new_link(place_of):
    place, link = place_of({"a": 2})
    with place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 30)
        answers = {done.ticket: done for done in executor.wait(30)}
        link.disconnect()
        until(lambda: executor.waits_for == "the head: gone")
        link.connect()
        check(answers | collect(executor), sent)
        assert executor.waits_for == ""


def test_a_node_that_is_lost_costs_nothing_but_time(place_of):
    place, link = place_of({"a": 2, "b": 2})
    with place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 40)
        answers = {done.ticket: done for done in executor.wait(30)}
        link.lose("b")
        check(answers | collect(executor), sent)


def test_a_node_that_is_cut_off_is_not_waited_for_and_counts_again_after(place_of):
    place, link = place_of({"a": 2, "b": 2})
    with place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 300)
        answers = {done.ticket: done for done in executor.wait(30)}
        link.cut.add("b")
        until(lambda: place._search.dispatch.nodes["b"].silent)
        assert place._search.dispatch.nodes["b"].given == {}
        link.cut.clear()
        answers |= collect(executor)
        check(answers, sent)
        assert place._search.dispatch.redone
    assert not place._search


def test_a_node_that_joins_in_the_middle_works_too(place_of):
    place, link = place_of({"a": 1})
    with place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 40)
        link.join("b", 3)
        answers = collect(executor)
    check(answers, sent)
    assert "b" in {done.node for done in answers.values()}


@pytest.fixture
def endless(tmp_path):
    """Makes a function that goes on until the test is over: a thread cannot be killed."""
    yield Making(evaluations.spin, str(tmp_path))
    enough(tmp_path)
    until(lambda: not [one for one in threading.enumerate() if one.name.startswith("bittrader-slot")])


def test_what_kills_every_process_is_a_failure(endless, place_of):
    place, link = place_of({"a": 1})
    with place.executor(work_of(endless)) as executor:
        ticket = executor.submit(rows_of(1))
        for _ in range(3):
            until(lambda: "a" in place._nodes and place._search.dispatch.nodes["a"].given)
            link.lose("a", died=True)
            until(lambda: "a" not in place._nodes)
            link.join("a")
        answers = collect(executor)
    assert outcome(answers[ticket]) == Failure("3 processes in a row died while they evaluated it, on a, a, a")


def test_says_that_no_node_is_connected(place_of):
    place, link = place_of({"a": 1})
    with place.executor(work_of(Making(evaluations.double))) as executor:
        link.lose("a")
        executor.submit(rows_of(1))
        until(lambda: executor.waits_for == "a node: none is connected")
        link.join("a")
        assert len(collect(executor)) == 1


def test_says_that_every_node_is_paused_and_why(place_of, tmp_path):
    allowance = tmp_path / "allowance.json"
    write_allowed(allowance, Allowed(0, "you are active"))
    place, _ = place_of({"a": 1}, allowances={"a": allowance})
    with place.executor(work_of(Making(evaluations.double))) as executor:
        executor.submit(rows_of(1))
        until(lambda: executor.waits_for == "cores: the node is paused (a: you are active)")
        write_allowed(allowance, Allowed(1, "you are away"))
        assert len(collect(executor)) == 1


@pytest.fixture
def short_turns(monkeypatch):
    monkeypatch.setattr(sharing, "TURN_SECONDS", 1.0)
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.05)


def sharing_two_nodes(place_of, tmp_path):
    """Two drivers on the same two nodes, each of which has one core for both."""
    allowances = {}
    for name in ("a", "b"):
        allowances[name] = tmp_path / name / "allowance.json"
        allowances[name].parent.mkdir()
        write_allowed(allowances[name], Allowed(1, "you are there"))
    return [place_of({"a": 1, "b": 1}, tmp_path / driver, allowances=allowances) for driver in ("one", "two")]


def test_two_searches_by_turns_on_two_nodes_do_each_long_evaluation_once(short_turns, place_of, tmp_path):
    places = [place for place, _ in sharing_two_nodes(place_of, tmp_path)]
    order = search_together(places, tmp_path, evaluations_each=3, steps=100)
    assert set(order[:4]) == {0, 1}, "both get on"


def test_says_that_it_is_the_turn_of_another_search(place_of, tmp_path):
    allowance = tmp_path / "allowance.json"
    write_allowed(allowance, Allowed(1, "you are there"))
    places = [place_of({"a": 1}, tmp_path / driver, allowances={"a": allowance})[0] for driver in ("one", "two")]
    with contextlib.ExitStack() as stack:
        executors = [stack.enter_context(place.executor(work_of(Making(evaluations.double)))) for place in places]
        words = "cores: it is the turn of another search (a: you are there; 2 searches take turns)"
        until(lambda: [executor.waits_for for executor in executors].count(words) == 1)


def test_says_why_nodes_refuse(place_of):
    place, _ = place_of({"a": 1, "b": 1})
    making = Making(evaluations.double)
    with place.executor(Work(making, making, lambda: Sent(making, "its numba is 0.1"))) as executor:
        until(lambda: "a: its numba is 0.1; b: its numba is 0.1" in executor.waits_for)
        assert executor.waits_for.startswith("a node that can evaluate this")


def test_the_daemon_is_told_of_the_search_about_once_a_second(place_of, tmp_path):
    place, link = place_of({"a": 2, "b": 1})
    path = tmp_path / "running" / f"{os.getpid()}.json"
    making = Making(evaluations.slowly, 0.02)
    with place.executor(Work(making, making, lambda: Sent(making), name="first")) as executor:
        submit(executor, 200)
        executor.note(Far(700, 900, "fold 1 of 2"))
        until(path.exists)
        link.lose("b")
        collect(executor)
        until(lambda: json.loads(path.read_text())["redone"])
        told = json.loads(path.read_text())
    assert (told["study"], told["waits_for"]) == ("first", "")
    assert told["far"] == {"done": 700, "total": 900, "part": "fold 1 of 2"}
    assert told["nodes"]["a"]["name"] == "a"
    assert told["nodes"]["a"]["rows_per_second"] > 0
    assert {(one["from"], one["to"], one["why"]) for one in told["redone"]} >= {("b", "a", "killed")}
    assert abs(told["redone"][0]["at"] - time.time()) < 600


def test_of_a_search_that_has_ended_nothing_is_told_while_the_link_stays(place_of, tmp_path):
    place, _ = place_of({"a": 2})
    path = tmp_path / "running" / f"{os.getpid()}.json"
    making = Making(evaluations.double)
    for name in ("first", "second"):
        with place.executor(Work(making, making, lambda: Sent(making), name=name)) as executor:
            until(path.exists)
            assert json.loads(path.read_text())["study"] == name
            sent = submit(executor, 5)
            check(collect(executor), sent)
        until(lambda: not path.exists(), 10)


def test_what_stands_still_is_not_told_as_busy(place_of, tmp_path):
    allowance, path = tmp_path / "allowance.json", tmp_path / "running" / f"{os.getpid()}.json"
    write_allowed(allowance, Allowed(2, "you are away"))
    place, _ = place_of({"a": 2}, allowances={"a": allowance})
    making = Making(evaluations.spin, str(tmp_path))

    def told():
        said = json.loads(path.read_text())["nodes"]["a"] if path.exists() else {"busy": 0, "suspended": 0}
        return said["busy"], said["suspended"]

    with place.executor(Work(making, making, lambda: Sent(making), apart=True)) as executor:
        submit(executor, 2)
        until(lambda: told() == (2, 0))
        write_allowed(allowance, Allowed(1, "you are back"))
        until(lambda: told() == (1, 1))
        enough(tmp_path)
        write_allowed(allowance, Allowed(2, "you are away"))
        collect(executor)


def test_what_breaks_in_the_thread_is_raised_where_the_search_waits(endless, place_of):
    place, link = place_of({"a": 1})
    with place.executor(work_of(endless)) as executor:
        executor.submit(rows_of(1))
        link.receive = lambda _timeout: int("a link that breaks the rules")
        with pytest.raises(ValueError, match="breaks the rules"):
            collect(executor)
