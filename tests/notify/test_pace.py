"""Never more than so many messages an hour, and nothing lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from bittrader.notify.message import News
from bittrader.notify.pace import HOUR_SECONDS, MOST_WAITING, Pace, pace

turns = st.lists(st.tuples(st.floats(0, 2000), st.integers(0, 12)), max_size=60)


@dataclass
class Owner:
    """Somebody who is told at most so often an hour."""

    most: int
    now: float = 1_800_000_000.0
    pace: Pace = field(default_factory=Pace)
    sent: list[float] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    untold: int = 0
    made: int = 0

    def turn(self, count: int) -> None:
        news = [News("lost", self.now, str(self.made + place)) for place in range(count)]
        self.made += count
        self.pace, due = pace(self.pace, news, self.most, self.now)
        if due is not None:
            self.sent.append(self.now)
            self.heard += [one.words for one in due.waiting]
            self.untold += due.untold


@given(turns, st.integers(1, 10))
def test_no_hour_has_more_messages_than_are_allowed(turns, most):
    owner = Owner(most)
    for seconds, count in turns:
        owner.now += seconds
        owner.turn(count)
    for begin in owner.sent:
        assert sum(begin <= at < begin + HOUR_SECONDS for at in owner.sent) <= most


@given(turns, st.integers(1, 10))
def test_all_news_is_heard_in_order_or_counted_and_an_hour_later_none_waits(turns, most):
    owner = Owner(most)
    for seconds, count in turns:
        owner.now += seconds
        owner.turn(count)
    owner.now += HOUR_SECONDS
    owner.turn(0)
    assert owner.pace.waiting == ()
    assert len(owner.heard) + owner.untold == owner.made
    assert owner.heard == sorted(owner.heard, key=int)
    assert len(set(owner.heard)) == len(owner.heard)


@given(turns, st.integers(1, 10), st.floats(-1e8, 1e8))
def test_wherever_the_clock_is_set_silence_is_an_hour_at_most(turns, most, jump):
    owner = Owner(most)
    for seconds, count in turns:
        owner.now += seconds
        owner.turn(count)
    owner.now += jump
    owner.turn(1)
    owner.now += HOUR_SECONDS
    owner.turn(0)
    assert owner.pace.waiting == ()


@given(st.integers(0, 100), st.integers(1, 10))
def test_what_waits_is_bounded(count, most):
    full = Pace(told=(1000.0,) * most)
    after, due = pace(full, [News("lost", 1000.0, "x")] * count, most, 1000.0)
    assert due is None
    assert len(after.waiting) == min(count, MOST_WAITING)
    assert after.untold == count - len(after.waiting)


def test_no_news_is_no_message():
    assert pace(Pace(), [], 6, 0.0)[1] is None
