"""The lab's network: a bridge in a network namespace of its own, from which no way leads outside, and cables to it."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.shell import LabError, Running, succeed

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK = "10.77"
PREFIX = 16
GATEWAY = f"{NETWORK}.0.1"
BRIDGE = "br0"
RELAY = Path(__file__).with_name("relay.py")


@dataclass(frozen=True)
class Traffic:
    """Bytes that a host sent and received, the frames' headers included."""

    sent: int
    received: int

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(self.sent - earlier.sent, self.received - earlier.received)

    @property
    def both(self) -> int:
        return self.sent + self.received


class Network:
    """A bridge with the address 10.77.0.1 in a namespace of its own, which forwards nothing."""

    def __init__(self, lab: str, folder: Path) -> None:
        self.namespace = lab
        self.folder = folder
        self._ports = count(1)
        self._fresh = count(1)
        self._names: dict[str, str] = {}
        succeed("ip", "netns", "add", lab)
        succeed("ip", "netns", "exec", lab, "sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.ip("address", "add", f"{GATEWAY}/{PREFIX}", "dev", BRIDGE)
        self.ip("link", "set", BRIDGE, "up")

    def ip(self, *words: str) -> str:
        """Runs `ip` where the bridge is."""
        return succeed("ip", "-n", self.namespace, *words)

    def links(self) -> set[str]:
        """The names of all links beside the bridge."""
        return {link["ifname"] for link in json.loads(self.ip("-j", "link", "show"))}

    def cable(self, name: str, address: str | None) -> Cable:
        """A new cable for a host of that name; its address is 10.77.0.11 for the first, and so on."""
        port = next(self._ports)
        cable = Cable(self, name, port, address or f"{NETWORK}.0.{10 + port}")
        self.announce(name, cable.address)
        return cable

    def fresh_address(self) -> str:
        """An address that no host had before."""
        return f"{NETWORK}.1.{next(self._fresh)}"

    @property
    def hosts_file(self) -> Path:
        """What every host sees as /etc/hosts."""
        return self.folder / "names"

    def announce(self, name: str, address: str) -> None:
        """Lets all hosts know that address by name. (Written in place: the hosts have this very file mounted.)"""
        self._names[name] = address
        lines = ["127.0.0.1 localhost", "::1 localhost", *(f"{at} {who}" for who, at in self._names.items())]
        self.hosts_file.write_text("\n".join(lines) + "\n")

    def close(self) -> None:
        """Removes the namespace, and with it the bridge and every cable."""
        succeed("ip", "netns", "delete", self.namespace)


class Cable:
    """The way from a host to the bridge. `port` is its end at the bridge; the host's end is `eth0`."""

    def __init__(self, network: Network, name: str, number: int, address: str) -> None:
        self.network = network
        self.name = name
        self.number = number
        self.address = address
        self.port = f"c{number}"
        self.plugged = False
        self._relay: Running | None = None

    @property
    def hardware_address(self) -> str:
        """Of the host's end, the same after each start: else the others would look for it in vain for a while."""
        return f"02:77:00:00:00:{self.number:02x}"

    def plug(self) -> None:
        """Connects a port that was just made (the host was switched on)."""
        self.join()

    def cut(self, *, silently: bool = False) -> None:
        """Lets nothing through. Silently: the host still sees a carrier, as when the cable breaks behind its router."""
        self.plugged = False
        if silently:
            self.network.ip("link", "set", self.port, "nomaster")
        else:
            self.network.ip("link", "set", self.port, "down")

    def join(self) -> None:
        """Lets all through."""
        self.network.ip("link", "set", self.port, "master", self._bridge, "up")
        self.plugged = True

    def rename(self, address: str) -> None:
        """Notes the host's new address."""
        self.address = address
        self.network.announce(self.name, address)

    def traffic(self) -> Traffic:
        """What the host sent and received, as counted at the port."""
        (link,) = json.loads(self.network.ip("-s", "-j", "link", "show", "dev", self.port))
        return Traffic(sent=link["stats64"]["rx"]["bytes"], received=link["stats64"]["tx"]["bytes"])

    def delay(self, milliseconds: float, loss: float) -> None:
        """Puts a relay between the port and the bridge, which holds every frame back; 0 and 0 take it away."""
        self._stop_relay()
        if milliseconds or loss:
            self._start_relay(milliseconds, loss)
        if self.plugged:
            self.join()

    def close(self) -> None:
        self._stop_relay()

    @property
    def _bridge(self) -> str:
        return f"r{self.number}" if self._relay else BRIDGE

    def _start_relay(self, milliseconds: float, loss: float) -> None:
        near, far = f"a{self.number}", f"b{self.number}"
        words = [sys.executable, "-I", str(RELAY), near, far, str(milliseconds / 2), str(loss)]
        inside = ["nsenter", f"--net=/run/netns/{self.network.namespace}", "--", *words]
        log = self.network.folder / f"relay-{self.name}.log"
        self._relay = Running(inside, log, " ".join(words), {}).says("relaying", 10)
        self.network.ip("link", "add", self._bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.network.ip("link", "set", near, "master", self._bridge, "up")
        self.network.ip("link", "set", far, "master", BRIDGE, "up")
        self.network.ip("link", "set", self._bridge, "up")

    def _stop_relay(self) -> None:
        if self._relay is None:
            return
        if not self._relay.alive:
            raise LabError(f"the relay of {self.name} had ended\n{self._relay.text}")
        bridge = self._bridge
        self._relay.kill(signal.SIGTERM)
        self._relay.wait(10)
        self._relay = None
        self.network.ip("link", "delete", bridge)


def no_way_out(namespace: str, ask: Callable[..., str] = succeed) -> bool:
    """Whether the namespace has nothing but the bridge, its cables and itself."""
    links = json.loads(ask("ip", "-n", namespace, "-j", "link", "show"))
    return {link["ifname"][0] for link in links} <= set("lbcar")
