"""What is done to each system, compared word for word with what was read and agreed to, and with what each takes."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from tests.install.machines import LAN, VPN, environment, linux, macos, windows
from tests.wine import Wine, inside

from bittrader.cluster.settings import Ports
from bittrader.errors import InputError, InstallError
from bittrader.install.firewall import guarding_chain, joined, opened_ports
from bittrader.install.machine import Said
from bittrader.install.plan import plan, require_no_rival
from bittrader.install.receipt import Choices
from bittrader.install.task import ScheduledTask, task

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
SYSTEM = Choices(scope="system", firewall=True)
PLANS = {
    "linux-head-user": (linux(), Choices()),
    "linux-head-system-ufw": (linux(is_root=True, guard="ufw"), SYSTEM),
    "linux-worker-system-firewalld": (linux("worker", is_root=True, guard="firewalld", zone="work"), SYSTEM),
    "linux-worker-user-nftables": (
        linux("worker", network=LAN, guard="nftables", chain=("inet", "filter", "input"), is_loaded_at_boot=True),
        Choices(firewall=True, start_at_login=False),
    ),
    "linux-head-moved-new-systemd": (linux(moved="/data/my trader", systemd=257, link_is_free=False), Choices()),
    "linux-worker-without-systemd": (linux("worker", systemd=None), Choices()),
    "macos-worker": (macos(guard="macOS"), Choices()),
    "macos-head-moved": (macos("head", moved="/Volumes/my data", network=VPN), Choices(start_at_login=False)),
    "windows-worker": (windows(is_root=True), Choices(firewall=True)),
    "windows-worker-by-hand": (windows(moved="D:\\my data"), Choices(start_at_login=False)),
}


def as_text(facts, choices) -> str:
    made = plan(facts, choices, environment(facts))
    lines = [f"note: {note}" for note in made.notes]
    for change in made.changes:
        lines += ["", f"* {change.words}", f"  undone: {change.undo_words}"]
        lines += [f"    | {line}".rstrip() for line in getattr(change, "text", "").splitlines()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_is_the_one_that_was_agreed_to(name: str) -> None:
    """`BITTRADER_GOLDEN=write` writes the files anew, to be read before they are kept."""
    path = HERE / "golden" / f"{name}.txt"
    if os.environ.get("BITTRADER_GOLDEN") == "write":
        path.write_text(as_text(*PLANS[name]), encoding="utf-8")
    assert as_text(*PLANS[name]) == path.read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.stem for path in (HERE / "golden").iterdir()} == set(PLANS)


def texts(name: str, ending: str) -> list[str]:
    facts, choices = PLANS[name]
    changes = plan(facts, choices, environment(facts)).changes
    return [change.text for change in changes if change.target.endswith(ending) and hasattr(change, "text")]


@pytest.mark.parametrize("name", [name for name in PLANS if name.startswith("linux")])
def test_systemd_takes_the_unit_without_a_word(name: str, tmp_path: Path) -> None:
    """It ends with 0 whatever a key is called: so what it says is looked at."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this computer")
    for text in texts(name, ".service"):
        there = text.replace("/home/ana/.bittrader", str(tmp_path / ".bittrader"))
        python = tmp_path / f".bittrader_{PLANS[name][0].role}" / "envs" / "0.1.0-0badcafe" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\n")
        python.chmod(0o755)
        unit = tmp_path / "bittrader-one.service"
        unit.write_text(there.replace("User=ana", "User=root").replace("=/home/ana", "=/tmp"))
        said = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
        about_ours = [line for line in said.stderr.splitlines() if "bittrader" in line]
        known_later = [line for line in about_ours if "RestartSteps" in line or "RestartMaxDelaySec" in line]
        assert said.returncode == 0
        assert [line for line in about_ours if line not in known_later] == []
        assert not known_later or "new-systemd" in name


def test_systemd_notices_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this computer")
    unit = tmp_path / "bittrader-one.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nRestarts=always\n")
    said = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "Restarts" in said.stderr


