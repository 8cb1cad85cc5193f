"""What is observed of a node, with a head that is met on the loopback and things that are really broken."""

from __future__ import annotations

import os
import shutil
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.cluster.daemons import Daemon
from tests.cluster.heads import FACTS, HERE, lone_head
from tests.cluster.healthy import NOW, STATE

from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import certificate_fault, keep_certificate, prepare_head, sign
from bittrader.cluster.checkup import observe
from bittrader.cluster.config_file import set_key
from bittrader.cluster.daemon_lock import DaemonLock
from bittrader.cluster.facts import facts_here
from bittrader.cluster.health import findings
from bittrader.cluster.node_state import write_state
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import Ports
from bittrader.cluster.visit import Visitor, join
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from bittrader.cluster.health_of_others import HeadSeen


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare_head(Secrets(folder))
    return folder


@pytest.fixture
def head(tmp_path, prepared):
    with lone_head(tmp_path / "head", prepared) as head:
        yield head


@pytest.fixture(scope="module")
def joined_once(tmp_path_factory, prepared):
    """The folder of a worker that has joined; its secrets take a second to make."""
    folder = tmp_path_factory.mktemp("joined")
    with lone_head(folder / "head", prepared) as head:
        join(folder / "worker", head.invite(), "1" * 16, "air", FACTS)
        shutil.copy2(head.secrets.path(kept.MEMBERS), folder / "members")
    return folder


@pytest.fixture
def worker(head, joined_once):
    """A worker of this head, in its place, on ports of its own."""
    worker = Daemon("worker")
    shutil.copytree(joined_once / "worker", worker.folder, dirs_exist_ok=True)
    shutil.copy2(joined_once / "members", head.secrets.path(kept.MEMBERS))
    identity = worker.folder / "identity.json"
    identity.write_text('{"node": "1111111111111111", "name": "air", "role": "worker"}')
    contact = worker.folder / "meeting.json"
    contact.write_text(f'{{"addresses": ["{HERE}"], "port": {head.meeting.port}}}')
    return worker


def seen_head() -> HeadSeen:
    seen = observe("worker").head
    assert seen is not None
    return seen


def said(what):
    return next(one for one in findings(observe("worker")) if one.what == what)


def test_a_worker_finds_its_head_its_clock_its_token_and_the_way_back(head, worker):
    with socket.create_server(("", worker.ports + 2)):
        seen = seen_head()
    assert (seen.trouble, seen.same_token, seen.heard_seconds) == ("", True, None)
    assert abs(seen.ahead_seconds) < 5
    assert seen.there == f"{HERE}:{head.meeting.port}"
    assert seen.seen_at == HERE
    assert HERE in seen.known_at
    assert seen.back[worker.ports + 2] == "open"
    assert seen.back[worker.ports + 3] == "closed"


def test_looking_changes_nothing(worker):
    def everything():
        return {path: path.read_bytes() for path in worker.folder.rglob("*") if path.is_file()}

    before = everything()
    observe("worker")
    assert everything() == before


def test_a_head_that_heard_of_this_node_says_when(head, worker):
    Visitor(worker.folder, "1" * 16, facts_here()).report({})
    assert seen_head().heard_seconds < 60


def test_a_clock_that_is_off_is_noticed(head, worker):
    head.ahead = 3600.0
    assert seen_head().ahead_seconds == pytest.approx(-3600, abs=30)
    assert said("Clock").state == "wrong"


def test_another_token_is_noticed_and_stays_as_it_is(worker):
    Secrets(worker.folder).keep(kept.TOKEN, "0" * 64)
    assert said("Token").state == "wrong"
    assert Secrets(worker.folder).token() == "0" * 64


def test_a_head_that_is_gone_and_one_that_sent_this_node_out_are_told_apart(head, worker):
    head.members.revoke("1" * 16, time.time())
    assert "revoked this computer" in said("Head").words
    head.meeting.close()
    assert "connection refused" in said("Head").words
    head.open()


def test_a_secret_that_is_not_the_nodes_is_no_way_in(worker):
    Secrets(worker.folder).keep(kept.NODE_SECRET, "0" * 64)
    assert said("Head").words == "the head does not know this computer"
    assert said("Head").advice == "join again, with a new code"


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")
def test_secrets_that_are_open_or_lost_are_named(worker):
    secrets = Secrets(worker.folder)
    secrets.path(kept.TOKEN).chmod(0o644)
    secrets.path(kept.NODE_KEY).write_text("")
    seen = observe("worker")
    assert seen.loose == (str(secrets.path(kept.TOKEN)),)
    assert seen.missing == (kept.NODE_KEY,)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")
