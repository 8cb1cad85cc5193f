"""Which address is on what kind of network."""

from __future__ import annotations

import pytest

from bittrader.host.network import addresses_of, kind_of


@pytest.mark.parametrize(
    ("ip", "interface", "kind"),
    [
        ("127.0.0.1", "lo", "loopback"),
        ("100.101.102.103", "tailscale0", "tailscale"),
        ("100.101.102.103", "utun4", "tailscale"),  # macOS
        ("100.101.102.103", "Tailscale", "tailscale"),  # Windows
        ("100.127.255.254", "ts0", "tailscale"),
        ("100.64.0.9", "wwan0", "lan"),  # a provider's shared address
        ("100.128.0.1", "tailscale0", "public"),  # just outside the range
        ("192.168.1.20", "wlan0", "lan"),
        ("10.1.2.3", "en0", "lan"),
        ("172.17.0.1", "docker0", "virtual"),
        ("172.28.48.1", "vEthernet (WSL)", "virtual"),
        ("192.168.64.1", "bridge100", "virtual"),  # macOS
        ("10.99.0.1", "br0", "lan"),  # a bridge of the owner's own that leads outside
        ("8.8.8.8", "eth0", "public"),
        ("169.254.10.20", "eth0", None),  # nobody gave it an address
    ],
)
def test_an_address_is_of_the_kind_that_its_range_and_interface_say(ip, interface, kind):
    assert kind_of(ip, interface) == kind


def test_the_vpn_comes_before_the_local_network_and_loopback_last():
    found = [("lo", "127.0.0.1"), ("docker0", "172.17.0.1"), ("eth0", "192.168.1.9"), ("eth0", "192.168.1.10"),
             ("eth1", "169.254.1.1"), ("tailscale0", "100.70.1.2")]  # fmt: skip
    assert [one.ip for one in addresses_of(found)] == [
        "100.70.1.2", "192.168.1.9", "192.168.1.10", "172.17.0.1", "127.0.0.1",
    ]  # fmt: skip
