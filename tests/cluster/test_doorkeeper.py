from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.doorkeeper import FAILURES, MOST_EACH, MOST_STRANGERS, WINDOW, Doorkeeper

ADDRESSES = st.integers(0, 60).map("10.0.0.{}".format)


@given(st.lists(st.tuples(ADDRESSES, st.booleans()), max_size=300))
def test_never_more_connections_than_the_limits(events: list[tuple[str, bool]]) -> None:
    door = Doorkeeper()
    inside: dict[str, int] = {}
    for address, comes in events:
        if comes and door.enter(address, 0.0):
            inside[address] = inside.get(address, 0) + 1
        elif not comes and inside.get(address):
            door.leave(address)
            inside[address] -= 1
        assert max(inside.values(), default=0) <= MOST_EACH
        assert sum(inside.values()) <= MOST_STRANGERS


def test_a_crowd_of_strangers_keeps_no_node_out() -> None:
    door = Doorkeeper()
    door.met("10.0.0.1", 0.0)
    while door.enter(f"10.9.{len(door._inside)}.1", 1.0):
        pass
    assert len(door._inside) == MOST_STRANGERS
    assert door.enter("10.0.0.1", 1.0)


def test_who_left_makes_room() -> None:
    door = Doorkeeper()
    for _ in range(3 * MOST_EACH):
        assert door.enter("10.0.0.1", 0.0)
        door.leave("10.0.0.1")
    assert not door._inside


@given(st.lists(st.integers(0, 50), min_size=FAILURES, max_size=50))
def test_who_fails_too_often_is_not_heard_until_the_window_is_over(gaps: list[int]) -> None:
    door = Doorkeeper()
    for at in sorted(gaps):
        door.failed("10.0.0.1", at)
    first = min(gaps)
    assert not door.is_heard("10.0.0.1", first + WINDOW - 0.1)
    assert door.is_heard("10.0.0.1", first + WINDOW)
    assert door.is_heard("10.0.0.2", first)


@given(st.integers(1, 1000))
def test_the_log_gets_at_most_two_lines_of_one_address_in_a_window(times: int) -> None:
    door = Doorkeeper()
    assert sum(door.failed("10.0.0.1", 0.0) for _ in range(times)) <= 2


def test_what_is_remembered_of_strangers_does_not_grow_for_ever() -> None:
    door = Doorkeeper()
    for number in range(5000):
        door.failed(f"10.{number // 250}.{number % 250}.1", 0.0)
        door.met(f"10.{number // 250}.{number % 250}.2", 0.0)
    assert len(door._failures) == len(door._met) == 1024
