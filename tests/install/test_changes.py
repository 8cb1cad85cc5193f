"""The contract of every kind of change, on a computer in memory, and of those to files on this one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.install.machines import LAN, VPN, FakeMachine

from bittrader.errors import InstallError
from bittrader.install.changes import Block, Change, Link, WriteFile
from bittrader.install.firewall import FirewalldRules, NftRule, UfwRule, WindowsRule
from bittrader.install.launchd import Agent, agent
from bittrader.install.machine import Here, Owner
from bittrader.install.receipt import KINDS
from bittrader.install.systemd import Linger, Running, UnitFile
from bittrader.install.task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORTS = ((6379, 6382), (20_000, 20_099))
UNIT = "/home/ana/.config/systemd/user/bittrader-head.service"
AGENT = "/Users/ana/Library/LaunchAgents/bittrader.head.plist"


def from_(where: object) -> tuple[object, ...]:
    return ("bittrader head", PORTS, where.range, where.interface, where.address, where.is_vpn)


def plain() -> FakeMachine:
    return FakeMachine()


def lingering() -> FakeMachine:
    return FakeMachine(files={"/var/lib/systemd/linger/ana": ""})


def with_unit() -> FakeMachine:
    machine = FakeMachine(files={UNIT: "", "/var/lib/systemd/linger/ana": ""})
    machine.run(["systemctl", "--user", "daemon-reload"])
    return machine


def with_agent() -> FakeMachine:
    return FakeMachine(files={AGENT: agent("head", ("python",), "/Users/ana/.bittrader_head", "/Users/ana")})


def with_rules() -> FakeMachine:
    return FakeMachine(files={"/etc/nftables.conf": "flush ruleset\n"}, modes={"/etc/nftables.conf": 0o755})


ZONE, KEPT = "<zone>\n<service name='ssh'/>", "/etc/firewalld/zones/home.xml"


def with_zone() -> FakeMachine:
    """A firewalld whose zone is as it came."""
    return FakeMachine(files={"/usr/lib/firewalld/zones/home.xml": ZONE})


def with_own_zone() -> FakeMachine:
    """One whose owner has made a zone of their own."""
    return FakeMachine(files={KEPT: "<zone>\n<service name='cups'/>"})


CASES: list[tuple[Callable[[], FakeMachine], Change]] = [
    (plain, WriteFile("/home/ana/a/b/c", "text", "what it is")),
    (lambda: FakeMachine(files={"/home/ana/c": "another's"}), WriteFile("/home/ana/c", "text", "what it is")),
    (plain, WriteFile("C:\\Users\\ana\\t\\task.xml", "<a/>", "what it is", utf16=True)),
    (plain, Link("/home/ana/.local/bin/bittrader", "/there", "what it is")),
    (with_rules, Block("/etc/nftables.conf", "bittrader head", "a line\n", "what it is", root=True)),
    (lingering, UnitFile(UNIT, "[Unit]\n", "the service")),
    (with_unit, Running("bittrader-head.service", "user", "0" * 16)),
    (plain, Linger("ana", "/other.service")),
    (lingering, Linger("ana", "/other.service")),
    (with_agent, Agent("bittrader.head", AGENT, 501, "0" * 16)),
    (with_agent, Agent("bittrader.head", AGENT, 502, "0" * 16)),  # nobody at the screen
    (plain, ScheduledTask("Bittrader head", "C:\\task.xml", "0" * 16)),
    (plain, UfwRule(*from_(VPN))),
    (with_zone, FirewalldRules(*from_(LAN), zone="home")),
    (with_own_zone, FirewalldRules(*from_(LAN), zone="home")),
    (lambda: FakeMachine(files={"/usr/lib/firewalld/zones/public.xml": ZONE}), FirewalldRules(*from_(VPN))),
    (plain, NftRule(*from_(VPN), "inet", "filter", "input")),
    (plain, WindowsRule(*from_(LAN))),
]
IDS = [f"{change.kind}-{number}" for number, (_, change) in enumerate(CASES)]


def test_every_kind_of_change_is_tried_here() -> None:
    assert {change.kind for _, change in CASES} == set(KINDS)


@pytest.mark.parametrize(("make", "change"), CASES, ids=IDS)
def test_it_holds_after_it_was_made_and_all_is_as_before_after_it_was_undone(make, change) -> None:
    machine = make()
    before = machine.picture()
    made = change.noticing(machine)
    if not (change.kind == "linger" and make is lingering):
        assert made.holds(machine) is False
    made.apply(machine)
    assert made.holds(machine) is True
    made.undo(machine)
    assert machine.picture() == before


@pytest.mark.parametrize(("make", "change"), CASES, ids=IDS)
def test_each_of_its_steps_may_be_repeated(make, change) -> None:
    machine = make()
    before = machine.picture()
    made = change.noticing(machine)
    made.undo(machine)  # what was never made
    assert machine.picture() == before
    made.apply(machine)
    once = machine.picture()
    made.apply(machine)
    assert machine.picture() == once
    made.undo(machine)
    made.undo(machine)
    assert machine.picture() == before


@pytest.mark.parametrize(("make", "change"), CASES, ids=IDS)
def test_its_words_are_one_line_and_need_no_knowledge_of_ours(make, change) -> None:
    assert change.words == " ".join(change.words.split())
    assert not any(word in change.words for word in ("Change", "<", "None", "[", "{"))


@pytest.mark.parametrize(("make", "change"), CASES, ids=IDS)
def test_one_that_took_the_place_of_an_older_is_undone_to_what_was_before_both(make, change) -> None:
    machine = make()
    before = machine.picture()
    first = change.noticing(machine)
    first.apply(machine)
    second = change.inheriting(first)
    assert second == first
    assert change.asks_the_same(first)
    second.apply(machine)
    second.undo(machine)
    assert machine.picture() == before


def test_a_file_that_its_owner_put_in_our_folder_keeps_the_folder() -> None:
    machine = FakeMachine()
    made = WriteFile("/home/ana/a/b", "text", "what").noticing(machine)
    made.apply(machine)
    machine.write("/home/ana/a/theirs", "", mode=0o644)
    made.undo(machine)
    assert set(machine.files) == {"/home/ana/a/theirs"}


def test_a_name_that_is_somebody_elses_is_not_taken() -> None:
    machine = FakeMachine(files={"/home/ana/.local/bin/bittrader": "theirs"})
    with pytest.raises(InstallError, match="not ours"):
        Link("/home/ana/.local/bin/bittrader", "/there", "what").noticing(machine)


def test_a_link_that_its_owner_bent_elsewhere_stays() -> None:
    machine = FakeMachine()
    made = Link("/home/ana/bittrader", "/there", "what").noticing(machine)
    made.apply(machine)
    machine.links["/home/ana/bittrader"] = "/elsewhere"
    assert made.holds(machine) is False
    made.undo(machine)
    assert machine.links == {"/home/ana/bittrader": "/elsewhere"}


def test_services_go_on_without_a_login_while_the_other_role_needs_it() -> None:
    machine = FakeMachine(files={"/other.service": ""})
    head = Linger("ana", "/other.service").noticing(machine)
    head.apply(machine)
    head.undo(machine)
    assert head.holds(machine)


def test_the_second_role_knows_from_the_first_that_it_was_not_so_before() -> None:
    machine = FakeMachine(files={"/var/lib/systemd/linger/ana": ""})
    worker = Linger("ana", "/gone.service", before=False).noticing(machine)
    worker.undo(machine)
    assert worker.holds(machine) is False


def test_a_unit_that_does_not_start_says_why_in_its_own_words() -> None:
    machine = with_unit()
    machine.sick = {"restart"}
    with pytest.raises(InstallError, match="does not start: port 6379 is taken"):
        Running("bittrader-head.service", "user", "0").apply(machine)


def test_a_users_systemd_that_does_not_answer_keeps_nothing_from_being_removed() -> None:
    machine = FakeMachine(files={UNIT: "[Unit]\n"})
    UnitFile(UNIT, "[Unit]\n", "the service").undo(machine)
    assert UNIT not in machine.files


@given(text=st.text(st.characters(codec="utf-8"), max_size=40), ended=st.booleans())
def test_a_block_leaves_every_byte_of_the_file_as_it_was(text, ended) -> None:
    machine = FakeMachine(files={"/f": text + "\n" * ended}, modes={"/f": 0o640})
    before = machine.picture()
    block = Block("/f", "bittrader head", "a line\n", "what").noticing(machine)
    block.apply(machine)
    block.apply(machine)
    assert block.holds(machine)
    assert machine.modes["/f"] == 0o640
    block.undo(machine)
    assert machine.picture() == before


@pytest.fixture
def here() -> Here:
    return Here(Owner("me", os.geteuid(), os.getegid()))


def tree(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): path.readlink() if path.is_symlink() else path.is_dir() or path.read_bytes()
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("make", [
    lambda folder: WriteFile(str(folder / "a/b/c.xml"), "ein Ü\r\n", "what", utf16=True),
    lambda folder: WriteFile(str(folder / "old"), "new\n", "what", mode=0o755),
    lambda folder: Link(str(folder / "x/y"), "/etc/hostname", "what"),
    lambda folder: Block(str(folder / "old"), "ours", "a line\n", "what"),
])  # fmt: skip
def test_files_of_this_computer_are_as_before_after_it(make, tmp_path, here) -> None:
    (tmp_path / "old").write_bytes(b"of old \xff\r\nno end")
    before = tree(tmp_path)
    change = make(tmp_path).noticing(here)
    assert change.holds(here) is False
    change.apply(here)
    assert change.holds(here) is True
    change.undo(here)
    change.undo(here)
    assert tree(tmp_path) == before


def test_a_file_has_its_mode_from_the_first_moment_on(tmp_path, here) -> None:
    WriteFile(str(tmp_path / "secret"), "x", "what", mode=0o600).apply(here)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_not_there_is_a_failure_and_no_defect(here) -> None:
    assert here.run(["no-such-program-of-ours"]).code == 127


def test_a_failure_has_its_last_words(here) -> None:
    said = here.run(["sh", "-c", "echo out; echo why >&2; exit 3"])
    assert (said.code, said.why) == (3, "why")


def test_another_range_is_another_opening_so_that_the_old_one_is_closed() -> None:
    old = UfwRule(*from_(LAN))
    assert old.key != replace(old, source="10.0.0.0/24").key
    assert FirewalldRules(*from_(VPN)).key != FirewalldRules(*from_(replace(VPN, address="100.1.1.1"))).key


def test_a_zone_of_firewalld_that_its_owner_changed_meanwhile_stays_theirs() -> None:
    machine = with_zone()
    made = FirewalldRules(*from_(LAN), zone="home").noticing(machine)
    made.apply(machine)
    machine.files[KEPT] += "\n<service name='cups'/>"
    made.undo(machine)
    assert machine.files[KEPT] == f"{ZONE}\n<service name='cups'/>"
    assert machine.rules == []


def test_a_firewalld_that_was_stopped_has_no_rule_of_ours_when_it_starts_again() -> None:
    machine = with_zone()
    before = dict(machine.files)
    made = FirewalldRules(*from_(LAN), zone="home").noticing(machine)
    made.apply(machine)
    machine.firewalld_stopped, machine.rules = True, []
    made.undo(machine)
    assert machine.files == before
