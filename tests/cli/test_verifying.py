"""What `verify` prints, and the code it ends with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.cluster.healthy import HEAD_NODE, WORKER, met

from bittrader import cli
from bittrader.cluster import checkup


@pytest.fixture
def verify(monkeypatch, capsys):
    """Runs `verify` on a node that was observed so: the exit code and what was printed."""

    def run(seen, *words):
        monkeypatch.setattr(checkup, "observe", lambda role: seen if role == seen.role else pytest.fail(role))
        monkeypatch.setenv("COLUMNS", "70")
        return cli.run([seen.role, "verify", *words]), capsys.readouterr().out

    return run


@pytest.mark.parametrize("seen", [WORKER, HEAD_NODE], ids=["worker", "head"])
def test_a_node_that_is_all_right_ends_with_0(verify, seen):
    code, printed = verify(seen)
    assert code == 0
    assert printed.rstrip().endswith("All is right.")
    assert "✗" not in printed


def test_what_is_wrong_comes_first_with_what_to_do_and_ends_with_1(verify):
    code, printed = verify(replace(WORKER, loose=("/s/token",), running=False, ours=frozenset(), listeners={}))
    assert code == 1
    lines = [line.rstrip() for line in printed.splitlines()]
    assert "✗ wrong  Daemon" in lines[1]
    assert "→ bittrader worker start --background" in lines[2]
    assert lines[-1] == "2 things are wrong."


def test_what_is_to_be_looked_at_is_no_failure(verify):
    code, printed = verify(met(ahead_seconds=30.0))
    assert code == 0
    assert printed.splitlines()[1].startswith("! look")
    assert printed.rstrip().endswith("Nothing is wrong; 1 to look at.")


def test_on_a_terminal_what_is_wrong_is_red_what_to_look_at_yellow_and_what_is_right_green(verify, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = replace(met(ahead_seconds=30.0), loose=("/s/token",))
    _, printed = verify(seen)
    red, green, yellow = "\x1b[1;31m", "\x1b[32m", "\x1b[33m"
    assert all(mark in printed for mark in (f"{red}✗ wrong", f"{yellow}! look", f"{green}✓ ok"))
    assert f"{red}1 thing is wrong." in printed
    monkeypatch.setenv("NO_COLOR", "1")
    _, plain = verify(seen)
    assert not any(colour in plain for colour in (red, green, yellow))


def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(verify):
    path = "/home/somebody/" + "x" * 90 + "/token"
    _, printed = verify(replace(WORKER, loose=(path,)))
    assert max(map(len, printed.splitlines())) <= 70
    assert path in "".join(line.strip() for line in printed.splitlines())


def test_programs_read_the_same(verify):
    code, printed = verify(met(same_token=False), "--json")
    said = json.loads(printed)
    assert code == 1
    assert (said["role"], said["right"]) == ("worker", False)
    first = said["findings"][0]
    assert (first["what"], first["state"]) == ("Token", "wrong")
    assert first["words"]
    assert first["advice"]
    assert {one["state"] for one in said["findings"][1:]} == {"ok"}


@pytest.mark.parametrize(
    ("role", "first"), [("head", "bittrader head start"), ("worker", "bittrader worker join CODE")]
)
def test_a_computer_that_is_no_node_is_told_how_to_become_one(role, first, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bittrader", role, "verify"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert capsys.readouterr().err == f"bittrader: this computer is no {role} yet: {first}\n"
