"""A cluster of real machines with systemd, installed from the zips with their own scripts, used, and removed again."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.lab.cluster import load
from tests.lab.firewalls import FREE, Caller, fortify, load_anew
from tests.lab.installed import HOME, Installed, join_code
from tests.lab.installers import zips
from tests.lab.measure import FULL
from tests.lab.person import Person
from tests.lab.searches import Compiled, Wanted, faults_of, now
from tests.lab.shell import wait_until
from tests.lab.traces import difference, traces
from tests.lab.watching import moment_of_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.lab.firewalls import Guard
    from tests.lab.lab import Lab
    from tests.lab.measure import Recorder
    from tests.lab.shell import Process

STUDY = "overnight"
WANTED = Wanted(seconds=0.2, trials=30_000)
GUARDS: dict[str, Guard] = {"head": "firewalld", "one": "ufw", "two": "nftables"}
WATCHED, WATCHED_STUDY = Compiled(trials=300_000), "watched"
"""What is searched while the owner comes and goes."""
SHY = {"active_cores": 0, "away_after_seconds": 60, "mains_seconds": 0, "grow_after_seconds": 0}
"""The policy then."""


@dataclass(frozen=True)
class Kind:
    """A kind of process that a node has while a study runs."""

    words: str
    """What is in its command line."""
    worker: bool = True
    returns: bool = True
    """Whether another takes its place; if not, the node has no need of it, or starts one when it has."""
    always: bool = True
    """Whether one is there all the time."""
    takes_raylet: bool = False
    """Whether its raylet ends with it, which is killed by itself as well: in a short run one on a worker is enough."""


KINDS = (
    Kind("bittrader.backtest.compiling", returns=False, always=False),
    Kind("ray/dashboard/dashboard.py", worker=False, returns=False),  # Ray's, which starts it without a dashboard too
    Kind("multiprocessing.resource_tracker", returns=False),
    Kind("multiprocessing.spawn"),  # evaluates
    Kind("ray::IDLE", returns=False, always=False),
    Kind("bittrader.cluster.membership", worker=False),
    Kind("bittrader.execution.ray import main", worker=False),  # talks to Ray for the driver
    Kind("bittrader studies resume", worker=False),  # the driver
    Kind("ray::NodeActor"),
    Kind("ray::DashboardAgent", takes_raylet=True),
    Kind("ray::RuntimeEnvAgent", takes_raylet=True),
    Kind("raylet/raylet "),
    Kind("gcs/gcs_server ", worker=False),
    Kind("bittrader.cluster.daemon"),
)
ENDED = Kind("<defunct>")
"""One that is dead: there for a moment only, until whoever began it takes note."""
FIRST_TO_TAKE_A_RAYLET = next(kind for kind in KINDS if kind.takes_raylet)


class Installation:
    """A head and two workers, and what their machines were like before."""

    def __init__(self, lab: Lab) -> None:
        self.head = Installed(lab, "head", "head", "bookworm", "sudo", has_python=False)
        self.one = Installed(lab, "one", "worker", "trixie", "user", has_python=True)
        self.two = Installed(lab, "two", "worker", "bookworm", "sudo", has_python=False)
        self.nodes = (self.head, self.one, self.two)
        self.caller = Caller(lab)
        for node in self.nodes:
            fortify(node.machine, GUARDS[node.name])
        self.before = {node.name: traces(node.machine) for node in self.nodes}
        self.printed: dict[str, str] = {}

    def begin_study(self, wanted: Wanted | Compiled, name: str) -> None:
        """Has the head's owner submit a search that lasts, and leave."""
        wanted.put(self.head.home / "search")
        self.head.machine.succeed(["chown", "-R", "owner:owner", f"/{HOME}/search"])
        words = wanted.words(self.head.home_inside / "search", name)[1:]
        self.head.bittrader(*words, "--on", "cluster", "--detach", timeout=120)
        for node in self.nodes:
            self.wait_for_work_of(node, now(), name)

    def wait_for_work_of(self, node: Installed, since: float, name: str = STUDY) -> float:
        """Seconds until it has finished an evaluation after that moment."""
        study = self.head.study(name)
        wait_until(lambda: study.path.exists() and study.first(node.name, since) is not None,
                   f"{node.name} works", 240, lambda: self.head.log() + node.log(), every=0.2)  # fmt: skip
        return study.first(node.name, since) or 0.0

    def kill(self, node: Installed, kind: Kind) -> float:
        """Seconds until all work after one of a node's processes was killed, and another is in its place."""
        there = node.machine.processes(kind.words)
        assert there or not kind.always, f"no {kind.words!r} on {node.name}\n{node.log()}"
        if not there:
            return 0.0
        killed = now()
        there[0].kill()
        wait_until(lambda: not there[0].alive, f"{kind.words!r} of {node.name} is gone")
        if kind.returns:
            wait_until(lambda: {*node.machine.processes(kind.words)} - {*there},
                       f"{kind.words!r} of {node.name} is back", 120, node.log, every=0.2)  # fmt: skip
        back = now()
        for one in self.nodes:
            self.wait_for_work_of(one, back)
            one.wait_until_up()
        return now() - killed

    def raylets(self) -> list[Process]:
        """Of all nodes: while they are the same, no node's Ray was begun anew."""
        return [one for node in self.nodes for one in node.machine.processes("raylet/raylet ")]

    def open_ports(self) -> str:
        """What a caller finds open that should not be, and closed that should be open; nothing when all is well."""
        faults = []
        for name, found in self.caller.calls([node.machine for node in self.nodes]).items():
            known = {6381, 6382, *((6379, 6380) if name == "head" else ())}
            more = {port for port in found.near - known - {FREE} if not 20000 <= port <= 20099}
            if found.far != {FREE} or known - found.near or more:
                faults.append(f"{name}: {found}")
        return "; ".join(faults)

    def faults(self) -> str:
        """What the study lost, counted twice or has other than one computer would have it."""
        return faults_of(self.head.study(STUDY), WANTED, stopped=True)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    from tests.lab.lab import Lab  # noqa: PLC0415 - where the lab cannot run, it may not even import

    with Lab() as lab:
        yield Installation(lab)


