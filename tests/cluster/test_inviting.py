from __future__ import annotations

import pytest

from bittrader.cluster import authority
from bittrader.cluster.certificates import JOBS
from bittrader.cluster.invite import decode
from bittrader.cluster.inviting import invite, invites, members, revoke
from bittrader.cluster.members import Member, Members
from bittrader.cluster.secrets import MEMBERS, NEXT_TOKEN, Secrets
from bittrader.errors import ClusterError, InputError

ADDRESSES = ("100.64.0.7", "192.168.1.20")


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(authority, "_made", lambda job, **given: JOBS[job](**given))


def test_a_code_says_where_the_head_is_met_and_what_it_shows_there(tmp_path) -> None:
    made = invite(tmp_path, ADDRESSES, 6380, now=100.0, name="air", hours=2)
    said = decode(made.code)
    assert (said.addresses, said.port, said.id) == (ADDRESSES, 6380, made.invited.id)
    assert said.fingerprint == authority.meeting_fingerprint(Secrets(tmp_path))
    assert (made.invited.name, made.invited.expires) == ("air", 7300.0)
    assert invites(tmp_path) == (made.invited,)


def test_all_codes_of_a_head_name_one_certificate_and_no_secret_twice(tmp_path) -> None:
    codes = [decode(invite(tmp_path, ADDRESSES, 6380, now=100.0).code) for _ in range(5)]
    assert len({code.fingerprint for code in codes}) == 1
    assert len({code.secret for code in codes}) == 5


@pytest.mark.parametrize("hours", [0, -1, 24 * 365 + 1, float("nan")])
def test_a_code_that_could_not_be_used_or_would_never_end_is_not_made(tmp_path, hours: float) -> None:
    with pytest.raises(ClusterError, match="a join code is good for more than 0 and at most 8760 hours"):
        invite(tmp_path, ADDRESSES, 6380, now=100.0, hours=hours)
    assert invites(tmp_path) == ()


@pytest.mark.parametrize("name", ["two\nlines", "x" * 81])
def test_a_code_for_a_name_that_no_computer_may_have_is_not_made(tmp_path, name: str) -> None:
    with pytest.raises(InputError, match=r"^a name is one line of at most 80 characters, not .+$"):
        invite(tmp_path, ADDRESSES, 6380, now=100.0, name=name)
    assert invites(tmp_path) == ()


def test_no_code_is_made_where_nobody_could_come(tmp_path) -> None:
    with pytest.raises(ClusterError, match="no network in which another could meet it"):
        invite(tmp_path, (), 6380, now=100.0)


def test_a_revoked_computer_is_out_of_ray_with_the_next_token_and_a_code_changes_none(tmp_path) -> None:
    made = invite(tmp_path, ADDRESSES, 6380, now=100.0)
    secrets = Secrets(tmp_path)
    revoke(tmp_path, made.invited.id, now=110.0)
    assert not secrets.has(NEXT_TOKEN)
    other = decode(invite(tmp_path, ADDRESSES, 6380, now=120.0).code)
    Members(secrets.path(MEMBERS)).admit(other.secret.hex(), "1" * 16, "air", 130.0)
    assert isinstance(revoke(tmp_path, "air", now=140.0), Member)
    assert secrets.has(NEXT_TOKEN)
    assert [one.revoked for one in members(tmp_path)] == [140.0]


def test_where_nobody_was_invited_there_is_nobody(tmp_path) -> None:
    assert invites(tmp_path) == members(tmp_path) == ()
    with pytest.raises(ClusterError, match="nobody was invited yet"):
        revoke(tmp_path, "air", now=100.0)
    assert not list(tmp_path.iterdir()), "asking makes nothing"
