from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from threading import Thread

import pytest

from bittrader.cluster import authority
from bittrader.cluster import secrets as kept
from bittrader.cluster.certificates import authority as new_authority
from bittrader.cluster.certificates import request, sign
from bittrader.cluster.secrets import Secrets
from bittrader.errors import ClusterError


def handshake(tmp_path, ca: str, certificate: str, key: str, name: str) -> str:
    """What a client that trusts `ca` says of a server with this certificate."""
    for file, text in (("server.pem", certificate), ("server.key", key)):
        (tmp_path / file).write_text(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    client = ssl.create_default_context(cadata=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                server.wrap_socket(theirs, server_side=True).close()
            except OSError:
                return

    thread = Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name):
            return "trusted"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        ours.close()
        thread.join()


def test_a_certificate_is_good_for_its_addresses_and_names_and_no_others(tmp_path) -> None:
    ca, asked = new_authority(), request("node")
    made = sign(ca["key"], ca["certificate"], asked["request"], "node", ["10.0.0.7"], ["meeting.bittrader"])
    for name, answer in (
        ("10.0.0.7", "trusted"),
        ("meeting.bittrader", "trusted"),
        ("10.0.0.8", "IP address mismatch, certificate is not valid for '10.0.0.8'."),
        ("node", "Hostname mismatch, certificate is not valid for 'node'."),
    ):
        assert handshake(tmp_path, ca["certificate"], made["certificate"], asked["key"], name) == answer


@pytest.mark.parametrize("name", ["ü名" * 40, "x" * 80, "名" * 64])
def test_a_name_longer_than_a_certificate_takes_is_cut(name, tmp_path) -> None:
    ca, asked = new_authority(), request(name)
    assert sign(ca["key"], ca["certificate"], asked["request"], name, ["10.0.0.1"], [])["certificate"]


def test_another_authority_is_not_trusted(tmp_path) -> None:
    ca, other, asked = new_authority(), new_authority(), request("node")
    made = sign(other["key"], other["certificate"], asked["request"], "node", ["10.0.0.7"], [])
    answer = handshake(tmp_path, ca["certificate"], made["certificate"], asked["key"], "10.0.0.7")
    assert answer == "unable to get local issuer certificate"


def test_a_node_cannot_sign_for_others(tmp_path) -> None:
    ca, node, asked = new_authority(), request("node"), request("victim")
    own = sign(ca["key"], ca["certificate"], node["request"], "node", ["10.0.0.7"], [])
    forged = sign(node["key"], own["certificate"], asked["request"], "victim", ["10.0.0.1"], [])
    chain = forged["certificate"] + own["certificate"]
    assert handshake(tmp_path, ca["certificate"], chain, asked["key"], "10.0.0.1") == "invalid CA certificate"


def test_what_is_no_request_is_said_in_one_line(tmp_path) -> None:
    secrets = Secrets(tmp_path)
    authority.prepare_head(secrets)
    for bad in ("nonsense", secrets.read(kept.AUTHORITY), ""):
        with pytest.raises(ClusterError, match="no certificate could be made") as told:
            authority.sign(secrets, bad, "node", "10.0.0.7")
        assert "\n" not in str(told.value)


REMEDIES = {
    kept.AUTHORITY: "Put a copy back; or delete it and start the head again, and every computer joins again",
    kept.AUTHORITY_KEY: "Put a copy back; or delete it and start the head again, and every computer joins again",
    kept.MEETING: "Delete it and start the head again: it makes another",
    kept.MEETING_KEY: "Delete it and start the head again: it makes another",
}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_damaged_secret_of_a_head_is_named_with_what_mends_it(name: str, tmp_path) -> None:
    secrets = Secrets(tmp_path)
    authority.prepare_head(secrets)
    request = authority.certificate_request(secrets, "studio")
    secrets.keep(name, "junk")
    meets = name in (kept.MEETING, kept.MEETING_KEY)
    with pytest.raises(ClusterError) as told:
        authority.meeting_context(secrets) if meets else authority.sign(secrets, request, "studio", "10.0.0.7")
    assert str(told.value) == f"{secrets.path(name)} is damaged. {REMEDIES[name]}"
    secrets.path(name).unlink()
    authority.prepare_head(secrets)
    authority.meeting_context(secrets)
    assert authority.sign(secrets, request, "studio", "10.0.0.7")


@pytest.mark.parametrize("name", [kept.NODE, kept.AUTHORITY])
def test_a_damaged_certificate_is_named_where_it_is_looked_at(name: str, tmp_path) -> None:
    secrets = Secrets(tmp_path)
    authority.prepare_head(secrets)
    authority.certify_head(secrets, "studio", "10.0.0.7")
    secrets.keep(name, "junk")
    assert str(secrets.path(name)) in authority.certificate_fault(secrets, "10.0.0.7")


def test_a_head_is_prepared_once_and_mended_when_a_part_is_lost(tmp_path) -> None:
    secrets = Secrets(tmp_path)
    authority.prepare_head(secrets)
    whole = {path.name: path.read_bytes() for path in secrets.folder.iterdir()}
    authority.prepare_head(secrets)
    assert {path.name: path.read_bytes() for path in secrets.folder.iterdir()} == whole
    secrets.path(kept.MEETING_KEY).unlink()
    authority.prepare_head(secrets)
    assert secrets.path(kept.AUTHORITY).read_bytes() == whole[kept.AUTHORITY]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secrets.path(kept.MEETING), secrets.path(kept.MEETING_KEY))


def test_the_heads_own_node_is_certified_for_the_address_that_it_goes_by(tmp_path) -> None:
    secrets = Secrets(tmp_path)
    authority.prepare_head(secrets)
    assert authority.certified_address(secrets) is None
    authority.certify_head(secrets, "studio", "10.0.0.7")
    first = secrets.read(kept.NODE)
    authority.certify_head(secrets, "studio", "10.0.0.7")
    assert (authority.certified_address(secrets), secrets.read(kept.NODE)) == ("10.0.0.7", first)
    authority.certify_head(secrets, "studio", "10.0.0.8")
    assert authority.certified_address(secrets) == "10.0.0.8"
    ca, key = secrets.read(kept.AUTHORITY), secrets.read(kept.NODE_KEY)
    assert handshake(tmp_path, ca, secrets.read(kept.NODE), key, "10.0.0.8") == "trusted"
    assert all(
        secrets.folder.joinpath(path).is_file() for path in authority.tls_environment(secrets).values() if "/" in path
    )


def test_a_daemon_never_loads_the_library_that_makes_certificates() -> None:
    program = "import sys\nfrom bittrader.cluster import meeting, visit\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {one.split(".")[0] for one in loaded} & {"cryptography", "ray", "numba", "numpy", "optuna", "pyarrow"}
