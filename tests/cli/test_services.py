"""What is said of a node that was started: also that it cannot work, and why."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.cluster.daemons import Daemon
from tests.cluster.healthy import STATE

from bittrader.cli import services
from bittrader.cli.services import obstacle, say_it_runs
from bittrader.cluster import daemon
from bittrader.cluster.config_file import set_key

DOWN = replace(STATE, phase="down", waiting="the head does not answer", at=math.inf)


@pytest.fixture
def says(monkeypatch):
    """Has the daemon say one state after another, the last one for ever."""

    def of(*states):
        left = list(states)
        monkeypatch.setattr(daemon, "running", lambda _role: left.pop(0) if len(left) > 1 else left[0])
        monkeypatch.setattr(services, "_POLL_SECONDS", 0.0)
        monkeypatch.setattr(services, "_START_SECONDS", 0.05)

    return of


def test_a_node_that_something_keeps_from_starting_says_what(says, capsys):
    says(DOWN)
    say_it_runs("worker", "as a service")
    first, second = capsys.readouterr().err.splitlines()
    assert first == "The worker runs as a service. See how it is: bittrader worker status"
    assert second == "It takes no part in the cluster yet: the head does not answer"


def test_a_node_whose_ray_starts_has_nothing_in_its_way_any_more(says):
    says(DOWN, replace(DOWN, phase="starting", waiting=""))
    assert obstacle("worker") == ""


def test_what_an_earlier_daemon_said_last_is_not_this_ones(says):
    says(replace(DOWN, at=0.0))
    assert obstacle("worker") == ""
    says(replace(DOWN, phase="up", at=0.0), DOWN)
    assert obstacle("worker") == DOWN.waiting


def test_a_daemon_that_has_said_nothing_yet_has_nothing_in_its_way(says):
    says(None)
    assert obstacle("worker") == ""


def test_a_head_at_an_address_that_this_computer_does_not_have_says_so_as_it_is_started(say):
    head = Daemon("head")
    set_key(head.folder, "network.address", "192.0.2.77")
    try:
        code, said = say("head", "start", "--background")
    finally:
        assert daemon.stop("head")
    assert code == 0
    assert "It takes no part in the cluster yet: network.address is 192.0.2.77, and this computer has " in said
