"""What an owner hears of a node that comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.notify.watch import FALLS, FALLS_SECONDS, LOST_SECONDS, STEADY_SECONDS, View, Watched, watch

TICK_SECONDS = 5.0
VIEW = View(
    monotonic=0.0, unix=1_800_000_000.0, head=False, name="air", where="10.0.0.1:6379", at_work=False, why="no head",
    ending=False, cores=4, reason="you are away: all 4 cores", by_owner=False,
)  # fmt: skip


@dataclass
class Life:
    """A node's life, as its owner hears of it."""

    view: View = VIEW
    watched: Watched = field(default_factory=Watched)
    heard: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def be(self, seconds: float, **facts: object) -> Life:
        """It is so for so many seconds."""
        self.view = replace(self.view, **facts)
        self.look()
        while seconds > 0:
            step = min(TICK_SECONDS, seconds)
            seconds -= step
            self.view = replace(self.view, monotonic=self.view.monotonic + step, unix=self.view.unix + step)
            self.look()
        return self

    def look(self) -> None:
        self.watched, news = watch(self.watched, self.view)
        self.heard += [one.event for one in news]
        self.words += [one.words for one in news]
        self.at += [one.at for one in news]


def test_joined_lost_and_back_are_told_once_each():
    life = Life().be(30).be(600, at_work=True).be(900, at_work=False, why="the head does not answer")
    life.be(3600, at_work=True)
    assert life.heard == ["joined", "lost", "back"]
    assert life.words == [
        "air has joined the cluster of the head at 10.0.0.1:6379.",
        "air has lost the head: the head does not answer.",
        "air is back at work after 15 min.",
    ]


def test_a_head_is_told_of_as_a_head():
    life = Life(replace(VIEW, head=True)).be(60, at_work=True).be(90, at_work=False, why="no network is up")
    assert life.words == [
        "air is at work as head, met at 10.0.0.1:6379.",
        "air is not at work as head any more: no network is up.",
    ]


def test_a_node_that_never_got_to_work_has_lost_nothing():
    assert Life().be(7200).heard == []


def test_a_cut_that_is_mended_within_a_minute_is_not_told():
    assert Life().be(60, at_work=True).be(LOST_SECONDS - 10, at_work=False).be(600, at_work=True).heard == ["joined"]


def test_a_night_with_the_lid_closed_is_not_told():
    life = Life().be(60, at_work=True)
    life.view = replace(life.view, unix=life.view.unix + 8 * 3600)  # the monotonic clock stands still
    assert life.be(20, at_work=False).be(600, at_work=True).heard == ["joined"]


def test_who_stops_a_node_is_not_told_that_it_stopped():
    life = Life().be(60, at_work=True).be(5, ending=True).be(600, at_work=False)
    assert life.heard == ["joined"]
    assert life.be(0, ending=False).be(60, at_work=True).heard == ["joined", "joined"]


def test_a_connection_that_comes_and_goes_is_told_of_once():
    life = Life().be(60, at_work=True)
    for _ in range(40):
        life.be(30, at_work=False).be(90, at_work=True)
    assert life.heard == ["joined", "lost"]
    assert "comes and goes, 4 times within the hour" in life.words[-1]


@pytest.mark.parametrize(("at_work", "event"), [(True, "back"), (False, "lost")])
def test_when_it_has_been_one_or_the_other_for_long_that_is_told(at_work, event):
    life = Life().be(60, at_work=True)
    for _ in range(FALLS):
        life.be(30, at_work=False).be(90, at_work=True)
    life.be(STEADY_SECONDS * 3, at_work=at_work)
    assert life.heard == ["joined", "lost", event]


def test_a_daemon_that_was_killed_goes_on_where_its_owner_is():
    life = Life().be(60, at_work=True).be(120, at_work=False)
    kept = life.watched
    life.watched = Watched(told=kept.told, lost_at=kept.lost_at, falls=kept.falls)
    assert life.be(60, at_work=True).heard == ["joined", "lost", "back"]


def test_a_pause_by_the_policy_is_news_and_so_is_its_end():
    life = Life().be(60, at_work=True).be(60, cores=0, reason="on battery at 30 %: paused below 40 %").be(60, cores=2)
    assert life.heard == ["joined", "paused", "paused"]
    assert life.words[1] == "air pauses: on battery at 30 %: paused below 40 %."


def test_what_the_owner_asked_for_is_no_news():
    life = Life().be(60, at_work=True).be(60, cores=0, by_owner=True).be(60, cores=4, by_owner=False)
    assert life.heard == ["joined"]


stretches = st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.sampled_from([False] * 9 + [True])), max_size=40)


def lived(stretches) -> Life:
    life = Life()
    for ticks, at_work, ending in stretches:
        life.be(ticks * TICK_SECONDS, at_work=at_work, ending=ending)
    return life


@given(stretches)
def test_back_comes_only_after_lost_and_lost_only_after_being_there(stretches):
    there = False
    for event, words in zip((life := lived(stretches)).heard, life.words, strict=True):
        if event == "lost":
            assert there or "That was" in words or "comes and goes" in words
            there = "comes and goes" in words
        else:
            assert event in ("joined", "back")
            assert event == "joined" or not there or "without a break" in words
            there = True


@given(stretches)
def test_however_a_connection_flaps_an_hour_brings_a_handful_of_news(stretches):
    without_ends = [(ticks, at_work, False) for ticks, at_work, _ in stretches]
    at = lived(without_ends).at
    for begin in at:
        assert sum(begin <= one < begin + FALLS_SECONDS for one in at) <= 2 * FALLS


@given(stretches)
def test_whatever_was_an_end_is_known_to_its_owner(stretches):
    life = lived(stretches)
    life.be(STEADY_SECONDS + LOST_SECONDS, at_work=True, ending=False)
    assert life.watched.told == "here"
    life.be(STEADY_SECONDS + LOST_SECONDS, at_work=False)
    assert life.watched.told == "lost"
