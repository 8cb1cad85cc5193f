"""What a firewall must let in: the ports of this node, from its own network alone, by whichever program guards them.

Nothing is opened to the world. In Tailscale's range the provider of a mobile connection may have customers too: there
the interface, or this computer's own address in it, says that it is the VPN.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Literal

from bittrader.errors import InstallError
from bittrader.install.changes import Change
from bittrader.install.machine import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from bittrader.cluster.identity import Role
    from bittrader.cluster.settings import Ports
    from bittrader.install.machine import Machine, Said

Guard = Literal["ufw", "firewalld", "nftables", "Windows", "macOS"]

PortRange = tuple[int, int]


@dataclass(frozen=True)
class From:
    """The network whose computers may come in."""

    range: str
    """As in 192.168.1.0/24."""
    interface: str
    address: str
    """This computer's own in it."""
    is_vpn: bool

    @property
    def words(self) -> str:
        """The network as a person knows it."""
        return f"{'the VPN' if self.is_vpn else 'the local network'} ({self.range} on {self.interface})"


def opened_ports(role: Role, ports: Ports) -> tuple[PortRange, ...]:
    """Those at which other computers must get through, in ranges."""
    single = {ports.node_manager, ports.object_manager, *((ports.gcs, ports.meeting) if role == "head" else ())}
    merged: list[PortRange] = []
    for first, last in sorted([*((one, one) for one in single), (ports.first_worker, ports.last_worker)]):
        if merged and first == merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def joined(ranges: Sequence[PortRange], by: str) -> str:
    """Ranges as a program takes them: `6379-6382` or `6379:6382`, and single ports as they are."""
    return ",".join(str(first) if first == last else f"{first}{by}{last}" for first, last in ranges)


@dataclass(frozen=True)
class _Opening(Change):
    """Ports that a firewall opens."""

    name: str
    """What the rules are called, so that their owner knows them, and we do."""
    ports: tuple[PortRange, ...]
    source: str
    interface: str
    address: str
    is_vpn: bool

    @property
    def target(self) -> str:
        """Another range, or other ports, are another opening: the old one is closed."""
        here = f" at {self.address}" if self.is_vpn else ""
        return f"{self.name} {joined(self.ports, '-')} {self.source} {self.interface}{here}{self._within}"

    @property
    def _within(self) -> str:
        return ""

    @property
    def words(self) -> str:
        where = From(self.source, self.interface, self.address, self.is_vpn).words
        return f"open TCP ports {joined(self.ports, '-')} to {where} in {named(self.guard)}; to nobody else"

    @property
    def undo_words(self) -> str:
        return f"close TCP ports {joined(self.ports, '-')} in {named(self.guard)} again"

    guard: ClassVar[Guard]


@dataclass(frozen=True)
class UfwRule(_Opening):
    """A rule of ufw."""

    kind: ClassVar[str] = "ufw"
    guard: ClassVar[Guard] = "ufw"

    def apply(self, machine: Machine) -> None:
        require(machine.run(["ufw", *self._rule, "comment", self.name], root=True), "ufw does not take the rule")

    def holds(self, machine: Machine) -> bool | None:
        said = _asked_as_root(machine, "ufw", "show", "added")
        return None if said is None else f"ufw {' '.join(self._rule)}" in said.out

    def undo(self, machine: Machine) -> None:
        said = machine.run(["ufw", "--force", "delete", *self._rule], root=True)
        if said.code and self.holds(machine) is not False:
            raise InstallError(f"ufw keeps the rule {self.name}: {said.why}")

    @property
    def _rule(self) -> tuple[str, ...]:
        where = ("on", self.interface, "from", self.source, "to", "any")
        return ("allow", "in", *where, "port", joined(self.ports, ":"), "proto", "tcp")


_NOW, _KEPT, _OFFLINE = ("firewall-cmd",), ("firewall-cmd", "--permanent"), ("firewall-offline-cmd",)
_STOPPED = 252
"""What firewall-cmd ends with while firewalld does not run."""
_ZONES, _ZONES_THAT_CAME, _EARLIER = "/etc/firewalld/zones", "/usr/lib/firewalld/zones", ".old"


