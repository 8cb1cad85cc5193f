"""What kind of network an address is on."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from bittrader.host.base import Address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bittrader.host.base import Kind

SHARED = IPv4Network("100.64.0.0/10")
"""Given by Tailscale, and by providers that have too few addresses: the interface decides between the two."""
_TAILSCALE = re.compile(r"tailscale|ts\d|utun", re.IGNORECASE)
_VIRTUAL = re.compile(
    r"docker|br-|veth|virbr|lxc|lxd|cni|flannel|podman|vmnet|vboxnet|bridge\d|vethernet|virtualbox|vmware",
    re.IGNORECASE,
)
_BEST_FIRST: tuple[Kind, ...] = ("tailscale", "lan", "public", "virtual", "loopback")


def kind_of(ip: str, interface: str) -> Kind | None:
    """The kind of an IPv4 address on an interface, None for one that nobody can be reached at."""
    address = IPv4Address(ip)
    if address.is_loopback:
        return "loopback"
    if address.is_link_local or address.is_unspecified or address.is_multicast:
        return None
    if address in SHARED:
        return "tailscale" if _TAILSCALE.match(interface) else "lan"
    if _VIRTUAL.match(interface):
        return "virtual"
    return "lan" if address.is_private else "public"


def addresses_of(found: Iterable[tuple[str, str]]) -> tuple[Address, ...]:
    """The addresses among pairs of an interface and an IPv4 address, the best to be found at first."""
    kinds = [(interface, ip, kind_of(ip, interface)) for interface, ip in found]
    known = [Address(ip, interface, kind) for interface, ip, kind in kinds if kind is not None]
    return tuple(sorted(known, key=lambda one: (_BEST_FIRST.index(one.kind), one.interface, IPv4Address(one.ip))))
