from __future__ import annotations

import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest
from tests.cluster.heads import FACTS, HERE, lone_head

from bittrader.cluster import authority, inviting
from bittrader.cluster import meeting as module
from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import certified_address, prepare_head
from bittrader.cluster.certificates import JOBS
from bittrader.cluster.doorkeeper import FAILURES, MOST_EACH
from bittrader.cluster.messages import RefusedError
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.visit import UnreachableError, Visitor, check, join, read_contact
from bittrader.errors import ClusterError

NODE, OTHER = "a" * 16, "b" * 16


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare_head(Secrets(folder))
    return folder


@pytest.fixture
def head(tmp_path, prepared, monkeypatch):
    # The same work without a process of its own, which most of a join's time is for; test_certificates.py has it.
    monkeypatch.setattr(authority, "_made", lambda job, **given: JOBS[job](**given))
    with lone_head(tmp_path / "head", prepared) as head:
        yield head
        assert not [line for line in head.log if "defect" in line]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "worker"


def tls(head) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((HERE, head.meeting.port), 20))


def raw(head, sent: bytes) -> bytes:
    """All that comes back for these bytes, on an encrypted connection."""
    with tls(head) as connection:
        connection.sendall(sent)
        got = b""
        try:
            while some := connection.recv(65536):
                got += some
        except ConnectionError:
            pass
        return got


# Joining.


def test_a_new_node_gets_all_that_it_needs_and_keeps_it_to_itself(head, place) -> None:
    joined = join(place, head.invite(), NODE, "air", FACTS)
    secrets = Secrets(place)
    assert secrets.token() == head.secrets.token() == joined.token
    assert (joined.head, joined.seen_at) == ("studio", HERE)
    assert certified_address(secrets) == HERE
    assert secrets.loose() == []
    assert not secrets.has(kept.AUTHORITY_KEY)
    assert [(one.node, one.name) for one in head.members.members()] == [(NODE, "air")]


def test_the_key_of_a_node_never_leaves_it(head, place) -> None:
    join(place, head.invite(), NODE, "air", FACTS)
    key = Secrets(place).read(kept.NODE_KEY)
    assert not [path for path in head.secrets.folder.iterdir() if key.encode() in path.read_bytes()]


def test_a_code_that_does_not_hold_is_refused_with_the_reason(head, place) -> None:
    expired, revoked = head.invite(hours=1), head.invite()
    head.members.revoke(revoked.id, head.now())
    head.ahead = 2 * 3600
    used = head.invite()
    join(place, used, OTHER, "first", FACTS)
    for code, reason in (
        (expired, "this join code expired on"),
        (revoked, "this join code was revoked on"),
        (used, "for one computer; another used it on"),
        (replace(used, secret=b"0123456789"), "the head knows no such join code"),
    ):
        with pytest.raises(RefusedError, match=reason):
            check(code, NODE, FACTS)
        with pytest.raises(RefusedError, match=reason):
            join(place, code, NODE, "air", FACTS)


def test_a_code_that_is_only_asked_about_stays_good(head, place) -> None:
    code = head.invite()
    assert check(code, OTHER, FACTS) == "studio"
    assert head.members.members() == ()
    join(place, code, NODE, "air", FACTS)
    head.meeting.close()
    with pytest.raises(UnreachableError, match="connection refused"):
        check(code, NODE, FACTS)
    head.open()


