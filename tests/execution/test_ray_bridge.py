"""What the bridge makes of the Ray nodes that the head lists, with actors that answer when the test says so."""

from __future__ import annotations

import io
import pickle
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from ray.exceptions import ActorUnschedulableError

from bittrader.execution import frames
from bittrader.execution.assignment import Status
from bittrader.execution.link import Alive, Gone, Joined, Told
from bittrader.execution.ray import _Bridge, _Seen, _Worker


class FakeActor:
    """Keeps what it is asked, and answers a poll when told to."""

    def __init__(self):
        self.polls = []
        self.poll = SimpleNamespace(remote=self._poll)

    def _poll(self, *_asked):
        self.polls.append(Future())
        return SimpleNamespace(future=lambda: self.polls[-1])

    def answer(self):
        self.polls[-1].set_result(pickle.dumps(Status("")))


class Rig:
    def __init__(self):
        self._out = io.BytesIO()
        self.bridge = _Bridge(self._out)

    def lists(self, ray_id, node="two"):
        """The head lists a Ray node, and an actor is made on it."""
        actor = FakeActor()
        self.bridge._handle(_Worker(_Seen(ray_id, node, node, 1), actor))
        return actor

    def happens(self, event=None):
        """Takes an event, and whatever has come in; the messages that the driver is told."""
        if event is not None:
            self.bridge._handle(event)
        while not self.bridge.inbox.empty():
            self.bridge._handle(self.bridge.inbox.get())
        said, end = io.BytesIO(self._out.getvalue()), self._out.tell()
        self._out.seek(0)
        self._out.truncate()
        messages = []
        while said.tell() < end:
            messages.append(frames.read(said))
        return [message for message in messages if not isinstance(message, Alive)]


@pytest.fixture
def rig():
    return Rig()


@pytest.mark.parametrize("order", [("lost", "new"), ("new", "lost")])
def test_a_lost_ray_node_that_the_head_still_lists_is_not_taken_for_the_one_after_it(rig, order):
    actors = {ray_id: rig.lists(ray_id) for ray_id in order}
    actors["new"].answer()
    assert [type(message) for message in rig.happens()] == [Joined, Told]
    assert rig.happens(frozenset({"new"})) == []  # the head has found out
    assert rig.bridge._worker("two").actor is actors["new"]


def test_a_lost_ray_node_on_which_nothing_can_be_made_is_not_taken_for_the_one_after_it(rig):
    actors = {ray_id: rig.lists(ray_id) for ray_id in ("new", "lost")}
    actors["new"].answer()
    rig.happens()
    actors["lost"].polls[-1].set_exception(ActorUnschedulableError("its node has died"))
    assert rig.happens() == []
    assert rig.bridge._worker("two").actor is actors["new"]


def test_the_next_ray_node_of_a_node_takes_its_place_once_it_answers(rig):
    before = rig.lists("before")
    before.answer()
    rig.happens()
    after = rig.lists("after")
    assert rig.bridge._worker("two").actor is before
    after.answer()
    assert rig.happens()[:2] == [Gone("two", "its Ray node was restarted", died=False), Joined("two", "two")]
    assert rig.bridge._worker("two").actor is after
