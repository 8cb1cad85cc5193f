"""The receipt: what it keeps, and what it makes of those of other versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.install.machines import FakeMachine
from tests.install.test_changes import CASES, IDS

from bittrader.errors import InstallError
from bittrader.install import facts as module
from bittrader.install.bounds import Bounds
from bittrader.install.changes import Link, WriteFile
from bittrader.install.held import findings
from bittrader.install.machine import Owner
from bittrader.install.receipt import Choices, Receipt, Unknown, read_receipt

PATH = "/home/ana/.bittrader_head/receipt.json"
OLD = Path(__file__).parent / "receipt-1.json"
ANA = Owner("ana", 1000, 1000)


@pytest.fixture(autouse=True)
def bounds(monkeypatch):
    """The node is at home in the computer in memory."""
    monkeypatch.setattr(
        module, "bounds_of", lambda role, owner: Bounds(role, owner, "/home/ana", (str(Path(PATH).parent),))
    )


@pytest.mark.parametrize(("make", "change"), CASES, ids=IDS)
def test_every_change_comes_back_as_it_was_written(make, change) -> None:
    machine = make()
    made = change.noticing(machine)
    Receipt(machine, PATH).note(made, "begun")
    (entry,) = read_receipt(machine, PATH).entries
    assert (entry.change, entry.state) == (made, "begun")
    assert type(entry.change) is type(made)


def test_what_was_wanted_comes_back() -> None:
    machine = FakeMachine()
    Receipt(machine, PATH).choose(Choices(scope="system", start_at_login=False, firewall=True), "/env")
    kept = read_receipt(machine, PATH)
    assert kept.choices == Choices(scope="system", start_at_login=False, firewall=True)
    assert kept.environment == "/env"
    assert not kept.is_new


def test_no_receipt_is_a_new_one() -> None:
    assert read_receipt(FakeMachine(), PATH).is_new


def test_the_receipt_of_the_first_version_can_still_be_read() -> None:
    """The file is never changed: a later version must read what an earlier one left on somebody's computer."""
    machine = FakeMachine(files={PATH: OLD.read_text(encoding="utf-8")})
    kept = read_receipt(machine, PATH)
    assert [one.change.kind for one in kept.entries] == [
        *("file", "link", "block", "unit", "running", "linger", "agent", "task"),
        *("ufw", "firewalld", "nftables", "netsh"),
    ]
    assert kept.choices == Choices(scope="system", firewall=True)


def test_what_a_later_version_did_stays_in_the_receipt_and_is_not_undone_blindly() -> None:
    later = {"kind": "tray icon", "state": "done", "words": "show an icon", "facts": {"colour": "green"}}
    machine = FakeMachine(files={PATH: json.dumps({"version": 2, "changes": [later]})})
    kept = read_receipt(machine, PATH)
    kept.note(WriteFile("/f", "x", "what"), "done")
    assert json.loads(machine.files[PATH])["changes"][0] == later
    with pytest.raises(InstallError, match="show an icon"):
        kept.entries[0].change.undo(machine)


def test_a_known_change_with_a_field_of_a_later_version_is_not_known() -> None:
    facts = {"path": "/l", "to": "/t", "what": "", "made": [], "root": False, "colour": "green"}
    said = {"kind": "link", "state": "done", "words": "link it", "facts": facts}
    machine = FakeMachine(files={PATH: json.dumps({"version": 2, "changes": [said]})})
    assert isinstance(read_receipt(machine, PATH).entries[0].change, Unknown)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"changes": 3}', '{"changes": [{}]}', '{"changes": [{"kind": []}]}', "[" * 100_000),
        *('{"choices": {"scope": "galaxy"}}', '{"choices": {"start_at_login": "no"}}', '{"version": "new"}'),
    ],
)
def test_a_damaged_receipt_is_said_in_one_line(text: str) -> None:
    machine = FakeMachine(files={PATH: text})
    with pytest.raises(InstallError, match="cannot be used"):
        read_receipt(machine, PATH)
    (found,) = findings("head", machine, ANA)
    assert (found.what, found.state) == ("Installation", "wrong")


@pytest.mark.parametrize(
    ("name", "value"), [("path", 5), ("mode", "0644"), ("root", 1), ("before", False), ("made", "/x"), ("made", [3])]
)
def test_a_field_of_another_type_is_another_versions_and_stays_as_it_is(name: str, value: object) -> None:
    facts = {"path": "/f", "text": "x", "what": "it"} | {name: value}
    said = {"kind": "file", "state": "done", "words": "write it", "facts": facts}
    machine = FakeMachine(files={PATH: json.dumps({"version": 1, "changes": [said]})})
    kept = read_receipt(machine, PATH)
    assert isinstance(kept.entries[0].change, Unknown)
    kept.choose(Choices(), "/env")
    assert json.loads(machine.files[PATH])["changes"] == [said]


def test_the_version_of_a_later_ones_receipt_stays() -> None:
    machine = FakeMachine(files={PATH: '{"version": 7}'})
    read_receipt(machine, PATH).choose(Choices(), "/env")
    assert json.loads(machine.files[PATH])["version"] == 7


def held(machine: FakeMachine) -> list[tuple[str, str, str]]:
    found = findings("head", machine, ANA)
    return [(one.state, one.words, one.advice) for one in found]


def installed(*changes) -> FakeMachine:
    machine = FakeMachine()
    receipt = Receipt(machine, PATH)
    for change in changes:
        change.apply(machine)
        receipt.note(change, "done")
    return machine


NAMED = "/home/ana/.bittrader_head/bin/bittrader"
FILE, LINK = WriteFile(NAMED, "x", "what"), Link("/home/ana/.local/bin/bittrader", NAMED, "what")


def test_verify_says_nothing_where_nothing_was_installed() -> None:
    assert held(FakeMachine()) == []


def test_verify_says_that_all_holds() -> None:
    assert held(installed(FILE, LINK)) == [("ok", "all 2 changes of the receipt hold", "")]


def test_verify_says_what_no_longer_holds_and_how_to_mend_it() -> None:
    machine = installed(FILE, LINK)
    machine.files[NAMED] = "changed"
    assert held(machine) == [
        ("wrong", f"it is no longer so: write {NAMED}: what", "bittrader head install makes it so again"),
    ]


def test_verify_says_where_an_installation_was_cut_off() -> None:
    machine = installed(FILE)
    read_receipt(machine, PATH).note(LINK, "begun")
    ((state, words, advice),) = held(machine)
    assert (state, words) == ("wrong", "it was cut off here: link /home/ana/.local/bin/bittrader: what")
    assert advice == "bittrader head install finishes it, bittrader head uninstall takes it back"


def test_verify_says_that_some_can_be_seen_by_an_administrator_alone() -> None:
    machine = installed(FILE)
    machine.files[PATH] = machine.files[PATH].replace('"kind": "file"', '"kind": "of another version"')
    read_receipt(machine, PATH).note(LINK, "done")
    LINK.apply(machine)
    assert held(machine) == [
        ("ok", "1 of 2 changes can be seen by an administrator alone", ""),
        ("ok", "all 1 changes of the receipt hold", ""),
    ]
