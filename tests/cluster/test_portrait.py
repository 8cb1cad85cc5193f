"""How a node looks from outside: at work only where its Ray is up and the head says so, met where its owner wants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.policy import Allowance, Cause
from bittrader.cluster.portrait import hosting, view
from bittrader.cluster.seen import Heard, Place, Seen
from bittrader.cluster.settings import Network
from bittrader.cluster.supervisor import HEARD_SECONDS, Memory
from bittrader.cluster.wishes import Wishes
from bittrader.host.base import Address
from bittrader.host.clocks import Clocks

PLACE = Place("192.168.1.7", "192.168.1.5:6379", encrypted=True, session="s")
UP = Memory(phase="up", place=PLACE, session="s", known=True)
SEEN = Seen(Clocks(wall=1e9, monotonic=500.0, boottime=500.0), chance=0.5, hour=12.0, place=PLACE)
HEARD = Heard(asked=499.0, session="s", alive=True)
LAN = Address("192.168.1.7", "eth0", "lan")


@given(
    phase=st.sampled_from(["down", "starting", "up", "stopping"]),
    known=st.booleans(),
    lost=st.booleans(),
    age=st.none() | st.floats(0, 3 * HEARD_SECONDS),
    alive=st.booleans(),
)
def test_a_node_is_at_work_only_while_its_ray_is_up_and_the_head_counts_it(phase, known, lost, age, alive):
    memory = replace(UP, phase=phase, known=known, lost_since=450.0 if lost else None)
    heard = None if age is None else Heard(SEEN.clocks.monotonic - age, "s", alive)
    looks = view("worker", "air", memory, replace(SEEN, heard=heard))
    counted = age is not None and age <= HEARD_SECONDS and alive
    assert looks.at_work == (phase == "up" and known and not lost and counted)
    assert looks.at_work or looks.why


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        (replace(UP, phase="down", waiting="port 6381 is taken"), "port 6381 is taken"),
        (replace(UP, phase="starting"), "Ray is starting"),
        (UP, "the head does not answer"),
    ],
)
def test_why_a_node_is_not_at_work_is_said_in_words(memory, why):
    assert view("worker", "air", memory, SEEN).why == why


@pytest.mark.parametrize(("cause", "by_owner"), [(Cause.PAUSED, True), (Cause.OVERRIDE, True), (Cause.BATTERY, False)])
def test_what_its_owner_asked_for_is_told_from_what_the_policy_did(cause, by_owner):
    looks = view("worker", "air", replace(UP, allowance=Allowance(1, "because", cause)), replace(SEEN, heard=HEARD))
    assert (looks.cores, looks.reason, looks.by_owner) == (1, "because", by_owner)


@pytest.mark.parametrize(
    ("seen", "ending"),
    [(SEEN, False), (replace(SEEN, ending=True), True), (replace(SEEN, wishes=Wishes(run="stop")), True)],
)
def test_a_node_that_is_being_ended_is_not_lost(seen, ending):
    assert view("head", "desk", UP, seen).ending is ending


def test_a_head_tells_of_its_ray_only_while_that_is_up():
    told = hosting(UP, SEEN, (LAN,), Network())
    assert (told.session, told.gcs, told.addresses, told.encrypted) == ("s", PLACE.gcs, (LAN.ip,), True)
    for other in (replace(UP, phase="starting"), replace(UP, session=None)):
        told = hosting(other, SEEN, (LAN,), Network())
        assert (told.session, told.gcs, told.addresses) == (None, None, (LAN.ip,))


def test_a_head_that_knows_no_way_is_met_where_its_node_is():
    wanted = Network(address="192.168.1.99")  # which this computer has not
    assert hosting(UP, SEEN, (LAN,), wanted).addresses == (PLACE.address,)
    assert hosting(UP, replace(SEEN, place=None), (), Network()).addresses == ()
