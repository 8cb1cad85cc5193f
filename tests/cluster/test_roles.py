"""One computer has one role."""

from __future__ import annotations

import pytest

from bittrader.cluster import roles
from bittrader.cluster.config_file import set_key
from bittrader.cluster.daemon_lock import DaemonLock
from bittrader.cluster.identity import folder_of, identity, other_role
from bittrader.cluster.roles import has_joined, has_role, require_no_second_role
from bittrader.cluster.visit import Contact, keep_contact
from bittrader.errors import InputError

BOTH = pytest.mark.parametrize("role", ["head", "worker"])


def become(role):
    """Has this computer be a head, or a worker of some cluster."""
    identity(folder_of(role), role, "desk")
    if role == "worker":
        keep_contact(folder_of(role), Contact(("192.0.2.1",), 6380))


@BOTH
def test_a_computer_has_a_role_once_it_is_a_head_or_has_joined(role):
    assert not has_role(role)
    become(role)
    assert (has_role(role), has_role(other_role(role))) == (True, False)


def test_a_worker_that_never_got_in_is_none():
    identity(folder_of("worker"), "worker", "air")
    assert not has_role("worker")
    assert not has_joined()


def test_a_head_whose_identity_is_damaged_is_one():
    folder_of("head").mkdir()
    (folder_of("head") / "identity.json").write_text("{")
    assert has_role("head")


def test_a_worker_whose_meeting_point_is_damaged_is_one():
    become("worker")
    (folder_of("worker") / "meeting.json").write_text("{")
    assert has_role("worker")
    with pytest.raises(InputError, match="this computer is a worker already"):
        require_no_second_role("head")
    require_no_second_role("worker")  # so that it may join again


@BOTH
def test_a_second_role_is_refused_with_what_to_do(role):
    other = other_role(role)
    require_no_second_role(role)
    become(other)
    with pytest.raises(InputError, match=f"this computer is a {other} already") as refused:
        require_no_second_role(role)
    assert str(refused.value).endswith(
        f"To make it a {role} instead, first remove the {other}: bittrader {other} uninstall"
    )


@BOTH
def test_the_only_role_of_a_computer_is_no_second_one(role):
    become(role)
    require_no_second_role(role)


@BOTH
def test_a_computer_of_both_roles_may_be_either_while_the_other_does_not_run(role):
    become("head")
    become("worker")
    require_no_second_role(role)
    lock = DaemonLock(folder_of(other_role(role)))
    with pytest.raises(InputError, match=f"is running, and both .*: bittrader {other_role(role)} stop"):
        require_no_second_role(role)
    lock.release()


@BOTH
def test_a_role_that_wants_other_ports_may_be_beside_the_other(role):
    become(other_role(role))
    set_key(folder_of(role), "network.ports.node_manager", "7001")
    with pytest.raises(InputError):
        require_no_second_role(role)
    set_key(folder_of(role), "network.ports.object_manager", "7002")
    require_no_second_role(role)


def test_settings_that_cannot_be_read_want_our_ports():
    for role in ("head", "worker"):
        folder_of(role).mkdir()
    (folder_of("worker") / "config.toml").write_text("[")
    assert roles.wants_same_ports("head")