def test_a_head_is_installed_with_sudo_as_a_service_of_the_computer(
    installation: Installation, recorder: Recorder
) -> None:
    head = installation.head
    started = time.monotonic()
    head.unpack(zips())
    installation.printed["head"] = head.install("--cores", "1", "--firewall")
    seconds = time.monotonic() - started + head.wait_until_up()
    unit = head.machine.succeed("systemctl show bittrader-head --property=User,ActiveState,UnitFileState")
    assert "User=owner" in unit
    held = "ActiveState=active" in unit
    assert recorder.record("a head is installed with sudo", "a service", f"unzip to node {seconds:.0f} s", held=held)


def test_workers_are_installed_by_their_user_who_answers_and_with_sudo_unattended(
    installation: Installation, recorder: Recorder
) -> None:
    one, two, code = installation.one, installation.two, join_code(installation.printed["head"])
    started = time.monotonic()
    one.unpack(zips())
    said = one.install_talking(
        [
            ("Go on? [Y/n]", "y"),
            ("Join code", code),
            ("with the computer", "y"),
            ("How many cores", "1"),
            ("Open TCP ports", "y"),
            ("Go on?", "y"),
        ]
    )
    assert said.code == 0, said
    installation.printed["one"] = said.stdout
    seconds = time.monotonic() - started + one.wait_until_up()
    held = recorder.record("a worker's user is asked, and answers", "up", f"unzip to node {seconds:.0f} s", held=True)

    started = time.monotonic()
    two.unpack(zips())
    invited = json.loads(installation.head.bittrader("head", "invite", "--json"))["code"]
    installation.printed["two"] = two.install("--join", invited, "--cores", "1", "--firewall")
    seconds = time.monotonic() - started + two.wait_until_up()
    figure = f"unzip to node {seconds:.0f} s, {two.megabytes():,} MB on its disk"
    assert recorder.record("a worker, unattended, with sudo", "up", figure, held=held)