def test_a_node_that_leaves_is_forgotten_and_its_code_is_free(head, place) -> None:
    code = head.invite()
    join(place, code, NODE, "air", FACTS)
    visitor = Visitor(place, NODE, FACTS)
    visitor.report({})
    visitor.leave()
    assert [one["node"] for one in head.meeting.status()["nodes"]] == []
    with pytest.raises(RefusedError, match="does not know this computer"):
        visitor.report({})
    check(code, OTHER, FACTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"python": "3.11.9"}, "runs Python 3.11.9, the head runs Python 3.11.7: uv venv --clear --python 3.11.7"),
        ({"ray": "2.59.0"}, "runs Ray 2.59.0, the head runs Ray 2.60.0: uv pip install --python .venv ray==2.60.0"),
        ({"bittrader": "0.2.0"}, "runs Bittrader 0.2.0, the head runs Bittrader 0.1.0: git pull && make setup"),
    ],
)
def test_a_computer_that_differs_is_told_what_mends_it_and_its_code_stays_good(head, place, change, words) -> None:
    code = head.invite()
    with pytest.raises(RefusedError, match=words):
        check(code, NODE, replace(FACTS, **change))
    with pytest.raises(RefusedError, match=words):
        join(place, code, NODE, "air", replace(FACTS, **change))
    join(place, code, OTHER, "air", FACTS)


def test_a_node_that_the_installers_set_up_is_told_of_their_zips(head, place) -> None:
    with pytest.raises(
        RefusedError, match=r"runs Python 3\.11\.9, the head runs Python 3\.11\.7: take zips of one version"
    ):
        check(head.invite(), NODE, replace(FACTS, python="3.11.9", by_installer=True))


def test_an_answer_that_got_lost_can_be_asked_for_again(head, place) -> None:
    code = head.invite()
    join(place, code, NODE, "air", FACTS)
    join(place, code, NODE, "air", FACTS)
    assert Visitor(place, NODE, FACTS).report({}).seen_at == HERE
    assert len(head.members.members()) == 1


def test_of_two_computers_with_one_code_one_joins(head, tmp_path) -> None:
    code = head.invite()

    def joined(node: str) -> bool:
        try:
            join(tmp_path / node, code, node, node, FACTS)
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(joined, [digit * 16 for digit in "cdef"]))
    assert won.count(True) == 1
    assert len(head.members.members()) == 1


def test_what_every_address_said_is_told(head, place) -> None:
    code = head.invite("255.255.255.255", HERE)
    port = code.port
    assert join(place, code, NODE, "air", FACTS).head == "studio"
    head.meeting.close()
    with pytest.raises(UnreachableError) as told:
        join(place, code, NODE, "air", FACTS)
    first, second = told.value.tries
    assert f"255.255.255.255:{port}" in first
    assert second == f"connection refused at {HERE}:{port}: is the head running? Does its firewall refuse the port?"
    head.open()


def test_another_head_is_not_told_the_codes_secret(head, place, tmp_path) -> None:
    prepare_head(Secrets(tmp_path / "other"))
    with lone_head(tmp_path / "impostor", tmp_path / "other") as impostor:
        code = replace(head.invite(), port=impostor.meeting.port)
        with pytest.raises(UnreachableError, match=r"another head answers at \S+, or the same one set"):
            join(place, code, NODE, "air", FACTS)
        assert impostor.members.members() == ()
        assert impostor.log == []  # it was asked nothing


def test_something_else_at_the_port_is_said_to_be_something_else(head, place) -> None:
    with socket.create_server((HERE, 0)) as other, ThreadPoolExecutor(1) as pool:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        greeted = pool.submit(greet)
        with pytest.raises(UnreachableError, match="something else than a head answers at"):
            join(place, replace(head.invite(), port=other.getsockname()[1]), NODE, "air", FACTS)
        greeted.result()


