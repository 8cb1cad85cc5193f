"""What becomes of a firewall that its owner stops, or changes, between an installation and its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab.firewalls import fortify
from tests.lab.images import RELEASES
from tests.lab.traces import difference, traces

if TYPE_CHECKING:
    from tests.lab.lab import Lab
    from tests.lab.machine import Machine

pytestmark = pytest.mark.full

PYTHON = Path(sys.prefix, "bin", "python")
_OPEN_AND_CLOSE = """
import sys
from bittrader.install.firewall import FirewalldRules
from bittrader.install.machine import Here, Owner
here = Here(Owner("root"))
vpn = sys.argv[1] == "vpn"
rules = FirewalldRules("bittrader head", ((6379, 6382), (20000, 20099)), "10.77.0.0/16", "eth0", sys.argv[2], vpn)
made = rules.noticing(here)
made.apply(here)
assert made.holds(here)
for line in sys.argv[3:]:
    assert here.run(["sh", "-c", line], root=True).code == 0, line
made.undo(here)
"""


def open_and_close(machine: Machine, kind: str, *meanwhile: str) -> None:
    """Has our rules made on a machine, and taken back after its owner did something."""
    machine.succeed([str(PYTHON), "-c", _OPEN_AND_CLOSE, kind, machine.address, *meanwhile])


@pytest.mark.parametrize("release", RELEASES)
def test_firewalld_is_as_before_once_our_rules_are_gone_whether_it_runs_or_not(lab: Lab, release: str) -> None:
    machine = lab.machine("head", release)
    fortify(machine, "firewalld")
    before = traces(machine)
    open_and_close(machine, "lan")
    assert difference(before, traces(machine)) == ""
    open_and_close(machine, "vpn", "firewall-cmd --reload")
    assert difference(before, traces(machine)) == ""
    open_and_close(machine, "lan", "systemctl stop firewalld")
    machine.succeed("systemctl start firewalld")
    assert difference(before, traces(machine)) == ""


def test_what_the_owner_of_a_firewalld_let_in_meanwhile_stays(lab: Lab) -> None:
    machine = lab.machine("head")
    fortify(machine, "firewalld")
    open_and_close(machine, "lan", "firewall-cmd --permanent --add-service=http")
    left = machine.succeed("firewall-cmd --reload; firewall-cmd --list-all")
    assert "services: dhcpv6-client http ssh" in left
    assert "6379" not in left
