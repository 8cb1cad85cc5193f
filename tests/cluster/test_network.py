from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.network import (
    as_ranges,
    blocked_in_words,
    failure_in_words,
    no_way_in_words,
    probe,
    unreachable,
    way,
)
from bittrader.cluster.settings import Network
from bittrader.errors import ClusterError
from bittrader.host.base import Address

VPN = Address("100.64.0.7", "tailscale0", "tailscale")
WIFI = Address("192.168.1.20", "wlan0", "lan")
CABLE = Address("10.0.0.20", "eth0", "lan")
DOCKER = Address("172.17.0.1", "docker0", "virtual")
PUBLIC = Address("203.0.113.9", "eth1", "public")
LOOPBACK = Address("127.0.0.1", "lo", "loopback")
ALL = (VPN, CABLE, WIFI, PUBLIC, DOCKER, LOOPBACK)


def test_tailscale_comes_first_and_the_local_network_after_it() -> None:
    found = way(ALL, Network())
    assert found.addresses == ("100.64.0.7", "10.0.0.20", "192.168.1.20")
    assert not found.encrypted, "the VPN encrypts already"


def test_without_tailscale_it_is_the_local_network_encrypted() -> None:
    found = way((DOCKER, WIFI, LOOPBACK), Network())
    assert (found.address, found.encrypted, found.reason) == ("192.168.1.20", True, "Tailscale is not up")


def test_an_owner_who_wants_the_vpn_alone_is_met_there_alone() -> None:
    assert way(ALL, Network(mode="tailscale")).addresses == ("100.64.0.7",)
    assert way((WIFI, LOOPBACK), Network(mode="tailscale")) is None
    assert "`tailscale up`" in no_way_in_words(Network(mode="tailscale"))


def test_an_owner_who_wants_the_local_network_gets_it_though_tailscale_is_up() -> None:
    found = way(ALL, Network(mode="lan"))
    assert (found.addresses, found.encrypted) == (("10.0.0.20", "192.168.1.20"), True)


def test_an_address_in_the_settings_is_taken_or_refused() -> None:
    assert way(ALL, Network(address="203.0.113.9")).addresses == ("203.0.113.9",)
    assert way(ALL, Network(address="203.0.113.9")).encrypted
    assert not way(ALL, Network(address="100.64.0.7")).encrypted
    with pytest.raises(ClusterError, match=r"network.address is 10.0.0.9, and this computer has 192.168.1.20: change"):
        way((WIFI,), Network(address="10.0.0.9"))


@given(st.lists(st.sampled_from(ALL), unique=True), st.sampled_from(["auto", "tailscale", "lan"]))
def test_a_way_goes_over_the_vpn_or_a_private_network_and_is_always_encrypted(addresses, mode) -> None:
    found = way(addresses, Network(mode=mode))
    if found is None:
        assert no_way_in_words(Network(mode=mode))
        return
    kinds = {one.ip: one.kind for one in addresses}
    assert {kinds[one] for one in found.addresses} <= {"tailscale", "lan"}
    assert found.encrypted == (kinds[found.address] != "tailscale")


def test_open_and_closed_ports_are_told_apart() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(20)]
        with socket.create_server(("127.0.0.1", 0)) as gone:
            closed = gone.getsockname()[1]
        found = probe("127.0.0.1", [*ports, closed])
    assert found == dict.fromkeys(ports, "open") | {closed: "closed"}
    assert unreachable(found) == ()


def test_a_port_that_answers_nothing_is_silent_and_in_the_way() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with ExitStack() as stack:  # a full queue drops what comes, as a firewall does
            for _ in range(3):
                one = stack.enter_context(socket.socket())
                one.settimeout(0)
                one.connect_ex(("127.0.0.1", port))
            found = probe("127.0.0.1", [port], seconds=0.2)
    assert found == {port: "silent"}
    assert unreachable(found) == (port,)


def test_where_no_way_leads_nothing_is_open() -> None:
    assert probe("255.255.255.255", [80, 6379], seconds=0.2) == {80: "no way", 6379: "no way"}


def test_what_is_blocked_is_said_with_what_to_do() -> None:
    assert blocked_in_words({6379: "open", 6380: "closed"}, "the head") is None
    assert blocked_in_words({6379: "open", 6381: "silent", 6382: "silent", 6384: "silent"}, "the head") == (
        "nothing gets through to ports 6381-6382, 6384 of the head: open them in its firewall"
    )
    assert blocked_in_words({6379: "silent"}, "the head").startswith(
        "nothing gets through to the head, at port 6379: is"
    )


@given(st.sets(st.integers(1, 60)))
def test_ports_are_written_as_ranges_that_hold_them_all(ports: set[int]) -> None:
    read = set()
    for part in filter(None, as_ranges(ports).split(", ")):
        first, _, last = part.partition("-")
        read |= set(range(int(first), int(last or first) + 1))
    assert read == ports


def test_each_failure_says_what_to_look_at() -> None:
    assert failure_in_words(ConnectionRefusedError(), "10.0.0.2", 6380).startswith(
        "connection refused at 10.0.0.2:6380: is the head running?"
    )
    assert "on and awake" in failure_in_words(TimeoutError(), "10.0.0.2", 6380)
    assert "is Tailscale up here?" in failure_in_words(OSError(101, "unreachable"), "100.64.0.2", 6380)
    assert "head's network? On a Mac" in failure_in_words(OSError(113, "no route"), "192.168.1.2", 6380)
    assert "meet its nodes at another address?" in failure_in_words(ConnectionResetError(), "10.0.0.2", 6380)
