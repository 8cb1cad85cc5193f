"""What Windows says, through the few functions that are called."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.host.windows import Windows, idle_of


@dataclass
class FakeApi:
    """A Windows whose answers a test sets."""

    now: int = 100_000
    last: int | None = 40_000
    number: int | None = 1
    screens: int = 1

    def last_input_tick(self):
        return self.last

    def tick(self):
        return self.now

    def session(self):
        return self.number

    def monitors(self):
        return self.screens

    def awake_seconds(self):
        return 100.0


@given(start=st.integers(0, 2**32 - 1), idle=st.integers(0, 2**32 - 1))
def test_idle_time_survives_the_count_beginning_again(start, idle):
    assert idle_of((start + idle) % 2**32, start) == idle / 1000


def test_idle_time_is_since_the_last_input():
    assert Windows(FakeApi()).idle_seconds() == 60.0


@pytest.mark.parametrize("number", [0, None])
def test_a_service_does_not_know_whether_anybody_is_there(number):
    host = Windows(FakeApi(number=number))
    assert host.idle_seconds() is None
    assert host.has_screen() is None


def test_windows_that_does_not_say_is_not_known():
    assert Windows(FakeApi(last=None)).idle_seconds() is None


def test_a_screen_is_one_that_the_session_shows_something_on():
    assert Windows(FakeApi(screens=2)).has_screen() is True
    assert Windows(FakeApi(screens=0)).has_screen() is False
