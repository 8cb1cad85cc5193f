"""A worker's visits: the daemon never waits for one, and one that is stuck is left to itself."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bittrader.cluster import visits
from bittrader.cluster.messages import RefusedError, Told
from bittrader.cluster.visits import Visited, Visits
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOLD = Told(
    session="one", alive=True, gcs="10.0.0.1:6379", time=0.0, addresses=("10.0.0.1",), seen_at="10.0.0.2",
    encrypted=True, token="mark", refused=None,
)  # fmt: skip


class Head:
    """A head that answers as a test wants, to whoever visits."""

    def __init__(self) -> None:
        self.answer: Callable[[], Told] = lambda: TOLD
        self.made = self.visits = 0
        self.states: list[dict[str, object]] = []
        self.renewed: list[tuple[str, str]] = []

    def visitor(self) -> Head:
        self.made += 1
        return self

    def report(self, state: dict[str, object]) -> Told:
        self.visits += 1
        self.states.append(state)
        return self.answer()

    def renew(self, address: str, name: str) -> None:
        self.renewed.append((address, name))


@pytest.fixture
def head() -> Head:
    return Head()


@contextmanager
def visiting(head: Head) -> Iterator[Visits]:
    made = Visits(head.visitor, lambda: {"phase": "up"}, "air")
    try:
        yield made
    finally:
        made.close()


def until(made: Visits, holds: Callable[[Visited], object]) -> Visited:
    end = time.monotonic() + 30
    while not holds(latest := made.latest):
        assert time.monotonic() < end, latest
        time.sleep(0.02)
    return latest


def failing(error: Exception) -> Callable[[], Told]:
    def answer() -> Told:
        raise error

    return answer


def test_what_the_head_says_is_kept_with_the_time_of_the_question(head: Head) -> None:
    before = time.monotonic()
    with visiting(head) as made:
        latest = until(made, lambda latest: latest.told)
    assert latest.told == TOLD
    assert before <= latest.asked <= time.monotonic()
    assert (latest.refused, latest.trouble) == (None, "")
    assert head.states[0] == {"phase": "up"}


def test_a_head_that_does_not_answer_is_trouble_and_what_it_said_is_still_known(head: Head) -> None:
    with visiting(head) as made:
        until(made, lambda latest: latest.told)
        head.answer = failing(ClusterError("no answer from 10.0.0.1:6380"))
        latest = until(made, lambda latest: latest.trouble)
        assert latest.trouble == "no answer from 10.0.0.1:6380"
        assert latest.told == TOLD
        head.answer = lambda: TOLD
        until(made, lambda latest: not latest.trouble)


def test_a_refusal_is_kept_until_the_head_says_otherwise_and_the_secrets_are_read_anew(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "REFUSED_SECONDS", 0.1)
    head.answer = failing(RefusedError("revoked"))
    with visiting(head) as made:
        assert until(made, lambda latest: latest.refused).refused == "revoked"
        until(made, lambda _: head.made > 1)
        head.answer = lambda: TOLD
        assert until(made, lambda latest: latest.told).refused is None


def test_a_defect_in_a_visit_ends_no_visits(head: Head) -> None:
    head.answer = failing(ZeroDivisionError("ours"))
    with visiting(head) as made:
        latest = until(made, lambda latest: latest.trouble)
        assert "defect of ours: ZeroDivisionError" in latest.trouble
        head.answer = lambda: TOLD
        until(made, lambda latest: latest.told)


def test_a_certificate_is_fetched_once_for_each_time_it_is_asked_for(head: Head) -> None:
    with visiting(head) as made:
        until(made, lambda latest: latest.told)
        made.certify("10.0.0.2")
        made.look_again()
        until(made, lambda _: head.renewed)
        visits_then = head.visits
        until(made, lambda _: head.visits > visits_then)
    assert head.renewed == [("10.0.0.2", "air")]


def test_a_visit_that_is_stuck_is_left_to_itself_when_there_is_a_reason_to_look_again(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "STUCK_SECONDS", -0.9)
    unstuck, old = threading.Event(), Told(**{**TOLD.as_json(), "addresses": (), "session": "old"})

    def hang() -> Told:
        unstuck.wait(60)
        return old

    head.answer = hang
    with visiting(head) as made:
        until(made, lambda _: head.visits)
        head.answer = lambda: TOLD
        made.look_again()
        assert until(made, lambda latest: latest.told).told == TOLD
        unstuck.set()
        seen = head.visits
        until(made, lambda _: head.visits > seen)
        assert made.latest.told == TOLD, "what a visit brings that was given up counts no more"


def test_the_last_of_it_is_said_before_the_visits_end(head: Head) -> None:
    said = {"phase": "up"}
    made = Visits(head.visitor, lambda: dict(said), "air")
    until(made, lambda latest: latest.told is not None)
    said["phase"] = "down"
    made.close()
    assert head.states[-1] == {"phase": "down"}


def test_a_head_that_does_not_hear_the_last_of_it_holds_up_no_end(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "FAREWELL_SECONDS", 0.05)
    made = Visits(head.visitor, dict, "air")
    until(made, lambda latest: latest.told is not None)
    never, reached, left = threading.Event(), threading.Event(), threading.Event()

    def hang() -> Told:
        reached.set()
        never.wait(60)
        left.set()
        raise ClusterError("it has gone")

    head.answer = hang
    made.close()
    assert reached.wait(10)
    assert not left.is_set(), "it still hangs, and we do not wait"
    never.set()
