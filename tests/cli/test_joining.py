"""Joining undone, with a real head on the loopback."""

from __future__ import annotations

from contextlib import suppress

import pytest
from tests.cluster.heads import FACTS, HERE, lone_head

from bittrader.cli import joining
from bittrader.cli.joining import as_before_if_it_fails, join_here
from bittrader.cli.placing import node_folder
from bittrader.cluster import inviting, visit
from bittrader.cluster.authority import prepare_head
from bittrader.cluster.identity import folder_of
from bittrader.cluster.invite import decode
from bittrader.cluster.messages import RefusedError
from bittrader.cluster.roles import has_joined
from bittrader.cluster.secrets import Secrets
from bittrader.errors import ClusterError


@pytest.fixture
def head(tmp_path, monkeypatch):
    prepare_head(Secrets(tmp_path / "prepared"))
    monkeypatch.setattr(joining, "facts_here", lambda: FACTS)
    with lone_head(tmp_path / "head", tmp_path / "prepared") as head:
        yield head


@pytest.fixture
def code(head):
    return inviting.invite(head.folder, (HERE,), head.meeting.port, head.now(), "air", 24).code


def join_and(fail, code):
    join_here(code)
    fail()


def full_disk():
    raise OSError(28, "No space left on device")


def fail_after_joining(code, fail=full_disk):
    """What is told of an installation that joins and fails then."""
    told = []
    with suppress(OSError), as_before_if_it_fails("worker", told.append):
        join_and(fail, code)
    return told


def test_who_fails_after_joining_is_forgotten_and_the_code_is_good_again(head, code):
    assert fail_after_joining(code) == ["join the cluster"]
    assert not head.members.members()
    assert not (folder_of("worker") / "identity.json").exists()
    assert join_here(code)[1] == "studio"


def test_a_head_that_is_away_as_an_installation_fails_lets_the_same_computer_in_again_with_its_code(head, code):
    port = head.meeting.port

    def fail():
        head.meeting.close()
        full_disk()

    (told,) = fail_after_joining(code, fail)
    assert "its head still lists this computer, and the same code lets it in again" in told
    assert not has_joined()
    head.open(port)
    assert join_here(code)[1] == "studio"
    assert len(head.members.members()) == 1


def test_a_disk_that_is_full_as_the_head_answers_does_not_use_the_code_up(head, code, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(visit, "_keep", lambda *_: full_disk())
        assert fail_after_joining(code) == []
    assert join_here(code)[1] == "studio"
    assert len(head.members.members()) == 1


def test_who_was_refused_leaves_nothing(head, code):
    head.members.revoke(head.members.invites()[0].id, head.now())
    with pytest.raises(RefusedError), as_before_if_it_fails("worker", pytest.fail):
        join_here(code)
    assert not [one for one in folder_of("worker").rglob("*") if one.is_file()]


def test_who_was_refused_is_in_no_cluster(head, code):
    inviting.revoke(head.folder, decode(code).id, head.now())
    with pytest.raises(RefusedError, match="was revoked"):
        join_here(code)
    with pytest.raises(ClusterError, match="this computer is in no cluster"):
        node_folder()
