"""What is found out of a computer before anything is done to it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.install.machines import FakeMachine

from bittrader import host
from bittrader.cluster.config_file import set_key
from bittrader.cluster.identity import folder_of, identity, other_role
from bittrader.cluster.settings import Network
from bittrader.errors import InstallError
from bittrader.host.base import Address
from bittrader.install import facts
from bittrader.install.firewall import From
from bittrader.install.machine import Owner, Said
from bittrader.install.receipt import Receipt
from bittrader.install.systemd import Linger, unit_path

RULESET = json.dumps({"nftables": [{"chain": {
    "family": "ip", "table": "t", "name": "in", "hook": "input", "type": "filter", "policy": "drop",
}}]})  # fmt: skip


@dataclass
class Says(FakeMachine):
    """A computer whose programs say what is given."""

    said: dict[str, Said] = field(default_factory=dict)

    def run(self, words, *, root=False):
        return self.said.get(" ".join(words), Said(127))


VPN = Address("100.101.102.103", "tailscale0", "tailscale")
LAN = Address("192.168.1.20", "en0", "lan")
RANGES = {"192.168.1.20": "192.168.1.0/24", "100.101.102.103": "100.101.102.103/32"}


def test_with_tailscale_the_others_are_in_the_vpn_and_not_in_the_local_network() -> None:
    found = facts.network_of((VPN, LAN), RANGES, Network())
    assert found == From("100.64.0.0/10", "tailscale0", "100.101.102.103", is_vpn=True)


def test_without_it_they_are_in_the_local_network() -> None:
    assert facts.network_of((LAN,), RANGES, Network()) == From("192.168.1.0/24", "en0", "192.168.1.20", is_vpn=False)


@pytest.mark.parametrize(("addresses", "wanted"), [
    ((), Network()),
    ((Address("8.8.8.8", "eth0", "public"),), Network(address="8.8.8.8")),  # the world is no network of ours
    ((LAN,), Network(mode="tailscale")),
    ((LAN,), Network(address="10.0.0.1")),
    ((Address("192.168.1.21", "en0", "lan"),), Network()),  # whose range the system does not tell
])  # fmt: skip
def test_where_there_is_no_network_of_ours_nothing_can_be_opened(addresses, wanted) -> None:
    assert facts.network_of(addresses, RANGES, wanted) is None


@pytest.mark.parametrize(("files", "said", "is_root", "guard"), [
    ({"/etc/ufw/ufw.conf": "# it\nENABLED=yes\n"}, {}, False, "ufw"),
    ({"/etc/ufw/ufw.conf": "ENABLED=no\n"}, {}, False, None),
    ({}, {"systemctl is-active --quiet firewalld": Said(0)}, False, "firewalld"),
    ({}, {"nft --json list ruleset": Said(0, RULESET)}, True, "nftables"),
    ({}, {"nft --json list ruleset": Said(0, '{"nftables": []}')}, True, None),
    ({}, {"nft --json list ruleset": Said(0, RULESET)}, False, None),
    ({"/etc/nftables.conf": ""}, {"systemctl is-enabled --quiet nftables": Said(0)}, False, "nftables"),
    ({}, {}, True, None),
])  # fmt: skip
def test_the_firewall_that_is_in_force_is_found(files, said, is_root, guard) -> None:
    found, chain = facts._guard("Linux", Says(files=files, said=said), is_root=is_root)
    assert found == guard
    assert chain == (("ip", "t", "in") if guard == "nftables" and is_root else None)


@pytest.mark.parametrize(
    ("said", "is_on"),
    [
        ("Firewall is enabled. (State = 1)", True),
        ("Firewall is disabled. (State = 0)", False),
        ("", False),
    ],
)
def test_the_firewall_of_macos_says_whether_it_is_on(said, is_on) -> None:
    program = "/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate"
    assert facts.mac_firewall_is_on(Says(said={program: Said(0, said)})) is is_on


def test_that_of_windows_is_always_there() -> None:
    assert facts._guard("Windows", Says(), is_root=False) == ("Windows", None)


def test_systemd_counts_only_where_it_runs_the_computer() -> None:
    said = {"systemctl --version": Said(0, "systemd 252 (252.39-1~deb12u2)\n+PAM")}
    assert facts.systemd_version(Says(said=said)) is None
    assert facts.systemd_version(Says(said=said, folders={"/run/systemd/system"})) == 252


def test_the_zone_is_that_of_the_networks_interface() -> None:
    network = From("192.168.1.0/24", "eth0", "192.168.1.20", is_vpn=False)
    said = {"firewall-cmd --get-zone-of-interface=eth0": Said(0, "home\n")}
    assert facts._zone(Says(said=said), network) == "home"
    assert facts._zone(Says(), network) == ""


def other_of(role: str, machine: FakeMachine, note: str = ""):
    """What the other role's receipt says, which may hold one change."""
    ana, other = Owner("ana", 1000, 1000), other_role(role)
    if note:
        unit = unit_path(role, "user", str(Path.home()))
        receipt = Receipt(machine, str(folder_of(other) / "receipt.json"))
        receipt.note(Linger(note, unit, before=True), "done")
    return facts._other_receipt(role, machine, ana)