def test_a_url_to_tell_the_owner_by_that_others_may_read_is_named(worker):
    config = worker.folder / "config.toml"
    config.chmod(0o644)
    assert observe("worker").loose == ()
    with config.open("a") as file:
        file.write('\n[notify]\nurls = ["json://127.0.0.1/token"]\n')
    assert observe("worker").loose == (str(config),)
    set_key(worker.folder, "notify.on", "yes")
    assert observe("worker").loose == ()


def test_a_port_that_somebody_holds_is_named_with_who(worker):
    with socket.create_server(("127.0.0.1", worker.ports + 3)):
        finding = said("Ports")
    assert finding.state == "wrong"
    assert f"port {worker.ports + 3} is taken by" in finding.words
    assert f"(process {os.getpid()})" in finding.words
    assert said("Ports").state == "ok"


def test_settings_that_cannot_be_read_are_said_and_the_rest_is_looked_at(worker):
    (worker.folder / "config.toml").write_text("[network]\nmood = 1\n")
    seen = observe("worker")
    assert "network.mood" in seen.settings
    assert seen.head is not None
    assert not seen.head.trouble


def test_while_settings_cannot_be_read_the_ports_are_those_that_the_daemon_has(worker):
    ports = observe("worker").ports
    assert ports != Ports()
    write_state(worker.folder, replace(STATE, ports=vars(ports)))
    (worker.folder / "config.env").write_text("NUM_CPUS=many\n")
    assert observe("worker").ports == ports


@pytest.mark.parametrize("ports", [{"raylet": 7001}, {"gcs": 1}, {"gcs": "6379"}, None])
def test_ports_that_another_version_has_are_no_reason_to_look_at_nothing(worker, ports):
    write_state(worker.folder, replace(STATE, ports=ports))
    (worker.folder / "config.env").write_text("NUM_CPUS=many\n")
    assert observe("worker").ports == Ports()
    assert "NUM_CPUS is a number of cores" in said("Settings").words
    assert said("Settings").words.endswith(
        "another version, with ports that are not known here: the usual ones are looked at."
    )


def test_a_daemon_that_runs_is_told_from_what_one_left_behind(worker):
    write_state(worker.folder, replace(STATE, at=time.time()))
    assert not observe("worker").running
    assert observe("worker").fresh is None
    lock = DaemonLock(worker.folder)
    try:
        assert observe("worker").fresh is not None
        write_state(worker.folder, replace(STATE, at=NOW))
        assert "it hangs" in said("Daemon").words
    finally:
        lock.release()


def test_a_computer_that_is_no_node_is_told_so_in_one_line():
    with pytest.raises(ClusterError, match="this computer is no head yet: bittrader head start"):
        observe("head")


def test_a_certificate_is_good_at_its_own_address_and_nowhere_else(head, worker):
    secrets = Secrets(worker.folder)
    assert certificate_fault(secrets, HERE) is None
    assert "is not good at 192.0.2.7" in str(certificate_fault(secrets, "192.0.2.7"))
    other = sign(head.secrets, secrets.read(kept.NODE_REQUEST), "air", "192.0.2.7")
    keep_certificate(secrets, other, HERE)
    assert "is not good at 127.0.0.1" in str(certificate_fault(secrets, HERE)), "whatever is noted of it"
    secrets.path(kept.NODE_ADDRESS).unlink()
    assert certificate_fault(secrets, HERE) == "there is no certificate for 127.0.0.1"


def test_a_certificate_of_another_authority_or_without_its_key_cannot_be_used(head, worker, tmp_path):
    secrets = Secrets(worker.folder)
    whole = secrets.read(kept.NODE_KEY)
    secrets.keep(kept.NODE_KEY, head.secrets.read(kept.MEETING_KEY))
    assert "cannot be used" in str(certificate_fault(secrets, HERE))
    secrets.keep(kept.NODE_KEY, whole)
    prepare_head(Secrets(tmp_path / "other"))
    secrets.keep(kept.AUTHORITY, Secrets(tmp_path / "other").read(kept.AUTHORITY))
    assert "is not good" in str(certificate_fault(secrets, HERE))