def test_only_the_local_network_gets_through_the_firewalls_as_the_plans_said(
    installation: Installation, recorder: Recorder
) -> None:
    for node in installation.nodes:
        ports = "6379-6382,20000-20099" if node.role == "head" else "6381-6382,20000-20099"
        where = f"to the local network (10.77.0.0/16 on eth0) in {GUARDS[node.name]}; to nobody else"
        assert f"open TCP ports {ports} {where}" in installation.printed[node.name]
    faults = installation.open_ports()
    figure = faults or "its ports are open to the network's range, to nobody else"
    assert recorder.record(f"behind {', '.join(GUARDS.values())}", "to the range alone", figure, held=not faults)


def test_verify_finds_nothing_wrong(installation: Installation) -> None:
    for node in installation.nodes:
        verify = node.script("verify", "--json")
        # What one node says of another is some seconds old.
        wait_until(
            lambda run=node.machine.run, words=verify: run(words).code == 0,
            f"{node.name} finds nothing wrong",
            20,
            lambda run=node.machine.run, words=verify: str(run(words)),
            every=1,
        )


def test_the_cores_follow_an_owner_whom_the_system_itself_tells_of(
    installation: Installation, recorder: Recorder
) -> None:
    """logind and a terminal are real; only the files in which the kernel tells of a battery are put there."""
    two = installation.two

    def record(what: str, do: Callable[[], object], words: str) -> None:
        moment_of_cores(two, range(1, 99), 150)
        began = now()
        do()
        seconds = moment_of_cores(two, range(1)) - began
        said = two.bittrader("worker", "status")
        figure = f"{seconds:.2f} s; {two.state['reason']!r}; {load()}"
        recorder.record(what, "0 cores in < 1 s; the reason is shown", figure, held=seconds < 1 and words in said)
        assert words in said

    for key, value in SHY.items():
        two.bittrader("worker", "policy", "set", key, str(value))
    owner = Person(two.machine)
    try:
        installation.begin_study(WATCHED, WATCHED_STUDY)
        record("the owner of an installed node unplugs", owner.unplug, "on battery at 30")
        owner.plug_in()
        record("the owner of an installed node logs in", owner.log_in, "you are active")
        if FULL:  # the terminal must rest for a minute first
            record("the owner of an installed node types again", owner.type, "you are active")
    finally:
        owner.leave()
        for key in SHY:
            two.bittrader("worker", "policy", "set", key, "default")
        installation.head.bittrader("studies", "stop", WATCHED_STUDY, timeout=120)


def test_what_is_killed_comes_back_by_itself_and_nothing_is_lost(
    installation: Installation, recorder: Recorder
) -> None:
    installation.begin_study(WANTED, STUDY)
    for node in installation.nodes:
        unknown = [one for one in node.own_processes() if not any(kind.words in one for kind in (*KINDS, ENDED))]
        assert not unknown, f"a process of {node.name} that nothing here kills: {unknown}"
        wait_until(
            lambda node=node: not any(ENDED.words in one for one in node.own_processes()),
            f"what has ended on {node.name} is gone",
            10,
            node.log,
            every=0.2,
        )
    raylets = installation.raylets()
    for number, kind in enumerate(KINDS):
        if kind == FIRST_TO_TAKE_A_RAYLET:
            assert installation.raylets() == raylets, installation.head.log()
        for node in _killed_on(installation, kind, number):
            seconds = installation.kill(node, kind)
            what = "back by itself" if kind.returns else "not needed"
            figure = f"all at work after {seconds:.1f} s" if seconds else "there was none"
            recorder.record(f"kill -9 of {kind.words.strip()} on {node.name}", what, figure, held=True)


