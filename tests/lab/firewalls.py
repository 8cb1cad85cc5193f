"""Real firewalls for the lab's machines, and who gets through them.

Each lets in whom it lets in on a server as people have it: whoever comes to port 22, and nobody else.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.lab.network import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.lab import Lab
    from tests.lab.machine import Machine

Guard = Literal["ufw", "firewalld", "nftables"]

FREE = 22
"""The port that all of them leave open."""

_FAR = "10.78.0.5"
"""An address outside of the network's range."""
_NFTABLES_CONF = f"""\
#!/usr/sbin/nft -f

flush ruleset

table inet filter {{
	chain input {{
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ip protocol icmp accept
		tcp dport {FREE} accept
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
	}}
	chain output {{
		type filter hook output priority filter;
	}}
}}
"""
_FORTIFY: dict[Guard, str] = {
    "ufw": f"ufw allow {FREE}/tcp && ufw --force enable",
    "firewalld": "systemctl enable --now firewalld",
    "nftables": "systemctl enable --now nftables",
}
_LOAD_ANEW: dict[Guard, str] = {
    "ufw": "ufw reload",
    "firewalld": "firewall-cmd --reload",
    "nftables": "systemctl reload nftables",
}
_LISTEN = f"""
import socket, time
door = socket.create_server(("", {FREE}))
print("open", flush=True)
time.sleep(600)
"""
_KNOCK = """
import asyncio, json, sys
async def opens(source, target, port):
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(target, port, local_addr=(source, 0))
    except OSError:
        return False
    writer.close()
    return True
async def main():
    print(json.dumps(await asyncio.gather(*(opens(*one) for one in json.load(sys.stdin)))))
asyncio.run(main())
"""


def fortify(machine: Machine, guard: Guard) -> None:
    """Has a firewall stand before a machine, from now on and after each start."""
    if guard == "nftables":
        (machine.root / "etc/nftables.conf").write_text(_NFTABLES_CONF)
    machine.succeed(_FORTIFY[guard])


def load_anew(machine: Machine, guard: Guard) -> None:
    """Has a firewall read its rules again, as its owner does after a change of theirs."""
    machine.succeed(_LOAD_ANEW[guard])


@dataclass(frozen=True)
class Open:
    """The ports of a machine at which somebody listens and a caller gets in."""

    near: frozenset[int]
    """One from the network's range."""
    far: frozenset[int]
    """One from outside of it."""


class Caller:
    """A host that comes to the doors of others, from the network's range and from outside of it."""

    def __init__(self, lab: Lab) -> None:
        self._host = lab.host("caller")
        self._host.succeed(["ip", "address", "add", f"{_FAR}/{PREFIX}", "dev", "eth0"])

    def calls(self, machines: Sequence[Machine]) -> dict[str, Open]:
        """What is open, by machine. Port 22 of each is listened at meanwhile: so far callers, too, get an answer."""
        with ExitStack() as guests:
            for machine in machines:
                guests.enter_context(_answering(machine))
            ports = {machine.name: _listened_at(machine) for machine in machines}
            near = [(self._host.address, one.address, port) for one in machines for port in ports[one.name]]
            far = [(_FAR, address, port) for _, address, port in near]
            answers = json.loads(self._host.succeed([sys.executable, "-c", _KNOCK], stdin=json.dumps([*near, *far])))
        got_in = {ask for ask, answer in zip([*near, *far], answers, strict=True) if answer}
        return {
            one.name: Open(
                near=frozenset(port for source, to, port in got_in if to == one.address and source != _FAR),
                far=frozenset(port for source, to, port in got_in if to == one.address and source == _FAR),
            )
            for one in machines
        }


@contextmanager
def _answering(machine: Machine) -> Iterator[None]:
    """Has a machine listen at the free port, and know the way to far callers."""
    way = [f"{_FAR}/32", "dev", "eth0"]
    machine.succeed(["ip", "route", "replace", *way])
    running = machine.start(["python3", "-c", _LISTEN]).says("open")
    try:
        yield
    finally:
        running.kill()
        machine.succeed(["ip", "route", "delete", *way])


def _listened_at(machine: Machine) -> list[int]:
    """The TCP ports at which a machine listens to others."""
    lines = machine.succeed(["ss", "-H", "-l", "-t", "-n"]).splitlines()
    places = (line.split()[3].rsplit(":", 1) for line in lines)
    return sorted({int(port) for address, port in places if address in ("*", "0.0.0.0", machine.address)})