@dataclass(frozen=True)
class FirewalldRules(_Opening):
    """Rich rules of firewalld, one a range of ports, for now and for after the next start."""

    kind: ClassVar[str] = "firewalld"
    guard: ClassVar[Guard] = "firewalld"
    zone: str = ""
    """Empty: the default one."""
    made: tuple[str, ...] = ()
    """The files of the zone that were not there."""

    @property
    def _within(self) -> str:
        return f" {self.zone}"

    def noticing(self, machine: Machine) -> Self:
        """With the first rule firewalld writes a file for a zone that had none; with each more, the one before it.

        Files in which our rules are already are our own, whose receipt was lost.
        """
        asked = machine.run(["firewall-cmd", "--get-default-zone"], root=True)
        zone = self.zone or require(asked, "firewalld does not name its zone").out.strip()
        files = (f"{_ZONES}/{zone}.xml", f"{_ZONES}/{zone}.xml{_EARLIER}")
        ours = self.holds(machine)
        made = tuple(one for one in files if ours or machine.run(["test", "-e", one], root=True).code)
        return replace(self, made=made)

    def apply(self, machine: Machine) -> None:
        for words in self._all("--add-rich-rule"):
            require(machine.run(words, root=True), "firewalld does not take the rule")

    def holds(self, machine: Machine) -> bool | None:
        asked = [_asked_as_root(machine, *words) for words in self._all("--query-rich-rule")]
        known = [one.code == 0 for one in asked if one is not None]
        return all(known) if len(known) == len(asked) else None

    def undo(self, machine: Machine) -> None:
        """While firewalld does not run, what it keeps for its next start is taken out of its files."""
        stopped = machine.run(["firewall-cmd", "--state"], root=True).code == _STOPPED
        programs = (_OFFLINE,) if stopped else (_NOW, _KEPT)
        queries, removals = (self._all(f"--{one}-rich-rule", programs) for one in ("query", "remove"))
        for query, remove in zip(queries, removals, strict=True):
            if machine.run(query, root=True).code == 0:
                require(machine.run(remove, root=True), f"firewalld keeps the rule of {self.name}")
        for file in self.made:
            if file.endswith(_EARLIER) or _is_as_it_came(file, machine):  # firewalld notices that by itself
                machine.remove(file, root=True)

    def _all(self, what: str, programs: Sequence[tuple[str, ...]] = (_NOW, _KEPT)) -> Iterator[list[str]]:
        zone = [f"--zone={self.zone}"] if self.zone else []
        for rule in self._rules:
            for program in programs:
                yield [*program, *zone, f"{what}={rule}"]

    @property
    def _rules(self) -> Iterator[str]:
        here = f' destination address="{self.address}"' if self.is_vpn else ""
        for ports in self.ports:
            port = f'port port="{joined([ports], "-")}" protocol="tcp"'
            yield f'rule family="ipv4" source address="{self.source}"{here} {port} accept'


def _is_as_it_came(file: str, machine: Machine) -> bool:
    """Whether a zone that is kept in a file says what the zone says that came with firewalld."""
    came = machine.read(f"{_ZONES_THAT_CAME}/{PurePosixPath(file).name}")
    kept = machine.run(["cat", file], root=True)
    return came is not None and kept.code == 0 and _told(came) == _told(kept.out)


def _told(zone: str) -> list[str]:
    """What a zone's file says, however it is laid out."""
    return sorted(re.findall(r"[^\s<>/]+", zone))