def test_a_computer_of_another_version_that_asks_in_another_way_hears_that_it_differs(head) -> None:
    message = {"secret": head.invite().secret.hex(), "node": NODE, "facts": FACTS.as_json() | {"bittrader": "9.0"}}
    body = json.dumps(message).encode()
    answer = raw(head, b"POST /join HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert b"runs Bittrader 9.0, the head runs Bittrader 0.1.0" in answer


# Reporting.


def test_a_node_hears_how_the_cluster_is(head, place) -> None:
    node = head.node(place)
    before = node.report({"cores": 3})
    assert (before.session, before.gcs, before.alive, before.refused) == ("one", "127.0.0.1:6379", False, None)
    head.change(session="two", alive=frozenset({node._node}))
    after = node.report({"cores": 3})
    assert (after.session, after.alive) == ("two", True)
    head.ahead = 100
    assert 99 < node.report({}).time - before.time < 200


def test_a_node_that_was_changed_after_it_joined_is_told_what_differs(head, place) -> None:
    node = head.node(place, replace(FACTS, ray="2.61.0"))
    assert "runs Ray 2.61.0, the head runs Ray 2.60.0" in node.report({}).refused
    assert "runs Ray 2.61.0" in head.meeting.status()["nodes"][0]["refused"]


def test_a_revoked_node_is_refused_at_once_and_the_others_get_the_next_token(head, place, tmp_path) -> None:
    node, other = head.node(place), head.node(tmp_path / "other")
    old = head.secrets.token()
    inviting.revoke(head.folder, node._node, head.now())
    for visit in (lambda: node.report({}), node.status, lambda: node.reach([6381]), lambda: node.renew(HERE, "air")):
        with pytest.raises(RefusedError, match="owner revoked this computer on"):
            visit()
    other.report({})
    assert Secrets(tmp_path / "other").token() == old, "it holds until the head's Ray starts again"
    head.secrets.adopt_token()
    other.report({})
    assert Secrets(tmp_path / "other").token() == head.secrets.token() != old
    assert Secrets(place).token() == old


def test_a_node_learns_the_heads_new_addresses_and_forgets_none(head, place) -> None:
    node = head.node(place)
    head.change(addresses=("100.64.0.1", HERE))
    node.report({})
    assert read_contact(place).addresses == ("100.64.0.1", HERE)
    assert node.report({}).seen_at == HERE


def test_what_a_node_of_another_version_says_of_its_studies_is_not_passed_on(head, place) -> None:
    node = head.node(place, replace(FACTS, bittrader="0.0.1"))
    node.report({"studies": [{"said": "otherwise"}]})
    assert head.meeting.status()["studies"] == []


def test_what_nodes_said_is_known_with_its_age(head, place) -> None:
    node = head.node(place)
    node.report({"cores": 3, "studies": [{"study": "first"}, "nonsense"]})
    head.meeting.note({"cores": 1})
    head.ahead = 60
    first, second = head.meeting.status()["nodes"]
    assert (first["name"], first["state"]) == ("studio", {"cores": 1})
    assert (second["node"], second["state"]["cores"], second["address"]) == (node._node, 3, HERE)
    assert 60 <= second["age_seconds"] < 120
    assert abs(second["skew_seconds"]) < 30
    assert node.status()["studies"] == [{"node": node._node, "study": "first"}]


def test_a_certificate_is_for_the_address_that_a_node_is_seen_at_and_no_other(head, place) -> None:
    node = head.node(place)
    before = Secrets(place).read(kept.NODE)
    node.renew(HERE, "air")
    assert Secrets(place).read(kept.NODE) != before
    with pytest.raises(RefusedError, match=r"goes by 10.0.0.1 and is seen here as 127.0.0.1: .* \(NAT\)"):
        node.renew("10.0.0.1", "air")


def test_a_node_that_never_joined_says_how_to(tmp_path) -> None:
    with pytest.raises(ClusterError, match="this computer is in no cluster: `bittrader worker join CODE`"):
        Visitor(tmp_path, NODE, FACTS)


# Reaching back.


def test_the_head_tries_the_ports_of_the_node_that_asks(head, place) -> None:
    node = head.node(place)
    with socket.create_server((HERE, 0)) as listening:
        port = listening.getsockname()[1]
        found = node.reach([port, 1])
    assert (found.seen_at, found.ports) == (HERE, {port: "open", 1: "closed"})


def test_the_head_tries_no_other_address_and_not_every_port(head, place) -> None:
    node = head.node(place)
    found = node._ask("POST", "/reach", {"ports": [1], "address": "10.0.0.1", "seen_at": "10.0.0.1"})
    assert found["seen_at"] == HERE
    with pytest.raises(ClusterError, match="could not answer /reach: 400"):
        node.reach(range(1, 40))


def test_an_answer_of_another_version_is_said_to_be_one(head, place, monkeypatch) -> None:
    node = head.node(place)
    monkeypatch.setattr(node, "_ask", lambda *_: {"session": 1})
    for visit in (lambda: node.report({}), lambda: node.renew(HERE, "air"), lambda: node.reach([6381])):
        with pytest.raises(ClusterError, match="answered what this Bittrader does not understand"):
            visit()


# Strangers.


@pytest.mark.parametrize(
    "asked", ["GET /status", "POST /report", "GET /", "POST /reach", "GET /../secrets/token", "PUT /join"]
)
def test_a_stranger_learns_nothing(head, asked: str) -> None:
    answer = raw(head, f"{asked} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    assert answer.split(b"\r\n")[0] in (b"HTTP/1.0 403 Forbidden", b"HTTP/1.0 400 Bad Request")
    assert answer.endswith(b"\r\n\r\n{}")
    assert not [word for word in (b"ython", b"ittrader", b"studio", b"ay") if word in answer]
    assert len(head.log) == 1


def test_a_secret_of_nobody_gets_the_same_answer_as_a_wrong_one(head, place) -> None:
    node = head.node(place)
    answers = {
        raw(head, f"GET /status HTTP/1.1\r\nBittrader-Node: {who}\r\nAuthorization: {secret}\r\n\r\n".encode())
        for who in (node._node, OTHER, "", "x" * 500)
        for secret in ("Bearer 0", f"Basic {node._own}", "", "Bearer")
    }
    assert len(answers) == 1
    assert b"does not know this computer" in answers.pop()


GARBAGE = (
    b"\0" * 100,
    b"hello\r\n\r\n",
    b"GET /status\r\n",
    b"GET " + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
    b"GET /status HTTP/9.9\r\n\r\n",
    b"GET /status HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    b"GET /status HTTP/1.1\r\nno header\r\n\r\n",
    b"POST /join HTTP/1.1\r\n\r\n",
    b"POST /join HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /join HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /join HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n",
    b"POST /join HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /join HTTP/1.1\r\nContent-Length: 9000\r\n\r\n" + b"[" * 9000,
    b"POST /join HTTP/1.1\r\nContent-Length: 8000\r\n\r\n" + b"[" * 8000,
    b'POST /join HTTP/1.1\r\nContent-Length: 13\r\n\r\n{"secret": 1}',
    b"OPTIONS * HTTP/1.1\r\n\r\n",
)


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_gets_a_refusal_and_one_line_in_the_log(head, place, sent: bytes, monkeypatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.5)
    answer = raw(head, sent)
    assert not answer or answer.startswith((b"HTTP/1.0 400", b"HTTP/1.0 403", b"{}"))
    assert len(head.log) == 1
    assert "Traceback" not in head.log[0]
    assert head.node(place).report({}).session == "one"


def test_what_a_node_sends_is_looked_at_too(head, place) -> None:
    node = head.node(place)
    for message in (
        {},
        {"state": 1},
        {"state": {}, "facts": {}, "time": 1},
        {"state": {}, "facts": FACTS.as_json(), "time": "now"},
    ):
        with pytest.raises(ClusterError, match="could not answer /report: 400"):
            node._ask("POST", "/report", message)
    with pytest.raises(ClusterError):
        node.report({"much": "x" * module.MOST_BYTES})
    assert node.report({}).session == "one"


def test_who_speaks_no_tls_is_cut_off(head) -> None:
    with socket.create_connection((HERE, head.meeting.port), 20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionError):
            assert b"HTTP" not in connection.recv(1000)
    assert raw(head, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 403")


def test_who_only_tries_whether_the_port_is_open_is_not_written_down(head) -> None:
    for _ in range(3 * FAILURES):
        socket.create_connection((HERE, head.meeting.port), 20).close()
    assert raw(head, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 403")
    assert len(head.log) == 1


def test_who_fails_too_often_is_not_heard_and_nodes_of_the_same_address_are(head, place, tmp_path) -> None:
    node = head.node(place)
    code = head.invite()
    for _ in range(FAILURES):
        with pytest.raises(RefusedError, match="no such join code"):
            join(tmp_path / "guesser", replace(code, secret=b"0123456789"), NODE, "air", FACTS)
    with pytest.raises(RefusedError, match="too many failures from this address: wait a minute"):
        join(tmp_path / "guesser", code, NODE, "air", FACTS)
    assert node.report({}).session == "one"
    assert len(head.log) == 2
    assert head.members.invites()[0].used is None


def test_a_crowd_that_says_nothing_is_cut_off_and_leaves_room(head, monkeypatch, place) -> None:
    node = head.node(place)
    monkeypatch.setattr(module, "ASKING_SECONDS", 2.0)
    with ExitStack() as stack:
        come = [socket.create_connection((HERE, head.meeting.port), 20) for _ in range(MOST_EACH - 2)]
        crowd = [stack.enter_context(one) for one in come]
        assert node.report({}).session == "one", "who says nothing is in nobody's way"
        for silent in crowd:
            assert silent.recv(1) == b""
    assert node.report({}).session == "one"


def test_one_byte_at_a_time_is_no_way_to_stay(head, monkeypatch) -> None:
    monkeypatch.setattr(module, "ASKING_SECONDS", 0.5)
    with tls(head) as connection, pytest.raises(OSError):  # noqa: PT012 - whichever of the two notices
        for _ in range(10**6):
            connection.sendall(b"G")
            connection.settimeout(0.05)
            try:
                if connection.recv(1) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                connection.settimeout(20)


def test_a_head_is_met_only_where_it_says(head, place, monkeypatch) -> None:
    node = head.node(place)
    monkeypatch.setattr(module, "_LOOPBACK", "no such address")
    assert node.report({}).session == "one"
    head.change(addresses=("100.64.0.1",))
    with pytest.raises(UnreachableError, match="was closed: does the head meet its nodes at another address"):
        node.report({})


def test_a_closed_meeting_point_frees_its_port_and_its_nodes_find_the_next_one(head, place) -> None:
    node, port = head.node(place), head.meeting.port
    with pytest.raises(ClusterError, match=f"nodes cannot be met at port {port}: .*Is another head running"):
        head.open(port)
    head.meeting.close()
    with pytest.raises(UnreachableError, match="connection refused"):
        node.report({})
    head.open(port)
    assert node.report({}).session == "one"


def test_the_log_names_no_secret(head, place) -> None:
    node = head.node(place)
    code = head.invite()
    raw(
        head,
        f"GET /status HTTP/1.1\r\nBittrader-Node: {node._node}\r\nAuthorization: Bearer x{node._own}\r\n\r\n".encode(),
    )
    raw(head, f"GET /{code.secret.hex()} HTTP/1.1\r\nBittrader-Node: {node._node}\r\n\r\n".encode())
    secrets = (node._own, code.secret.hex(), Secrets(place).token())
    assert head.log
    assert not [line for line in head.log if any(secret in line for secret in secrets)]


def test_an_answer_is_json_whatever_happens_on_disk(head, place) -> None:
    node = head.node(place)
    head.secrets.path(kept.TOKEN).unlink()
    with pytest.raises(ClusterError, match=r"the head cannot do it: .*token cannot be read"):
        node.report({})
    assert json.loads(json.dumps(head.meeting.status()))