def _killed_on(installation: Installation, kind: Kind, number: int) -> Sequence[Installed]:
    """The nodes: in a full run all that have this kind; else the head, and the workers by turns."""
    workers = (installation.one, installation.two) if kind.worker else ()
    some = workers if FULL else workers[number % 2 :][:1]
    return (*((installation.head,) if FULL or not kind.takes_raylet else ()), *some)


def test_a_worker_that_reboots_is_back_at_work_by_itself(installation: Installation, recorder: Recorder) -> None:
    for node in (installation.one, installation.two):
        began = now()
        node.machine.reboot()
        booted = now()
        installation.wait_for_work_of(node, booted)
        seconds = installation.head.study(STUDY).gap_of(node.name, began)
        recorder.record(
            f"{node.name} reboots ({node.rights})", "back at work by itself",
            f"booted after {booted - began:.1f} s, at work after {seconds:.1f} s", held=True,
        )  # fmt: skip


def test_a_head_that_reboots_goes_on_with_its_study(installation: Installation, recorder: Recorder) -> None:
    began = now()
    installation.head.machine.reboot()
    booted = now()
    waits = [installation.wait_for_work_of(node, booted) for node in (installation.one, installation.two)]
    seconds = booted - began + min(waits)
    assert recorder.record("the head reboots", "its study goes on", f"after {seconds:.1f} s", held=True)


def test_the_firewalls_let_the_same_in_after_a_reboot_and_when_their_rules_are_loaded_anew(
    installation: Installation, recorder: Recorder
) -> None:
    rebooted = installation.open_ports()
    for node in installation.nodes:
        load_anew(node.machine, GUARDS[node.name])
    faults = rebooted or installation.open_ports()
    figure = faults or "open to the network's range, to nobody else"
    assert recorder.record("reboots, then reloads of the firewalls", "the same ports", figure, held=not faults)


@pytest.mark.full
def test_who_takes_the_consent_back_has_a_closed_firewall(installation: Installation, recorder: Recorder) -> None:
    for node in installation.nodes:
        node.install("--no-firewall")
    machines = [node.machine for node in installation.nodes]
    found = {name: one.near | one.far for name, one in installation.caller.calls(machines).items()}
    for node in installation.nodes:
        node.install("--firewall")
    faults = installation.open_ports()
    closed = all(ports == {FREE} for ports in found.values())
    figure = faults or f"open meanwhile: {found}"
    assert recorder.record("--no-firewall, then --firewall", "closed, then open", figure, held=closed and not faults)
    for node in installation.nodes:
        node.wait_until_up()


@pytest.mark.full
def test_an_upgrade_in_the_middle_of_a_study_loses_nothing(installation: Installation, recorder: Recorder) -> None:
    newer = zips("0.1.1")
    settings = (installation.two.folder / "config.toml").read_text()
    for node in installation.nodes:
        began = now()
        node.unpack(newer)
        node.install()
        node.wait_until_up()
        recorder.record(f"{node.name} is upgraded in place", "up again", f"after {now() - began:.0f} s", held=True)
    upgraded = now()
    for node in (installation.one, installation.two):
        installation.wait_for_work_of(node, upgraded)
        assert node.state["versions"]["bittrader"] == "0.1.1"
        assert len(list((node.folder / "envs").iterdir())) == 1
    assert (installation.two.folder / "config.toml").read_text() == settings


def test_the_study_has_lost_nothing(installation: Installation, recorder: Recorder) -> None:
    installation.head.bittrader("studies", "stop", STUDY, timeout=120)
    faults = installation.faults()
    assert recorder.record("kills, reboots and all", "nothing lost or twice", faults or "all equal", held=not faults)


def test_uninstalled_they_leave_nothing_behind(installation: Installation, recorder: Recorder) -> None:
    for node in (installation.two, installation.one, installation.head):
        node.machine.succeed(node.script("uninstall", "--yes", "--delete-studies"), 180)
        node.as_owner("rm", "-rf", node.folder_of_zip, "search")
        left = difference(installation.before[node.name], traces(node.machine))
        assert recorder.record(f"{node.name} is uninstalled", "as before", left or "nothing left", held=not left)