@dataclass(frozen=True)
class NftRule(_Opening):
    """A rule at the top of the chain by which nftables drops what comes in, until the rules are loaded anew."""

    kind: ClassVar[str] = "nftables"
    guard: ClassVar[Guard] = "nftables"
    family: str = "inet"
    table: str = "filter"
    chain: str = "input"

    @property
    def _within(self) -> str:
        return f" {' '.join(self._place)}"

    def apply(self, machine: Machine) -> None:
        if not self._handles(machine):
            require(machine.run(["nft", *self.words_of_nft], root=True), "nftables does not take the rule")

    def holds(self, machine: Machine) -> bool | None:
        said = _asked_as_root(machine, *self._list)
        return None if said is None else bool(self._in(said))

    def undo(self, machine: Machine) -> None:
        for handle in self._handles(machine):
            words = ["nft", "delete", "rule", *self._place, "handle", str(handle)]
            require(machine.run(words, root=True), f"nftables keeps the rule of {self.name}")

    @property
    def words_of_nft(self) -> list[str]:
        """The rule, as words for nft and as a line of its files."""
        ports = "{ " + joined(self.ports, "-").replace(",", ", ") + " }"
        match = ["iifname", f'"{self.interface}"', "ip", "saddr", self.source, "tcp", "dport", ports]
        return ["insert", "rule", *self._place, *match, "accept", "comment", f'"{self.name}"']

    @property
    def _place(self) -> tuple[str, str, str]:
        return self.family, self.table, self.chain

    @property
    def _list(self) -> tuple[str, ...]:
        return ("nft", "--json", "--handle", "list", "chain", *self._place)

    def _handles(self, machine: Machine) -> list[int]:
        return self._in(machine.run(self._list, root=True))

    def _in(self, said: Said) -> list[int]:
        """The rules of our name in a chain; none where the chain is gone."""
        if said.code:
            return []
        rules = [one["rule"] for one in json.loads(said.out)["nftables"] if "rule" in one]
        return [int(rule["handle"]) for rule in rules if rule.get("comment") == self.name]


@dataclass(frozen=True)
class WindowsRule(_Opening):
    """A rule of Windows' firewall, for private networks."""

    kind: ClassVar[str] = "netsh"
    guard: ClassVar[Guard] = "Windows"

    @property
    def words(self) -> str:
        return f"{super().words}, and while Windows calls that network private"

    def apply(self, machine: Machine) -> None:
        self.undo(machine)  # netsh would make a second one of the same name
        rule = ["dir=in", "action=allow", "protocol=TCP", f"localport={joined(self.ports, '-')}"]
        words = ["netsh", *self._firewall, "add", "rule", self._name, *rule, f"remoteip={self.source}"]
        require(machine.run([*words, "profile=private"], root=True), "Windows' firewall does not take the rule")

    def holds(self, machine: Machine) -> bool | None:
        return machine.run(["netsh", *self._firewall, "show", "rule", self._name]).code == 0

    def undo(self, machine: Machine) -> None:
        if self.holds(machine):
            words = ["netsh", *self._firewall, "delete", "rule", self._name]
            require(machine.run(words, root=True), f"Windows' firewall keeps the rule {self.name}")

    @property
    def _name(self) -> str:
        return f"name={self.name}"

    _firewall: ClassVar[tuple[str, str]] = ("advfirewall", "firewall")


def named(guard: Guard) -> str:
    """A firewall as people know it."""
    return "the firewall of Windows" if guard == "Windows" else guard


def _asked_as_root(machine: Machine, *words: str) -> Said | None:
    """What a program says that answers only to root; None where nobody may ask it."""
    try:
        return machine.run(words, root=True)
    except InstallError:
        return None


def guarding_chain(ruleset: str) -> tuple[str, str, str] | None:
    """The chain by which nftables drops what comes in, in what `nft --json list ruleset` prints; None if none does."""
    items = json.loads(ruleset)["nftables"]
    chains = [one["chain"] for one in items if "chain" in one]
    rules = [one["rule"] for one in items if "rule" in one]
    for chain in chains:
        place = (str(chain["family"]), str(chain["table"]), str(chain["name"]))
        if chain.get("hook") != "input" or chain.get("type") != "filter" or place[0] not in ("inet", "ip"):
            continue
        own = [rule for rule in rules if (rule["family"], rule["table"], rule["chain"]) == place]
        if chain.get("policy") == "drop" or any(_refuses(rule) for rule in own):
            return place
    return None


def _refuses(rule: dict[str, list[dict[str, object]]]) -> bool:
    """Whether a rule drops whatever reaches it, without a condition."""
    told = [name for one in rule.get("expr", []) for name in one if name not in ("counter", "log", "limit")]
    return told in (["drop"], ["reject"])
