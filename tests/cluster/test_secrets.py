from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.secrets import TOKEN, Secrets, mark
from bittrader.errors import ClusterError

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture
def secrets(tmp_path) -> Secrets:
    return Secrets(tmp_path / "worker")


def test_what_is_kept_is_read_again(secrets: Secrets) -> None:
    secrets.keep("ca.pem", "certificate\n")
    assert secrets.read("ca.pem") == "certificate"
    assert secrets.has("ca.pem")
    assert not secrets.has("ca.pem", "ca.key")


@POSIX
def test_nobody_else_may_read_a_secret_whatever_the_umask(secrets: Secrets) -> None:
    old = os.umask(0)
    try:
        secrets.keep(TOKEN, "t")
        secrets.keep(TOKEN, "u")
    finally:
        os.umask(old)
    assert secrets.path(TOKEN).stat().st_mode & 0o777 == 0o600
    assert secrets.folder.stat().st_mode & 0o777 == 0o700
    assert secrets.loose() == []


@POSIX
def test_an_opened_secret_is_found(secrets: Secrets) -> None:
    secrets.keep(TOKEN, "t")
    secrets.path(TOKEN).chmod(0o644)
    assert secrets.loose() == [secrets.path(TOKEN)]


def test_a_missing_or_empty_secret_says_what_to_do(secrets: Secrets) -> None:
    with pytest.raises(ClusterError, match=r"token cannot be read: No such file or directory. Join again"):
        secrets.token()
    secrets.keep(TOKEN, " ")
    with pytest.raises(ClusterError, match=r"token is empty\. Join again, with a new code"):
        secrets.token()


def test_a_planned_token_holds_from_its_adoption_on(secrets: Secrets) -> None:
    secrets.keep(TOKEN, "old")
    assert not secrets.adopt_token()
    secrets.plan_token()
    assert secrets.token() == "old"
    assert secrets.adopt_token()
    assert secrets.token() != "old"
    assert len(secrets.token()) == 64
    assert not secrets.adopt_token()


@given(st.text(min_size=1), st.text(min_size=1))
def test_tokens_have_one_mark_when_they_are_one(one: str, other: str) -> None:
    assert (mark(one) == mark(other)) == (one == other)
    assert len(one) < 16 or one not in mark(one)
