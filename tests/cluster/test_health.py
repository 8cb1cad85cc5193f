"""What is said of a node that has one thing wrong with it, and of one that has nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cluster.healthy import FACTS, HEAD_LISTENERS, HEAD_NODE, NOW, OURS, STATE, WORKER, daemon, met, node

from bittrader.cluster.codesync import Synced
from bittrader.cluster.health import Disk, findings
from bittrader.host.base import Listener, Memory

GB = 10**9


@pytest.mark.parametrize("seen", [WORKER, HEAD_NODE], ids=["worker", "head"])
def test_of_a_node_that_is_all_right_nothing_else_is_said(seen):
    found = findings(seen)
    assert {one.state for one in found} == {"ok"}
    assert not [one for one in found if one.advice]
    assert len({one.what for one in found}) == len(found)


ONE_THING = {
    "no daemon": (
        replace(WORKER, running=False, ours=frozenset(), listeners={}),
        "Daemon",
        "wrong",
        "does not run",
        "worker start",
    ),
    "a daemon that hangs": (daemon(at=NOW - 60), "Daemon", "wrong", "has said nothing for 1 min", "worker logs"),
    "a daemon that begins": (replace(WORKER, state=None), "Daemon", "warning", "only just begun", "again in a moment"),
    "leftovers": (
        replace(WORKER, running=False, ours=frozenset((7, 8)), listeners={}),
        "Leftovers",
        "warning",
        "2 processes of a daemon that was killed",
        "worker start ends them",
    ),
    "Ray down": (
        daemon(phase="down", waiting="the head does not answer", failures=3),
        "Ray",
        "wrong",
        "down for 1 h after 3 failed starts: the head does not answer",
        "worker logs",
    ),
    "Ray that begins": (daemon(phase="down", since=NOW - 1), "Ray", "warning", "it is about to start", "moment"),
    "Ray that starts": (daemon(phase="starting", since=NOW - 3), "Ray", "warning", "starting for 3 s", "moment"),
    "Ray that is not counted": (daemon(alive=False), "Ray", "wrong", "the head does not count it", "worker logs"),
    "Ray nobody knows of": (daemon(alive=None), "Ray", "warning", "nobody could be asked", "worker logs"),
    "settings": (
        replace(WORKER, settings="config.toml: there is no setting 'mood'."),
        "Settings",
        "wrong",
        "'mood'",
        "mend",
    ),
    "another Ray than the head": (
        replace(
            WORKER,
            facts=replace(FACTS, ray="2.59.0"),
            state=replace(STATE, versions={**FACTS.versions, "ray": "2.59.0"}),
        ),
        "Versions",
        "wrong",
        "runs Ray 2.59.0, the head runs Ray 2.60.0",
        "ray==2.60.0",
    ),
    "a daemon from before": (
        daemon(versions={**FACTS.versions, "bittrader": "0.0.9"}),
        "Versions",
        "warning",
        "bittrader 0.0.9",
        "worker stop",
    ),
    "no token": (replace(WORKER, missing=("token",)), "Secrets", "wrong", "not there, or empty: token", "join again"),
    "an open secret": (
        replace(WORKER, loose=("/s/token",)),
        "Secrets",
        "wrong",
        "may read /s/token",
        "chmod go= /s/token",
    ),
    "no network": (replace(WORKER, connected=False, network="no network"), "Network", "wrong", "no network", ""),
    "a certificate for elsewhere": (
        replace(WORKER, certificate="the certificate for 192.0.2.9 is not good at 192.0.2.2: IP address mismatch"),
        "Certificate",
        "wrong",
        "192.0.2.9",
        "worker restart",
    ),
    "a port that is taken": (
        replace(WORKER, listeners={**OURS, 6382: Listener(77, "nginx")}),
        "Ports",
        "wrong",
        "port 6382 is taken by nginx (process 77)",
        "network.ports.object_manager PORT",
    ),
    "a port of another Ray": (
        replace(HEAD_NODE, listeners={**HEAD_LISTENERS, 6379: Listener(77, "gcs_server")}),
        "Ports",
        "wrong",
        "port 6379 is taken by another Ray, gcs_server (process 77)",
        "end process 77",
    ),
    "a port of another user": (
        replace(WORKER, listeners={**OURS, 6381: Listener(None, None)}),
        "Ports",
        "wrong",
        "a program of another user",
        "end it, or",
    ),
    "a port that nobody serves": (
        replace(WORKER, listeners={6381: OURS[6381]}),
        "Ports",
        "wrong",
        "nobody listens at port 6382",
        "worker restart",
    ),
    "no head": (
        met(trouble="the head cannot be reached: connection refused at 192.0.2.1:6380: is the head running?"),
        "Head",
        "wrong",
        "connection refused at 192.0.2.1:6380",
        "is the head running?",
    ),
    "refused": (
        met(trouble="the head does not know this computer: join again, with a new code"),
        "Head",
        "wrong",
        "does not know this computer",
        "join again",
    ),
    "a silent heart": (daemon(head_seen=NOW - 120), "Heartbeat", "wrong", "2 min ago", ""),
    "a slow heart": (daemon(head_seen=NOW - 15), "Heartbeat", "warning", "15 s ago", ""),
    "a head that did not answer": (
        daemon(head_trouble="the head cannot be reached"),
        "Heartbeat",
        "wrong",
        "cannot be reached",
        "worker logs",
    ),
    "a head that has not heard": (
        met(heard_seconds=None),
        "Head",
        "warning",
        "has not heard of this node",
        "worker logs",
    ),
    "another token": (met(same_token=False), "Token", "wrong", "not the head's", "worker restart"),
    "a clock that is a minute ahead": (met(ahead_seconds=60.0), "Clock", "warning", "1 min ahead of", "by the network"),
    "a clock that is an hour behind": (met(ahead_seconds=-3600.0), "Clock", "wrong", "1 h behind", "by the network"),
    "a wall before the head": (
        met(ports={6379: "open", 6381: "silent", 6382: "silent"}),
        "Way there",
        "wrong",
        "nothing gets through to ports 6381-6382 of the head",
        "firewall",
    ),
    "a wall before this computer": (
        met(back={6381: "open", 6382: "open", 20_000: "silent"}),
        "Way back",
        "wrong",
        "nothing gets through to port 20000 of this computer",
        "firewall",
    ),
    "a door that is shut": (
        met(back={6381: "closed", 6382: "open"}),
        "Way back",
        "wrong",
        "nobody at port 6381 of 192.0.2.2",
        "firewall",
    ),
    "a busy head": (met(back_trouble="ask again"), "Way back", "warning", "ask again", "look again"),
    "NAT": (
        met(seen_at="198.51.100.7"),
        "Way back",
        "wrong",
        "its addresses are 127.0.0.1, 192.0.2.2 (NAT)",
        "Tailscale",
    ),
    "a full disk": (
        replace(WORKER, disks=(Disk("/d", 10 * GB, 10**7),)),
        "Disk",
        "wrong",
        "10 MB of 10.0 GB",
        "make room",
    ),
    "a disk nearly full": (
        replace(WORKER, disks=(Disk("/d", 500 * GB, 20 * GB),)),
        "Disk",
        "warning",
        "20.0 GB of 500.0 GB",
        "95%",
    ),
    "no memory": (replace(WORKER, memory=Memory(16 * GB, GB // 2)), "Memory", "wrong", "500 MB of 16.0 GB", "close"),
    "little memory": (
        replace(WORKER, memory=Memory(16 * GB, 1200 * 10**6)),
        "Memory",
        "warning",
        "1.2 GB",
        "node.cores",
    ),
    "no folder": (
        replace(WORKER, synced=Synced(None, "there is no such folder", trouble=True)),
        "Code",
        "warning",
        "no such folder",
        "config set code.folder",
    ),
    "a node that is silent": (
        node(heard_seconds=90.0),
        "Node air",
        "warning",
        "nothing heard of it for 2 min",
        "revoke air",
    ),
    "a node never heard": (node(heard_seconds=None), "Node air", "warning", "since this head began", "is it on?"),
    "a node that is refused": (
        node(refused="it runs Ray 2.59.0"),
        "Node air",
        "wrong",
        "refused: it runs",
        "worker verify",
    ),
    "a node without Ray": (
        node(alive=False, phase="down", waiting="it is being stopped"),
        "Node air",
        "wrong",
        "its Ray is down: it is being stopped",
        "worker verify",
    ),
    "a node that begins": (
        node(alive=False, phase="starting"),
        "Node air",
        "warning",
        "its Ray is starting",
        "worker verify",
    ),
    "a node with another clock": (
        node(ahead_seconds=400.0),
        "Node air",
        "wrong",
        "its clock is 7 min ahead",
        "network",
    ),
    "a node behind a wall": (
        node(ports={6381: "silent", 20_000: "silent"}),
        "Node air",
        "wrong",
        "nothing gets through to air",
        "firewall",
    ),
}


@pytest.mark.parametrize(("seen", "what", "state", "words", "advice"), ONE_THING.values(), ids=ONE_THING)
def test_one_thing_that_is_wrong_is_said_first_with_what_to_do(seen, what, state, words, advice):
    found = findings(seen)
    said = next(one for one in found if one.what == what and one.state == state)
    assert words in said.words
    assert advice in said.advice
    first = next(one for one in found if one.state != "ok")
    assert first.state == "wrong" if any(one.state == "wrong" for one in found) else first.state == "warning"
    others = {one.what for one in found if one.state != "ok"} - {what}
    assert others <= {"Daemon"}, "one thing is said of one fault; a daemon that does not run is said beside it"


def test_there_is_always_something_to_do_where_something_is_wrong():
    advised = {
        name: [one for one in findings(case[0]) if one.state == "wrong" and not one.advice]
        for name, case in ONE_THING.items()
    }
    without = {name for name, found in advised.items() if found}
    assert without == {"no network", "a silent heart"}, "their words say it"


def test_a_node_that_does_not_run_is_looked_at_all_the_same():
    found = {
        one.what: one.state
        for one in findings(replace(WORKER, running=False, state=None, ours=frozenset(), listeners={}))
    }
    assert found["Daemon"] == "wrong"
    assert {
        found[what] for what in ("Settings", "Secrets", "Ports", "Head", "Token", "Clock", "Way there", "Disk")
    } == {"ok"}
    assert not {"Ray", "Heartbeat", "Cores"} & found.keys()


def test_ports_where_nobody_listens_are_no_fault_while_ray_is_down():
    seen = daemon(met(back={6381: "closed", 6382: "closed"}), phase="down", waiting="it is being stopped")
    assert {one.what for one in findings(replace(seen, listeners={})) if one.state != "ok"} == {"Ray"}


OUTCOMES = st.dictionaries(
    st.sampled_from([6379, 6381, 6382, 20_000]), st.sampled_from(["open", "closed", "silent", "no way"])
)


@given(OUTCOMES, OUTCOMES, st.floats(-1e6, 1e6), st.booleans(), st.booleans())
def test_the_worst_comes_first_whatever_is_observed(there, back, ahead, running, connected):
    seen = replace(met(ports=there, back=back, ahead_seconds=ahead), running=running, connected=connected)
    states = [one.state for one in findings(seen)]
    assert states == sorted(states, key=["wrong", "warning", "ok"].index)
    assert all(one.words for one in findings(seen))


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_clock_that_is_further_off_is_never_better(one, other):
    def level(ahead):
        return ["ok", "warning", "wrong"].index(
            next(found.state for found in findings(met(ahead_seconds=ahead)) if found.what == "Clock")
        )

    near, far = sorted((one, other))
    assert level(near) <= level(far)
    assert level(near) == level(-near)


def test_a_node_that_was_stopped_is_no_fault() -> None:
    (said,) = [one for one in findings(node(heard_seconds=90.0, stopped=True)) if one.what == "Node air"]
    assert (said.state, said.words) == ("ok", "it was stopped 2 min ago")
