from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bittrader.cluster.members import Members
from bittrader.cluster.messages import RefusedError
from bittrader.errors import ClusterError

SECRET = bytes(range(10))
CODE = SECRET.hex()
NODE, OTHER = "1" * 16, "2" * 16


@pytest.fixture
def members(tmp_path) -> Members:
    return Members(tmp_path / "members.sqlite")


def test_a_code_lets_one_computer_in_which_is_known_from_then_on(members: Members) -> None:
    invited = members.invite(SECRET, "laptop", 100.0, 200.0)
    own = members.admit(CODE, NODE, "air", 150.0)
    assert members.who(NODE, own).name == "air"
    assert [(one.id, one.node, one.used, one.state(150.0)) for one in members.invites()] == [
        (invited.id, NODE, 150.0, "used")
    ]


def test_no_secret_is_in_the_file(members: Members, tmp_path) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    own = members.admit(CODE, NODE, "air", 150.0)
    for file in tmp_path.iterdir():
        kept = file.read_bytes()
        assert not [secret for secret in (SECRET, CODE.encode(), own.encode(), bytes.fromhex(own)) if secret in kept]
        assert file.stat().st_mode & 0o077 == 0


@settings(max_examples=30)
@given(made=st.floats(0, 1e6), life=st.floats(0.01, 1e5), later=st.floats(0, 2e5))
def test_a_code_is_good_until_it_expires_and_never_after(tmp_path_factory, made, life, later) -> None:
    members = Members(tmp_path_factory.mktemp("one") / "members.sqlite")
    invited = members.invite(SECRET, None, made, made + life)
    if made + later < made + life:
        members.admit(CODE, NODE, "air", made + later)
    else:
        assert invited.state(made + later) == "expired"
        with pytest.raises(RefusedError, match="expired on 1970-01"):
            members.admit(CODE, NODE, "air", made + later)
        assert members.members() == ()


def test_the_computer_that_used_a_code_may_try_again_until_it_expires(members: Members) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    first = members.admit(CODE, NODE, "air", 150.0)
    second = members.admit(CODE, NODE, "air", 160.0)
    assert members.who(NODE, second)
    with pytest.raises(RefusedError, match="does not know"):
        members.who(NODE, first)
    with pytest.raises(RefusedError, match="expired"):
        members.admit(CODE, NODE, "air", 200.0)
    assert members.who(NODE, second), "an expired code takes nothing from who has joined"


def test_who_leaves_is_nobody_and_its_code_lets_one_computer_in_again(members: Members) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    own = members.admit(CODE, NODE, "air", 150.0)
    members.leave(NODE)
    assert members.members() == ()
    with pytest.raises(RefusedError, match="does not know this computer"):
        members.who(NODE, own)
    members.admit(CODE, OTHER, "desk", 160.0)
    with pytest.raises(RefusedError, match="another used it"):
        members.check(CODE, NODE, 170.0)


def test_another_computer_is_told_that_the_code_was_used(members: Members) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    members.admit(CODE, NODE, "air", 150.0)
    with pytest.raises(RefusedError, match="for one computer; another used it on 1970-01-01 at 00:02 UTC"):
        members.check(CODE, OTHER, 151.0)


def test_a_revoked_code_lets_nobody_in(members: Members) -> None:
    invited = members.invite(SECRET, None, 100.0, 200.0)
    members.revoke(invited.id.upper(), 120.0)
    with pytest.raises(RefusedError, match="was revoked on 1970-01-01 at 00:02 UTC"):
        members.admit(CODE, NODE, "air", 150.0)
    assert members.invites()[0].state(150.0) == "revoked"


@pytest.mark.parametrize("which", [NODE, "air"])
def test_a_revoked_computer_is_told_so_and_may_join_again_with_a_new_code(members: Members, which: str) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    own = members.admit(CODE, NODE, "air", 150.0)
    members.revoke(which, 160.0)
    with pytest.raises(RefusedError, match="revoked this computer on 1970"):
        members.who(NODE, own)
    members.invite(b"another!!!", None, 170.0, 300.0)
    assert members.who(NODE, members.admit(b"another!!!".hex(), NODE, "air", 180.0)).revoked is None


def test_what_is_to_be_revoked_must_be_known_and_be_one(members: Members) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    members.invite(b"another!!!", None, 100.0, 200.0)
    members.admit(CODE, NODE, "air", 150.0)
    with pytest.raises(ClusterError, match=r"no code and no computer is called 'ari'. Did you mean 'air'"):
        members.revoke("ari", 160.0)
    members.admit(b"another!!!".hex(), OTHER, "air", 150.0)
    with pytest.raises(ClusterError, match=f"2 computers are called 'air': name one of {NODE}, {OTHER}"):
        members.revoke("air", 160.0)


@pytest.mark.parametrize(("node", "own"), [(NODE, ""), (NODE, "x" * 64), (OTHER, "?"), ("", ""), ("' OR 1=1", "")])
def test_who_cannot_show_a_secret_is_nobody(members: Members, node: str, own: str) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    members.admit(CODE, NODE, "air", 150.0)
    with pytest.raises(RefusedError, match="does not know this computer"):
        members.who(node, own)


def test_a_code_that_was_never_made_is_unknown_even_when_its_id_is(members: Members) -> None:
    members.invite(SECRET, None, 100.0, 200.0)
    with pytest.raises(RefusedError, match="knows no such join code"):
        members.admit(b"\0".hex(), NODE, "air", 150.0)


def test_of_many_computers_at_once_one_wins(tmp_path) -> None:
    for turn in range(5):
        path = tmp_path / f"{turn}.sqlite"
        Members(path).invite(SECRET, None, 100.0, 200.0)

        def admitted(number: int, path=path) -> str | None:
            try:
                return Members(path).admit(CODE, f"{number:016x}", "air", 150.0)
            except RefusedError as error:
                assert "for one computer" in str(error)  # noqa: PT017 - in another thread
                return None

        with ThreadPoolExecutor(8) as pool:
            won = [number for number, own in enumerate(pool.map(admitted, range(8))) if own]
        assert len(won) == 1
        assert [member.node for member in Members(path).members()] == [f"{won[0]:016x}"]


JOINING = """
import sys
from pathlib import Path
from bittrader.cluster.members import Members
members = Members(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    secret = number.to_bytes(10)
    members.invite(secret, None, 100.0, 200.0)
    print(number, members.admit(secret.hex(), f"{number:016x}", "air", 150.0), flush=True)
"""


def test_kill_9_in_the_middle_of_a_join_loses_no_member_and_no_code(tmp_path) -> None:
    path = tmp_path / "members.sqlite"
    joined: dict[int, str] = {}
    for turn in range(6):
        words = [sys.executable, "-c", JOINING, str(path), str(turn * 1000)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(3 + turn):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            # What was said before the kill, and what was read above, has happened.
            said = process.stdout.read().splitlines()
        joined |= {int(line.split()[0]): line.split()[1] for line in said if line.count(" ") == 1 and len(line) > 60}
        members = Members(path)
        for number, own in joined.items():
            assert members.who(f"{number:016x}", own).node == f"{number:016x}"
        # A code is used if and only if its computer is a member.
        assert {one.node for one in members.invites() if one.node} == {one.node for one in members.members()}
        assert len(members.members()) >= 3 + turn


def test_a_file_that_is_no_list_of_members_is_one_line(tmp_path) -> None:
    path = tmp_path / "members.sqlite"
    path.write_text("something else, and long enough to be looked at" * 100)
    with pytest.raises(ClusterError, match=r"the list of members .* cannot be used: file is not a database"):
        Members(path)
