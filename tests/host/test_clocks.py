"""Whether a computer slept is told from clocks alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bittrader.host.clocks import Absence, Clocks, absence, frozen_seconds, slept_seconds

START = Clocks(wall=1_000_000.0, monotonic=5_000.0, boottime=9_000.0)
seconds = st.floats(0, 1e6)


def after(awake, asleep=0.0, wall_jump=0.0):
    return Clocks(
        START.wall + awake + asleep + wall_jump, START.monotonic + awake, START.boottime + awake + asleep
    )  # fmt: skip


@given(awake=seconds, jump=st.floats(-1e9, 1e9))
def test_a_jump_of_the_wall_clock_is_no_sleep(awake, jump):
    assert slept_seconds(START, after(awake, wall_jump=jump)) == 0


@given(jump=st.floats(-1e9, 1e9))
def test_nothing_is_missed_when_the_loop_comes_round_in_time_whatever_the_wall_clock_says(jump):
    assert absence(START, after(0.5, wall_jump=jump), tick=0.5) is None


@given(awake=st.floats(0, 10), asleep=st.floats(2, 1e6), jump=st.floats(-1e6, 1e6))
def test_a_sleep_is_as_long_as_the_clocks_moved_apart(awake, asleep, jump):
    assert abs(slept_seconds(START, after(awake, asleep, jump)) - asleep) < 1e-3


@given(tick=st.floats(0.1, 5), late=st.floats(0, 1e6))
def test_only_what_is_much_longer_than_a_tick_is_a_standstill(tick, late):
    missed = frozen_seconds(START, after(tick + late), tick)
    assert missed == 0 or late > 2.9
    assert missed > 0 or late < max(3.1, 5.1 * tick)


def test_processes_that_were_stopped_for_a_minute_are_told_from_a_computer_that_slept():
    assert absence(START, after(60.5), tick=0.5) == Absence(60.0, "frozen")
    assert absence(START, after(0.5, asleep=60.0), tick=0.5) == Absence(60.0, "slept")


def test_a_busy_computer_that_keeps_the_loop_waiting_a_little_is_not_frozen():
    assert absence(START, after(2.0), tick=0.5) is None
