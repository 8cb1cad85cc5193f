"""How the nodes reach each other: which address a computer goes by, and whether its ports can be reached."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Literal, TypeAlias

from bittrader.cluster.invite import MOST_ADDRESSES
from bittrader.errors import ClusterError
from bittrader.host.network import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bittrader.cluster.settings import Network
    from bittrader.host.base import Address

Outcome: TypeAlias = Literal["open", "closed", "silent", "no way"]
"""What became of a connection: taken; refused, so that packets get there but nobody listens; no answer at all, as from
behind a firewall; or this computer knows no way there."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a computer takes part in the network of the cluster."""

    address: str
    """The one that its Ray node goes by."""
    others: tuple[str, ...]
    """Where else it can be met."""
    encrypted: bool
    """Whether Ray must encrypt its connections itself, because the network does not."""
    reason: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, the best first, as a join code holds them."""
        return (self.address, *self.others)[:MOST_ADDRESSES]


def way(addresses: Sequence[Address], wanted: Network) -> Way | None:
    """How a computer with these addresses takes part, as its owner wants it; None while it has no fit network.

    ClusterError when the owner wants an address that the computer does not have.
    """
    vpn = [one.ip for one in addresses if one.kind == "tailscale"]
    lan = [one.ip for one in addresses if one.kind == "lan"]
    if wanted.address:
        if wanted.address not in [one.ip for one in addresses]:
            has = ", ".join(one.ip for one in addresses) or "none"
            raise ClusterError(f"network.address is {wanted.address}, and this computer has {has}: change the setting")
        return Way(wanted.address, (), encrypted=wanted.address not in vpn, reason="the settings name it")
    if vpn and wanted.mode != "lan":
        return Way(vpn[0], tuple(lan) if wanted.mode == "auto" else (), encrypted=False, reason="Tailscale is up")
    if lan and wanted.mode != "tailscale":
        why = "the settings want the local network" if wanted.mode == "lan" else "Tailscale is not up"
        return Way(lan[0], tuple(lan[1:]), encrypted=True, reason=why)
    return None


def no_way_in_words(wanted: Network) -> str:
    """Why there is no way, and what to do."""
    if wanted.mode == "tailscale":
        return "Tailscale is not up on this computer: `tailscale up`, or set network.mode to auto"
    if wanted.mode == "lan":
        return "this computer is in no local network: check its cable or Wi-Fi"
    return "this computer is in no local network and Tailscale is not up: check its cable, its Wi-Fi, or `tailscale up`"


def probe(address: str, ports: Iterable[int], seconds: float = 2.0) -> dict[int, Outcome]:
    """What becomes of a connection to each port of an address, all tried at once, within so many seconds."""
    found: dict[int, Outcome] = {}
    with selectors.DefaultSelector() as waiting:
        for port in ports:
            one = socket.socket()
            one.settimeout(0)
            error = one.connect_ex((address, port))
            if error in _UNDER_WAY:
                found[port] = "silent"  # until something is heard
                waiting.register(one, selectors.EVENT_WRITE, port)
            else:
                found[port] = _outcome(error)
                one.close()
        try:
            _wait(waiting, found, time.monotonic() + seconds)
        finally:
            for key in list(waiting.get_map().values()):
                _socket(key).close()
    return found


def _wait(waiting: selectors.BaseSelector, found: dict[int, Outcome], end: float) -> None:
    while waiting.get_map() and (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            one = _socket(key)
            found[key.data] = _outcome(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            waiting.unregister(one)
            one.close()


def _socket(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


# Windows has numbers of its own for these.
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, 10035}
_REFUSED = {errno.ECONNREFUSED, errno.ECONNRESET, 10061, 10054}
_TIMED_OUT = {errno.ETIMEDOUT, 10060}
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, 10051, 10065, 10050, 10049}


def _outcome(error: int) -> Outcome:
    if not error:
        return "open"
    if error in _REFUSED:
        return "closed"
    return "silent" if error in _TIMED_OUT else "no way"


def unreachable(found: Mapping[int, Outcome]) -> tuple[int, ...]:
    """The ports to which no packet gets through. One where nobody listens just now is no obstacle."""
    return tuple(port for port, outcome in found.items() if outcome in ("silent", "no way"))


def blocked_in_words(found: Mapping[int, Outcome], there: str) -> str | None:
    """Which ports of the computer called `there` nothing gets through to, and what to do; None when all let it in."""
    blocked = unreachable(found)
    if not blocked:
        return None
    ports = f"port {as_ranges(blocked)}" if len(blocked) == 1 else f"ports {as_ranges(blocked)}"
    if len(blocked) == len(found):
        return f"nothing gets through to {there}, at {ports}: is it on, in this network, and open in its firewall?"
    return f"nothing gets through to {ports} of {there}: open them in its firewall"


def as_ranges(ports: Iterable[int]) -> str:
    """Ports as people write them: `6379, 20000-20099`."""
    ranges: list[list[int]] = []
    for port in sorted(ports):
        if ranges and port == ranges[-1][1] + 1:
            ranges[-1][1] = port
        else:
            ranges.append([port, port])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


_NO_VPN = "is Tailscale up here?"
_NO_LAN = "is this the head's network? On a Mac, System Settings must let this program into the local network"


def failure_in_words(error: OSError, address: str, port: int) -> str:
    """Why no connection came about, and what to look at."""
    place = f"{address}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused at {place}: is the head running? Does its firewall refuse the port?"
    if isinstance(error, TimeoutError):
        return f"no answer from {place}: is that computer on and awake? Does its firewall let the port in?"
    if isinstance(error, ConnectionError):
        return f"the connection to {place} was closed: does the head meet its nodes at another address?"
    if error.errno in _NO_WAY:
        vpn = IPv4Address(address) in SHARED
        return f"no way from here to {place}: " + (_NO_VPN if vpn else _NO_LAN)
    return f"no connection to {place}: {error.strerror or error}"
