"""What is said of a node that was started: also that it cannot work, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.cluster.daemons import Daemon
from tests.cluster.healthy import STATE

from bittrader.cli import services
from bittrader.cli.services import obstacle, say_it_runs
from bittrader.cluster import daemon
from bittrader.cluster.config_file import set_key

BEGAN = 1000.0
DOWN = replace(STATE, phase="down", waiting="the head does not answer", at=BEGAN + 1)


def test_a_node_that_something_keeps_from_starting_says_what(monkeypatch, capsys):
    monkeypatch.setattr(services, "_states", lambda _role: [None, replace(DOWN, at=float("inf"))])
    for role in ("worker", "head"):
        say_it_runs(role, "as a service")
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "The worker runs as a service. See how it is: bittrader worker status",
        "It takes no part in the cluster yet: the head does not answer",
        "The head runs as a service. See how it is: bittrader head status",
        "Nobody can join it yet: the head does not answer",
    ]


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ([DOWN, replace(DOWN, phase="starting", waiting="")], ""),  # its Ray starts
        ([replace(DOWN, at=BEGAN - 1)], ""),  # an earlier daemon said it
        ([replace(DOWN, phase="up", at=BEGAN - 1), DOWN], DOWN.waiting),
        ([None], ""),
        ([], ""),
        ([DOWN, None, replace(DOWN, waiting="a port is taken")], "a port is taken"),
    ],
)
def test_what_is_in_the_way_of_a_node_is_what_it_says_itself_since_it_began(states, why):
    assert obstacle(states, BEGAN) == why


def test_a_head_at_an_address_that_this_computer_does_not_have_says_so_as_it_is_started(say):
    head = Daemon("head")
    set_key(head.folder, "network.address", "192.0.2.77")
    try:
        code, said = say("head", "start", "--background")
    finally:
        assert daemon.stop("head")
    assert code == 0
    assert "Nobody can join it yet: network.address is 192.0.2.77, and this computer has " in said