def test_words_with_spaces_and_signs_reach_the_daemon_through_systemd_as_they_are() -> None:
    facts = linux(moved='/data/50% "of" $it')
    (text,) = (change.text for change in plan(facts, Choices(), "/e n/v").changes if change.kind == "unit")
    (line,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    wanted = r'''ExecStart="/e n/v/bin/python" -m bittrader.cluster.daemon head "/data/50%% \"of\" $$it"'''
    assert line == wanted


AGENT_KEYS = {
    "Label": str, "ProgramArguments": list, "WorkingDirectory": str, "RunAtLoad": bool, "KeepAlive": dict,
    "ThrottleInterval": int, "ExitTimeOut": int, "ProcessType": str, "Nice": int, "LowPriorityIO": bool,
    "SoftResourceLimits": dict, "HardResourceLimits": dict, "LimitLoadToSessionType": list, "StandardOutPath": str,
    "StandardErrorPath": str,
}  # fmt: skip
"""Of launchd.plist(5), those that we use, with the type of each."""


@pytest.mark.parametrize("name", ["macos-worker", "macos-head-moved"])
def test_launchd_knows_every_key_of_the_agent_and_the_type_of_its_value(name: str) -> None:
    (text,) = texts(name, ".plist")
    agent = plistlib.loads(text.encode())
    assert {key: type(value) for key, value in agent.items()} == AGENT_KEYS
    assert agent["ProcessType"] in ("Background", "Standard", "Adaptive", "Interactive")
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert all(word for word in agent["ProgramArguments"])
    assert -20 <= agent["Nice"] <= 20


@pytest.mark.parametrize("name", ["windows-worker", "windows-worker-by-hand"])
def test_the_task_is_valid_by_the_schema(name: str) -> None:
    (text,) = texts(name, "task.xml")
    etree.XMLSchema(file=HERE / "task.xsd").assertValid(etree.fromstring(text.encode("utf-16")))


@pytest.mark.parametrize(("right", "wrong"), [
    ("<Priority>7<", "<Priority>11<"), ("PT1M", "PT30S"), ("IgnoreNew", "Ignore"), ("<UserId>", "<User>"),
    ("<Count>255<", "<Count>256<"), ("LeastPrivilege", "Least"), ('Context="Owner"', 'Context="Nobody"'),
])  # fmt: skip
def test_the_schema_finds_what_is_wrong_with_a_task(right: str, wrong: str) -> None:
    (text,) = texts("windows-worker", "task.xml")
    changed = text.replace(right, wrong).replace("</UserId>", "</User>" if "User>" in wrong else "</UserId>")
    assert changed != text
    assert not etree.XMLSchema(file=HERE / "task.xsd").validate(etree.fromstring(changed.encode("utf-16")))


class UnderWine:
    """A machine whose commands are those of Wine's Windows."""

    def __init__(self, wine: Wine) -> None:
        self._wine = wine

    def run(self, words: Sequence[str]) -> Said:
        done = self._wine.run(*words)
        return Said(done.returncode, done.stdout, done.stderr)


def words_of(task: bytes) -> dict[str, str]:
    """The text of each element that has one, by the way to it."""
    tree = etree.ElementTree(etree.fromstring(task))
    there = {tree.getelementpath(one).replace(SPACE, ""): (one.text or "").strip() for one in tree.iter(f"{SPACE}*")}
    return {path: text for path, text in there.items() if text}


def test_wines_schtasks_takes_the_task_keeps_no_words_but_ours_and_lets_go_of_it(wine: Wine, tmp_path: Path) -> None:
    (text,) = texts("windows-worker", "task.xml")
    definition = tmp_path / "task.xml"
    definition.write_bytes(text.encode("utf-16"))
    change = ScheduledTask("Bittrader worker", inside(definition), "0" * 16)
    change.apply(UnderWine(wine))
    kept = wine.folder / "drive_c/windows/system32/tasks/Bittrader worker"
    ours, theirs = words_of(text.encode("utf-16")), words_of(kept.read_bytes())
    assert theirs.items() <= ours.items()
    known = ("DisallowStartIfOnBatteries", "ExecutionTimeLimit", "Priority", "Enabled")
    assert {"RegistrationInfo/Description", *(f"Settings/{name}" for name in known)} <= theirs.keys()
    change.undo(UnderWine(wine))
    assert not kept.exists()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("mit/task", "mit/tusk"), ("<StopIfGoingOnBatteries>false", "<StopIfGoingOnBatteries>maybe"), ("<Settings>", "<")],
)
def test_wines_schtasks_refuses_what_it_knows_to_be_wrong(wine: Wine, tmp_path: Path, right: str, wrong: str) -> None:
    (text,) = texts("windows-worker", "task.xml")
    assert right in text
    definition = tmp_path / "task.xml"
    definition.write_bytes(text.replace(right, wrong).encode("utf-16"))
    with pytest.raises(InstallError, match="Windows does not take the task"):
        ScheduledTask("Bittrader worker", inside(definition), "0" * 16).apply(UnderWine(wine))


def test_a_task_has_no_limit_that_windows_sets_when_nothing_is_said() -> None:
    (text,) = texts("windows-worker", "task.xml")
    task_there = etree.fromstring(text.encode("utf-16"))
    settings = {one.tag.rpartition("}")[2]: one.text for one in task_there.iter()}
    wanted = {
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "ExecutionTimeLimit": "PT0S",
        "RunOnlyIfIdle": "false",
        "StopOnIdleEnd": "false",
        "RunOnlyIfNetworkAvailable": "false",
        "RunLevel": "LeastPrivilege",
    }
    assert wanted.items() <= settings.items()
    assert settings["Command"].endswith("pythonw.exe")


def test_a_name_with_signs_of_xml_is_a_name() -> None:
    text = task("head", ("C:\\a & b\\pythonw.exe", "-m", "x", "<y>"), "DESK\\a&b", "C:\\a & b", at_login=True)
    there = etree.fromstring(text.encode("utf-16"))
    assert [one.text for one in there.iter("{*}UserId")] == ["DESK\\a&b", "DESK\\a&b"]
    assert there.find(".//{*}Arguments").text == "-m x <y>"


