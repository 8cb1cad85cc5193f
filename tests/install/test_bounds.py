"""Whatever a receipt says, nothing is removed, written or run but what an installation of that node makes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.install.machines import FakeMachine, environment, linux
from tests.install.test_changes import CASES
from tests.install.test_plan import PLANS

from bittrader.errors import BittraderError, InstallError
from bittrader.install.apply import uninstall
from bittrader.install.bounds import Bounds, require_known, strays
from bittrader.install.changes import Block, Link, WriteFile
from bittrader.install.firewall import FirewalldRules, NftRule, UfwRule, WindowsRule
from bittrader.install.launchd import Agent
from bittrader.install.machine import Owner
from bittrader.install.plan import plan
from bittrader.install.receipt import KINDS, Choices, Receipt, read_receipt
from bittrader.install.systemd import Linger, Running, UnitFile
from bittrader.install.task import ScheduledTask

ANA = Bounds("head", Owner("ana", 1000, 1000), "/home/ana", ("/home/ana/.bittrader_head",))
PATH = "/home/ana/.bittrader_head/receipt.json"
UNIT = "bittrader-head.service"


def bounds_of(facts) -> Bounds:
    return Bounds(facts.role, facts.owner, facts.home, (facts.folder,))


@pytest.mark.parametrize("name", PLANS)
def test_what_an_installation_writes_down_is_never_refused(name: str) -> None:
    facts, choices = PLANS[name]
    machine = FakeMachine()
    for change in plan(facts, choices, environment(facts)).changes:
        assert list(strays(change.noticing(machine), bounds_of(facts))) == []


@dataclass
class Watched(FakeMachine):
    """Notes every path that is written or removed, and every program that changes something."""

    touched: set[str] = field(default_factory=set)

    def write(self, path: str, text: str, *, mode: int, root: bool = False, utf16: bool = False) -> None:
        self.touched.add(path)
        super().write(path, text, mode=mode, root=root, utf16=utf16)

    def link(self, path: str, target: str, *, root: bool = False) -> None:
        self.touched.add(path)
        super().link(path, target, root=root)

    def remove(self, path: str, *, root: bool = False) -> None:
        self.touched.add(path)
        super().remove(path, root=root)

    def remove_folder(self, path: str, *, root: bool = False) -> None:
        if path in self.folders:
            self.touched.add(path)
        super().remove_folder(path, root=root)


KNOWN = {
    PATH,
    *(
        f"/home/ana/.bittrader_head{end}"
        for end in ("/bin/bittrader", "\\bin\\bittrader.cmd", "\\task.xml", "/bittrader.head.plist")
    ),
    *("/home/ana/.local/bin/bittrader", "/home/ana/Library/LaunchAgents/bittrader.head.plist", "/etc/nftables.conf"),
    *(f"/home/ana/.config/systemd/user{end}/{UNIT}" for end in ("", "/default.target.wants")),
    *(f"/etc/systemd/system{end}/{UNIT}" for end in ("", "/multi-user.target.wants")),
}
ABOVE = {above for path in KNOWN for above in (path.rpartition("/")[0], path.rpartition("/")[0].rpartition("/")[0])}
PATHS = st.one_of(
    st.sampled_from(sorted(KNOWN)),
    st.sampled_from(
        ["/etc/passwd", "/home/ana", "/", "../x", "/home/ana/.bittrader_head/../.ssh/authorized_keys", "-rf"]
    ),
    st.text(max_size=20),
)
NAMES = st.one_of(
    st.sampled_from([UNIT, "ssh.service", "bittrader head", "bittrader.head", "Bittrader head", "ana", "root"]),
    st.text(max_size=12),
)
WORDS = st.one_of(
    st.sampled_from(["eth0", "192.168.1.0/24", "192.168.1.5", "", "-x", "a; flush ruleset", "$(id)"]),
    st.text(max_size=12),
)
SCOPES = st.sampled_from(["system", "user"])
MADE = st.lists(PATHS, max_size=3).map(tuple)
PORTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=2).map(tuple)
SYSTEM_UNIT = next(
    one.text for one in plan(linux(is_root=True), Choices(scope="system"), "/env").changes if isinstance(one, UnitFile)
)
TEXTS = st.one_of(
    st.sampled_from(["", "x", SYSTEM_UNIT, SYSTEM_UNIT.replace("User=ana\n", ""), "insert rule a b c accept\n"]),
    st.text(max_size=30),
)
MAYBE = st.one_of(st.none(), TEXTS)
FLAGS = st.booleans()
RULE = (NAMES, PORTS, WORDS, WORDS, WORDS, FLAGS)
CHANGES = st.one_of(
    st.builds(
        WriteFile, PATHS, TEXTS, st.just("it"), st.sampled_from([0o644, 0o755, 0o4755]), FLAGS, FLAGS, MAYBE, MADE
    ),
    st.builds(UnitFile, PATHS, TEXTS, st.just("it"), st.just(0o644), FLAGS, FLAGS, MAYBE, MADE, SCOPES),
    st.builds(Link, PATHS, PATHS, st.just("it"), FLAGS, MADE),
    st.builds(Block, PATHS, NAMES, TEXTS, st.just("it"), FLAGS, FLAGS),
    st.builds(Running, NAMES, SCOPES, st.just("0")),
    st.builds(Linger, NAMES, PATHS, st.one_of(st.none(), FLAGS)),
    st.builds(Agent, NAMES, PATHS, st.sampled_from([0, 1000]), st.just("0")),
    st.builds(ScheduledTask, NAMES, PATHS, st.just("0")),
    st.builds(UfwRule, *RULE),
    st.builds(FirewalldRules, *RULE, zone=WORDS),
    st.builds(NftRule, *RULE, WORDS, WORDS, WORDS),
    st.builds(WindowsRule, *RULE),
)
PROGRAMS = {
    *("systemctl", "loginctl", "journalctl", "/bin/launchctl", "schtasks"),
    *("ufw", "firewall-cmd", "firewall-offline-cmd", "nft", "netsh", "test", "cat"),
}


def test_every_kind_of_change_is_made_up_here() -> None:
    seen = set()

    @given(CHANGES)
    @settings(max_examples=300)
    def look(change) -> None:
        seen.add(change.kind)

    look()
    assert seen == set(KINDS)


@settings(max_examples=1500)
@given(made_up=st.lists(CHANGES, min_size=1, max_size=3), again=st.booleans())
def test_whatever_a_receipt_says_nothing_is_touched_or_run_but_what_installations_make(made_up, again) -> None:
    machine = Watched(
        files={
            "/var/lib/systemd/linger/ana": "",
            "/etc/nftables.conf": "",
            "/etc/passwd": "",
            "/home/ana/.ssh/authorized_keys": "",
        },
        modes={"/etc/nftables.conf": 0o644},
    )
    receipt = Receipt(machine, PATH)
    for change in made_up:
        receipt.note(change, "done")
    machine.ran.clear()
    kept = read_receipt(machine, PATH)
    if any(list(strays(one.change, ANA)) for one in kept.entries):
        with pytest.raises(InstallError, match=f"^{PATH} names "):
            require_known(kept, ANA)
        assert (machine.ran, machine.touched) == ([], {PATH})
        return
    require_known(kept, ANA)
    if again:  # as when a later installation fails, and has again what this one had made
        for entry in kept.entries:
            try:
                entry.change.apply(machine)
            except (BittraderError, KeyError):
                continue
    uninstall(kept, "/home/ana/.bittrader_head")
    zones = {path for path in machine.touched if re.fullmatch(r"/etc/firewalld/zones/\w+\.xml(\.old)?", path)}
    assert machine.touched - zones <= KNOWN | ABOVE
    for words in machine.ran:
        assert words[0] in PROGRAMS
        named = [word for word in words if word.endswith(".service")]
        assert set(named) <= {UNIT}
        assert not any(mark in word for word in words for mark in (";", "`", "$(", "\n"))
    for path, text in machine.files.items():
        if path.startswith("/etc/systemd/"):
            assert "\nUser=ana\n" in text


@pytest.mark.parametrize(("_make", "change"), [one for one in CASES if one[1].kind == "unit"])
@pytest.mark.parametrize(
    "line",
    [
        *("ExecStartPre=+/bin/sh -c evil", "Group=root", "AmbientCapabilities=CAP_SYS_ADMIN", "User=root", "Nice=5\\"),
        *("StandardOutput=file:/etc/passwd", " User=root", "ExecStart=/bin/other", "Nice=5\rUser=root", "[Service]"),
        *("Nice=-20", "IOSchedulingClass=realtime", "LimitNOFILE=infinity"),
    ],
)
def test_a_unit_of_the_computer_that_would_be_more_than_its_owner_is_refused(_make, change, line: str) -> None:
    system = replace(change, path=f"/etc/systemd/system/{UNIT}", text=SYSTEM_UNIT, root=True, scope="system")
    assert list(strays(system, ANA)) == []
    evil = replace(system, text=SYSTEM_UNIT.replace("User=ana\n", f"{line}\nUser=ana\n"))
    assert list(strays(evil, ANA)) == [system.path]
    command = next(one for one in SYSTEM_UNIT.splitlines() if one.startswith("ExecStart="))
    for start in ('"+/bin/sh"', "!/bin/sh", '"\\x2b/bin/sh"'):
        assert list(strays(replace(system, text=SYSTEM_UNIT.replace(command, f"ExecStart={start}")), ANA))
    assert list(strays(replace(system, before="[Service]\n"), ANA)) == [system.path]
    for key in ("Wants", "WantedBy"):
        ours = next(one for one in SYSTEM_UNIT.splitlines() if one.startswith(f"{key}="))
        other = SYSTEM_UNIT.replace(ours, f"{ours} debug-shell.service")
        assert list(strays(replace(system, text=other), ANA)) == [system.path]


def test_a_receipt_that_names_another_file_is_refused_in_one_line_that_names_it() -> None:
    facts = {"path": "/etc/passwd", "text": "", "what": "it"}
    said = {"kind": "file", "state": "done", "words": "write it", "facts": facts}
    machine = FakeMachine(files={PATH: json.dumps({"version": 1, "changes": [said]})})
    with pytest.raises(
        InstallError, match=f"^{PATH} names '/etc/passwd', which no installation of this head makes"
    ) as found:
        require_known(read_receipt(machine, PATH), ANA)
    assert "\n" not in str(found.value)