def test_the_other_role_tells_whether_services_went_on_before() -> None:
    machine = FakeMachine()
    assert facts._lingered(other_of("worker", machine)) is None
    assert facts._lingered(other_of("worker", machine, "ana")) is True


def test_a_receipt_of_the_other_role_that_names_what_is_not_ours_says_nothing() -> None:
    assert facts._lingered(other_of("worker", FakeMachine(), "root")) is None


def test_the_other_role_is_a_rival_if_it_wants_the_same_ports() -> None:
    machine = FakeMachine()
    assert not facts._has_rival(other_of("head", machine), "head")
    receipt = other_of("head", machine, "ana")
    assert facts._has_rival(receipt, "head")
    set_key(folder_of("head"), "network.ports.node_manager", "7001")
    assert facts._has_rival(receipt, "head")
    set_key(folder_of("head"), "network.ports.object_manager", "7002")
    assert not facts._has_rival(receipt, "head")


def test_the_other_role_is_a_rival_also_where_it_was_started_by_hand() -> None:
    receipt = other_of("worker", FakeMachine())
    assert not facts._has_rival(receipt, "worker")
    identity(folder_of("head"), "head", "desk")
    assert facts._has_rival(receipt, "worker")


class Entry(NamedTuple):
    """What a system knows of a user."""

    pw_name: str
    pw_uid: int
    pw_gid: int
    pw_dir: str


def test_with_sudo_the_node_is_of_who_called_it(monkeypatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os, "getresuid", lambda: (0, 0, 0))
    monkeypatch.setattr("pwd.getpwnam", lambda name: Entry(name, 1000, 1001, "/home/ana"))
    monkeypatch.setenv("SUDO_USER", "ana")
    monkeypatch.setenv("HOME", "/root")
    assert facts.owner_here() == Owner("ana", 1000, 1001)
    assert os.environ["HOME"] == "/home/ana"


def test_a_caller_whom_nobody_knows_is_said_in_one_line(monkeypatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os, "getresuid", lambda: (0, 0, 0))
    monkeypatch.setenv("SUDO_USER", "no-such-user-here")
    with pytest.raises(InstallError, match="knows no user no-such-user-here"):
        facts.owner_here()


def test_without_sudo_it_is_of_who_runs_it(monkeypatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getresuid", lambda: (1000, 1000, 1000))
    monkeypatch.setattr("pwd.getpwuid", lambda uid: Entry("ana", uid, 1001, "/home/ana"))
    monkeypatch.setenv("SUDO_USER", "somebody")  # as left over from a shell that sudo started
    monkeypatch.setenv("HOME", "/elsewhere")
    assert facts.owner_here() == Owner("ana", 1000, 1001)
    assert os.environ["HOME"] == "/elsewhere"


def test_a_root_without_sudo_has_the_home_that_is_set_as_every_user_has(monkeypatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os, "getresuid", lambda: (0, 0, 0))
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("HOME", "/elsewhere")
    assert facts.owner_here().uid == 0
    assert os.environ["HOME"] == "/elsewhere"


def test_this_computer_can_be_described() -> None:
    found = facts.facts_of("head", FakeMachine(), facts.owner_here())
    assert found.system == host.current().name
    assert found.folder == str(folder_of("head"))
    assert found.moved == os.environ["BITTRADER_HOME"]


def test_every_address_of_this_computer_has_its_range() -> None:
    assert host.current().ranges()["127.0.0.1"] == "127.0.0.0/8"