def test_a_head_opens_what_workers_need_and_a_worker_no_more_than_the_head_needs() -> None:
    assert joined(opened_ports("head", Ports()), "-") == "6379-6382,20000-20099"
    assert joined(opened_ports("worker", Ports()), "-") == "6381-6382,20000-20099"
    moved = replace(Ports(), gcs=7000, first_worker=7001, last_worker=7010)
    assert joined(opened_ports("head", moved), ":") == "6380:6382,7000:7010"


@pytest.mark.parametrize("guard", ["ufw", "firewalld", "nftables", "Windows"])
@pytest.mark.parametrize("network", [VPN, LAN])
def test_no_firewall_is_opened_to_the_world(guard: str, network) -> None:
    facts = (windows if guard == "Windows" else linux)(
        "worker", guard=guard, network=network, is_root=True, chain=("inet", "filter", "input")
    )
    rules = [one for one in plan(facts, Choices(firewall=True), environment(facts)).changes if hasattr(one, "source")]
    assert [one.source for one in rules] == [network.range]
    assert network.range not in ("0.0.0.0/0", "")
    assert "to nobody else" in rules[0].words


def test_without_consent_no_rule_is_made_and_the_owner_is_told_which_ports_are_needed() -> None:
    made = plan(linux(guard="ufw"), Choices(), "/env")
    assert not [one for one in made.changes if hasattr(one, "source")]
    assert "6379-6382,20000-20099 must be open to the VPN (100.64.0.0/10 on tailscale0)" in made.notes[0]


@pytest.mark.parametrize(("facts", "choices", "words"), [
    (linux(may_be_root=False), Choices(scope="system"), "run it with sudo, or take --scope user"),
    (linux(may_be_root=False, guard="ufw"), Choices(firewall=True), "the rules of ufw need an administrator"),
    (windows(), Choices(firewall=True), "opened as administrator"),
    (linux(has_logind=False, manager="apt-get"), Choices(), "sudo apt-get install dbus"),
    (linux(has_logind=False, manager="zypper"), Choices(), "sudo zypper install dbus-1"),
    (linux(has_logind=False, manager="pacman"), Choices(), "sudo pacman -S dbus"),
    (linux(has_logind=False), Choices(), "install dbus with your package manager"),
    (linux(systemd=219), Choices(), "systemd 219 is too old"),
    (replace(linux(), home="/home/a\nExecStart=/x"), Choices(), "a line break"),
    (linux(guard="nftables"), Choices(firewall=True), "only an administrator may know what nftables drops"),
])  # fmt: skip
def test_what_cannot_be_is_said_with_what_to_do(facts, choices, words: str) -> None:
    with pytest.raises(InstallError, match=words):
        plan(facts, choices, "/env")


@pytest.mark.parametrize(("role", "other"), [("head", "worker"), ("worker", "head")])
def test_a_second_role_is_refused_and_what_to_do_is_said(role: str, other: str) -> None:
    require_no_rival(linux(role))
    with pytest.raises(InputError, match=f"this computer is a {other} already") as refused:
        require_no_rival(linux(role, has_rival=True))
    assert f"To make it a {role} instead, first remove the {other}: bittrader {other} uninstall" in str(refused.value)


def test_a_computer_in_no_network_gets_no_rule_and_is_told() -> None:
    made = plan(linux(guard="ufw", network=None), Choices(firewall=True), "/env")
    assert not [one for one in made.changes if hasattr(one, "source")]
    assert "in no network" in made.notes[0]


def chain(name: str, **more: object) -> dict[str, object]:
    return {"chain": {"family": "inet", "table": "filter", "name": name, **more}}


def rule(*expressions: dict[str, object], in_chain: str = "input") -> dict[str, object]:
    return {"rule": {"family": "inet", "table": "filter", "chain": in_chain, "expr": list(expressions)}}


HOOKED = {"hook": "input", "type": "filter", "prio": 0}


@pytest.mark.parametrize(("rules", "guards"), [
    ([chain("input", policy="drop", **HOOKED)], True),
    ([chain("input", policy="accept", **HOOKED)], False),
    ([chain("input", policy="accept", **HOOKED), rule({"counter": {}}, {"drop": None})], True),
    ([chain("input", policy="accept", **HOOKED), rule({"match": {}}, {"drop": None})], False),
    ([chain("input", policy="drop", hook="forward", type="filter")], False),
    ([chain("other"), rule({"drop": None}, in_chain="other")], False),
    ([], False),
])  # fmt: skip
def test_the_chain_that_drops_what_comes_in_is_found(rules, guards: bool) -> None:  # noqa: FBT001 - a row's fact

    found = guarding_chain(json.dumps({"nftables": [{"metainfo": {}}, *rules]}))
    assert found == (("inet", "filter", "input") if guards else None)
