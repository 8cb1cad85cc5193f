"""Installing, again and again, cut off anywhere, failing anywhere, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.install.machines import LAN, VPN, CutError, FakeMachine, environment, linux, macos, windows

from bittrader.errors import InstallError
from bittrader.install.apply import inherit_folders, install, made_folders, steps, uninstall
from bittrader.install.changes import WriteFile
from bittrader.install.machine import Owner
from bittrader.install.plan import plan
from bittrader.install.receipt import Choices, Entry, read_receipt

if TYPE_CHECKING:
    from bittrader.install.facts import Facts


DEFAULT = Choices()


@dataclass
class Computer:
    """A computer that is installed on, time after time."""

    facts: Facts
    machine: FakeMachine
    FIRST: ClassVar = "0.1.0-0badcafe"

    def __post_init__(self) -> None:
        self.before = self.machine.picture()

    @property
    def path(self) -> str:
        return self.facts.folder + ("\\" if self.facts.system == "Windows" else "/") + "receipt.json"

    @property
    def receipt(self):
        return read_receipt(self.machine, self.path)

    def wanted(self, choices=DEFAULT, version=FIRST):
        return plan(self.facts, choices, environment(self.facts, version)).changes

    def install(self, choices=DEFAULT, version=FIRST) -> None:
        install(self.receipt, self.wanted(choices, version), choices, environment(self.facts, version))

    def uninstall(self) -> tuple[str, ...]:
        left = uninstall(self.receipt, self.facts.folder)
        if not left:  # as the folder of the node goes, with the receipt in it
            self.machine.files.pop(self.path, None)
            self.machine.folders -= {self.facts.folder}
        return left

    def is_complete(self, choices=DEFAULT, version=FIRST) -> bool:
        receipt = self.receipt
        wanted = self.wanted(choices, version)
        return (
            [one.change.key for one in receipt.entries] == [one.key for one in wanted]
            and all(one.state == "done" and one.change.holds(self.machine) for one in receipt.entries)
            and all(one.asks_the_same(there.change) for one, there in zip(wanted, receipt.entries, strict=True))
        )


def nft() -> FakeMachine:
    return FakeMachine(files={"/etc/nftables.conf": "flush ruleset"}, modes={"/etc/nftables.conf": 0o755})


COMPUTERS = {
    "linux": lambda: Computer(linux(guard="ufw"), FakeMachine()),
    "linux-firewalld": lambda: Computer(
        linux("worker", guard="firewalld", network=LAN, zone="home"),
        FakeMachine(files={"/usr/lib/firewalld/zones/home.xml": "<zone>"}),
    ),
    "linux-nftables": lambda: Computer(
        linux("worker", guard="nftables", network=LAN, chain=("inet", "f", "in"), is_loaded_at_boot=True), nft()
    ),
    "linux-without-systemd": lambda: Computer(linux(systemd=None), FakeMachine()),
    "macos": lambda: Computer(macos(), FakeMachine()),
    "windows": lambda: Computer(windows(is_root=True), FakeMachine()),
}
CHOICES = (
    Choices(),
    Choices(firewall=True),
    Choices(scope="system", start_at_login=False),
    Choices(scope="system", firewall=True),
)
NEXT = "0.2.0-feedbeef"
computers = st.sampled_from(sorted(COMPUTERS))
choices = st.sampled_from(CHOICES)
moments = st.integers(0, 60)


def computer_of(name: str) -> Computer:
    return COMPUTERS[name]()


@pytest.mark.parametrize("name", COMPUTERS)
@pytest.mark.parametrize("wanted", CHOICES)
def test_what_was_installed_is_complete_and_what_was_uninstalled_is_gone(name: str, wanted: Choices) -> None:
    computer = computer_of(name)
    computer.install(wanted)
    assert computer.is_complete(wanted)
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


@pytest.mark.parametrize("name", COMPUTERS)
def test_a_second_run_changes_nothing(name: str) -> None:
    computer = computer_of(name)
    computer.install()
    before = computer.machine.picture()
    assert {one.what for one in steps(computer.receipt, computer.wanted())} == {"keep"}
    computer.install()
    assert computer.machine.picture() == before


@given(computers, choices, choices)
def test_an_installation_that_wants_something_else_leaves_nothing_of_the_one_before(name, first, second) -> None:
    computer, alone = computer_of(name), computer_of(name)
    computer.install(first)
    computer.install(second, NEXT)
    alone.install(second, NEXT)
    assert computer.is_complete(second, NEXT)
    assert {path: text for path, text in computer.machine.files.items() if path != computer.path} == {
        path: text for path, text in alone.machine.files.items() if path != alone.path
    }
    computer.uninstall()
    assert computer.machine.picture() == computer.before


@given(computers, choices, moments)
def test_one_that_was_cut_off_anywhere_is_completed_by_the_next(name, wanted, moment) -> None:
    computer = computer_of(name)
    cut_off(computer, moment, lambda: computer.install(wanted))
    computer.install(wanted)
    assert computer.is_complete(wanted)
    computer.uninstall()
    assert computer.machine.picture() == computer.before


@given(computers, choices, moments)
def test_one_that_was_cut_off_anywhere_is_taken_back_by_the_uninstallation(name, wanted, moment) -> None:
    computer = computer_of(name)
    cut_off(computer, moment, lambda: computer.install(wanted))
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


@given(computers, choices, choices, moments, st.booleans())
def test_so_is_an_upgrade(name, first, second, moment, again) -> None:
    computer = computer_of(name)
    computer.install(first)
    cut_off(computer, moment, lambda: computer.install(second, NEXT))
    if again:
        computer.install(second, NEXT)
        assert computer.is_complete(second, NEXT)
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


@given(computers, choices, moments)
def test_an_uninstallation_that_was_cut_off_is_completed_by_the_next(name, wanted, moment) -> None:
    computer = computer_of(name)
    computer.install(wanted)
    cut_off(computer, moment, computer.uninstall)
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


def cut_off(computer: Computer, moment: int, work) -> None:
    computer.machine.cut_after = moment
    try:
        work()
    except CutError:
        pass
    finally:
        computer.machine.cut_after = None


SICK = ("restart", "bootstrap", "/run", "enable-linger", "comment", "insert", "add")


@pytest.mark.parametrize("name", COMPUTERS)
@pytest.mark.parametrize("sick", SICK)
def test_one_that_fails_takes_back_what_it_did(name: str, sick: str) -> None:
    computer = computer_of(name)
    computer.machine.sick = {sick}
    wanted = Choices(firewall=True)
    if not any(sick in words for words in commands_of(name, wanted)):
        computer.install(wanted)
        assert computer.is_complete(wanted)
        return
    with pytest.raises(InstallError, match=r"What was done before is undone\.$"):
        computer.install(wanted)
    assert computer.machine.picture() == computer.before


def commands_of(name: str, wanted: Choices) -> list[tuple[str, ...]]:
    """What a healthy computer of that name is told to do."""
    healthy = computer_of(name)
    healthy.install(wanted)
    return healthy.machine.ran


@pytest.mark.parametrize("name", ["linux", "macos", "windows"])
def test_an_upgrade_that_fails_leaves_the_old_one_at_work(name: str) -> None:
    computer = computer_of(name)
    computer.install()
    before = {path: text for path, text in computer.machine.files.items() if path != computer.path}
    environment_before = computer.receipt.environment
    with pytest.raises(InstallError, match=r"What was done before is undone\.$"):
        computer.install(version="0.3.0-broken")
    assert computer.is_complete()
    assert computer.receipt.environment == environment_before
    assert {path: text for path, text in computer.machine.files.items() if path != computer.path} == before


def full_disk(computer: Computer) -> None:
    """Has no room for a receipt, or for anything else, from now on."""

    def write(path, text, **_):
        raise OSError(28, "No space left on device", path)

    computer.machine.write = write


@pytest.mark.parametrize("name", ["linux", "linux-firewalld", "macos"])
def test_on_a_full_disk_all_is_taken_away_all_the_same(name: str) -> None:
    computer = computer_of(name)
    computer.install(Choices(firewall=True))
    full_disk(computer)
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


def test_an_upgrade_that_fails_on_a_full_disk_says_so_and_leaves_the_old_service_running() -> None:
    computer = computer_of("linux")
    computer.install()
    run = computer.machine.run

    def stopped_and_full(words, *, root=False):
        if "restart" in words and not computer.machine.sick:
            full_disk(computer)
            computer.machine.active.clear()
            computer.machine.sick = {"nothing"}
            computer.machine.run = run
            raise OSError(28, "No space left on device", "/run")
        return run(words, root=root)

    computer.machine.run = stopped_and_full
    with pytest.raises(InstallError, match="No space left on device"):
        computer.install(version=NEXT)
    assert computer.machine.active == {"user bittrader-head.service"}


@given(st.sampled_from([name for name in sorted(COMPUTERS) if name != "linux"]), choices)
def test_who_lost_the_receipt_installs_again_and_then_everything_goes(name, wanted) -> None:
    if name.startswith("linux") and wanted.scope == "user":  # whether they lingered before, the receipt alone knew
        wanted = replace(wanted, scope="system")
    computer = computer_of(name)
    computer.install(wanted)
    del computer.machine.files[computer.path]
    computer.install(wanted, NEXT)
    assert computer.uninstall() == ()
    before, now = computer.before, computer.machine.picture()
    assert {path: text.rstrip() for path, text in now[0].items()} == before[0]
    assert now[1] == {}


def test_a_folder_of_nearly_the_same_name_is_another() -> None:
    computer = computer_of("linux")
    computer.install()
    receipt = computer.receipt
    other = WriteFile(f"{computer.facts.folder}2/file", "text", "a file next door")
    other.apply(computer.machine)
    receipt.entries.insert(0, Entry(other, "done"))
    computer.machine.sick = {"disable-linger"}
    uninstall(receipt, computer.facts.folder)
    assert other.path not in computer.machine.files
    assert f"{computer.facts.folder}/bin/bittrader" in computer.machine.files


def test_a_service_of_somebody_else_is_not_taken_over() -> None:
    bo = Computer(replace(linux(), owner=Owner("bo", 1001, 1001), home="/home/bo", folder="/home/bo/.b"), FakeMachine())
    bo.install(Choices(scope="system"))
    unit = bo.machine.files["/etc/systemd/system/bittrader-head.service"]
    ana = Computer(linux(), bo.machine)
    with pytest.raises(InstallError, match="is the service of bo: a computer has one of each role"):
        ana.install(Choices(scope="system"))
    assert bo.machine.files["/etc/systemd/system/bittrader-head.service"] == unit
    assert bo.machine.active == {"system bittrader-head.service"}
    assert bo.is_complete(Choices(scope="system"))


def test_ctrl_c_takes_back_what_was_done() -> None:
    computer = computer_of("linux")
    run = computer.machine.run

    def interrupted(words, *, root=False):
        if "restart" in words:
            raise KeyboardInterrupt
        return run(words, root=root)

    computer.machine.run = interrupted
    with pytest.raises(KeyboardInterrupt):
        computer.install()
    assert computer.receipt.entries == []


def test_what_cannot_be_undone_is_said_and_stays_in_the_receipt_and_the_rest_goes() -> None:
    computer = computer_of("linux")
    computer.install()
    computer.machine.sick = {"disable-linger"}
    (left,) = computer.uninstall()
    assert left == (
        "let services of ana end when they log out, as before, unless another node here needs it "
        "(loginctl disable-linger): services of ana still run "
        "without them: it is sick"
    )
    assert [one.change.kind for one in computer.receipt.entries] == ["file", "link", "linger"]  # for another try
    computer.machine.sick = set()
    assert computer.uninstall() == ()
    assert computer.machine.picture() == computer.before


def test_what_cannot_be_taken_back_after_a_failure_is_said() -> None:
    computer = computer_of("linux")
    computer.machine.sick = {"restart", "disable-linger"}
    with pytest.raises(InstallError, match="What could not be undone: let services of ana end"):
        computer.install()
    assert [one.change.kind for one in computer.receipt.entries] == ["linger"]


def test_the_old_service_is_stopped_before_the_new_one_starts_when_it_becomes_the_computers() -> None:
    computer = computer_of("linux")
    computer.install()
    computer.machine.ran.clear()
    computer.install(Choices(scope="system"))
    stopped = computer.machine.ran.index(("systemctl", "--user", "stop", "bittrader-head.service"))
    assert stopped < computer.machine.ran.index(("systemctl", "restart", "bittrader-head.service"))
    assert computer.machine.active == {"system bittrader-head.service"}
    assert not [path for path in computer.machine.files if "/home/ana/.config" in path]


@given(st.permutations(["head", "worker"]))
def test_two_roles_leave_nothing_whichever_goes_first(order: list[str]) -> None:
    machine = FakeMachine()
    head, worker = (Computer(linux(role), machine) for role in ("head", "worker"))
    head.install()
    worker.facts = replace(worker.facts, link_is_free=False, lingered=False)
    worker.install()
    computers = {"head": head, "worker": worker}
    for role, other in zip(order, order[::-1], strict=True):
        made = made_folders(computers[role].receipt)
        assert computers[role].uninstall() == ()
        if computers[other].path in machine.files:
            inherit_folders(computers[other].receipt, made)
            assert computers[other].is_complete()
    assert machine.picture() == head.before


def test_root_is_taken_only_for_what_needs_it() -> None:
    computer = Computer(linux(guard="ufw", network=VPN), FakeMachine())
    computer.install(Choices(scope="user", firewall=True))
    assert {words[0] for words in computer.machine.as_root} == {"ufw"}


def test_what_was_removed_by_hand_is_made_again() -> None:
    computer = computer_of("linux")
    computer.install()
    computer.machine.links.clear()
    computer.machine.active.clear()
    computer.install()
    assert computer.is_complete()


def test_a_changed_environment_restarts_the_service_and_keeps_the_rest() -> None:
    computer = computer_of("linux")
    computer.install()
    todo = steps(computer.receipt, computer.wanted(version=NEXT))
    assert [(one.what, one.change.kind) for one in todo if one.what != "keep"] == [
        ("redo", "file"),
        ("redo", "unit"),
        ("redo", "running"),
    ]


def test_an_address_that_changed_within_the_local_network_touches_no_rule() -> None:
    computer = Computer(linux(guard="ufw", network=LAN), FakeMachine())
    computer.install(Choices(firewall=True))
    rules = list(computer.machine.rules)
    computer.facts = replace(computer.facts, network=replace(LAN, address="192.168.1.77"))
    computer.install(Choices(firewall=True))
    assert computer.machine.rules == rules
