"""The cluster's own certificate authority, in the head's secrets; and a node's request to it, in the node's.

The making is done by `bittrader.cluster.certificates`, in a process of its own.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from contextlib import suppress
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from bittrader.cluster import secrets as kept
from bittrader.cluster.invite import fingerprint
from bittrader.errors import ClusterError, last_words

if TYPE_CHECKING:
    from bittrader.cluster.secrets import Secrets

MEETING_NAME = "meeting.bittrader"
"""What the meeting point's certificate is for, whatever addresses the head has."""
_SECONDS = 60
_DAMAGED = "is damaged"
_FILES = {"authority": kept.AUTHORITY, "authority_key": kept.AUTHORITY_KEY}
# Each takes a process of 30 MB for a third of a second; many who join at once wait for each other.
_AT_ONCE = BoundedSemaphore(2)


def prepare_head(secrets: Secrets) -> None:
    """Makes whatever of a head's secrets is not there: the authority, the meeting point's certificate, Ray's token."""
    if not secrets.has(kept.AUTHORITY, kept.AUTHORITY_KEY):
        made = _made("authority")
        secrets.keep(kept.AUTHORITY_KEY, made["key"])
        secrets.keep(kept.AUTHORITY, made["certificate"])
        secrets.path(kept.MEETING).unlink(missing_ok=True)  # it was the old authority's
    if not secrets.has(kept.MEETING, kept.MEETING_KEY):
        asked = _made("request", name="meeting point")
        secrets.keep(kept.MEETING_KEY, asked["key"])
        secrets.keep(kept.MEETING, _signed(secrets, asked["request"], "meeting point", (), (MEETING_NAME,)))
    if not secrets.has(kept.TOKEN):
        secrets.plan_token()
        secrets.adopt_token()


def meeting_fingerprint(secrets: Secrets) -> bytes:
    """What a join code says of the meeting point's certificate."""
    try:
        return fingerprint(ssl.PEM_cert_to_DER_cert(secrets.read(kept.MEETING)))
    except ValueError as error:
        raise secrets.fault(kept.MEETING, _DAMAGED) from error


def meeting_context(secrets: Secrets) -> ssl.SSLContext:
    """How the meeting point encrypts, and shows who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # each connection is a new one
    meeting_fingerprint(secrets)  # which tells the certificate from the key, where one of them is damaged
    try:
        context.load_cert_chain(secrets.path(kept.MEETING), secrets.path(kept.MEETING_KEY))
    except ssl.SSLError as error:
        raise secrets.fault(kept.MEETING_KEY, _DAMAGED) from error
    return context


def certificate_request(secrets: Secrets, name: str) -> str:
    """The request (PEM) of a node, made when there is none; its private key stays in the node's secrets."""
    if not secrets.has(kept.NODE_KEY, kept.NODE_REQUEST):
        made = _made("request", name=name)
        secrets.keep(kept.NODE_KEY, made["key"])
        secrets.keep(kept.NODE_REQUEST, made["request"])
    return secrets.read(kept.NODE_REQUEST)


def sign(secrets: Secrets, request: str, name: str, address: str) -> str:
    """A certificate (PEM) of the head's authority for the node at this address; ClusterError for a bad request."""
    return _signed(secrets, request, name, (address,), ())


def keep_certificate(secrets: Secrets, certificate: str, address: str) -> None:
    """Keeps a node's certificate, and for which address it is."""
    secrets.path(kept.NODE_ADDRESS).unlink(missing_ok=True)  # so that what is said of it is never said of another
    secrets.keep(kept.NODE, certificate)
    secrets.keep(kept.NODE_ADDRESS, address)


def certified_address(secrets: Secrets) -> str | None:
    """The address that the node's certificate is good for; None when it has none."""
    whole = secrets.has(kept.AUTHORITY, kept.NODE, kept.NODE_KEY, kept.NODE_ADDRESS)
    return secrets.read(kept.NODE_ADDRESS) if whole else None


def certify_head(secrets: Secrets, name: str, address: str) -> None:
    """Gives the head's own Ray node a certificate for its address."""
    if certified_address(secrets) != address:
        keep_certificate(secrets, sign(secrets, certificate_request(secrets, name), name, address), address)


def tls_environment(secrets: Secrets) -> dict[str, str]:
    """What makes Ray's processes encrypt their connections, and accept nobody without a certificate of the cluster."""
    return {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(secrets.path(kept.NODE)),
        "RAY_TLS_SERVER_KEY": str(secrets.path(kept.NODE_KEY)),
        "RAY_TLS_CA_CERT": str(secrets.path(kept.AUTHORITY)),
    }


def certificate_fault(secrets: Secrets, address: str) -> str | None:
    """What a node that connects to this one at an address finds wrong with its certificate; None when nothing is."""
    good_for = certified_address(secrets)
    if good_for is None:
        return f"there is no certificate for {address}"
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = kept.NODE
        server.load_cert_chain(secrets.path(kept.NODE), secrets.path(kept.NODE_KEY))
        file = kept.AUTHORITY
        client = ssl.create_default_context(cafile=str(secrets.path(kept.AUTHORITY)))
        _shake_hands(client, server, address)
    except ssl.SSLCertVerificationError as error:
        return f"the certificate for {good_for} is not good at {address}: {error.verify_message}"
    except (ssl.SSLError, OSError) as error:
        return str(secrets.fault(file, f"cannot be used: {error.strerror or error}"))
    return None


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, address: str) -> None:
    """Has two ends in this process agree as they would over a network."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(back, there, server_hostname=address), server.wrap_bio(there, back, server_side=True))
    for end in ends * 2:
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()


def _signed(secrets: Secrets, request: str, name: str, addresses: tuple[str, ...], hosts: tuple[str, ...]) -> str:
    made = _made(
        "sign",
        authority_key=secrets.read(kept.AUTHORITY_KEY),
        authority=secrets.read(kept.AUTHORITY),
        request=request,
        name=name,
        addresses=list(addresses),
        hosts=list(hosts),
    )
    if (damaged := made.get("damaged")) in _FILES:
        raise secrets.fault(_FILES[damaged], _DAMAGED)
    if damaged is not None:
        raise ClusterError(f"no certificate could be made: the {damaged} is damaged")
    return made["certificate"]


def _made(job: str, **given: object) -> dict[str, str]:
    """What the process that makes certificates answers."""
    words = [sys.executable, "-m", "bittrader.cluster.certificates", job]
    with _AT_ONCE:
        try:
            run = subprocess.run(  # noqa: S603 - our own program, its data on standard input
                words, input=json.dumps(given), capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ClusterError(f"no certificate could be made: {error}") from error
    if "No module named 'cryptography'" in run.stderr:
        raise ClusterError("a cluster needs the package cryptography: `make setup`, or bittrader's extra `cluster`")
    if run.returncode:
        raise ClusterError(f"no certificate could be made: {last_words(run.stderr) or run.returncode}")
    answer: dict[str, str] = json.loads(run.stdout)
    if "error" in answer:
        raise ClusterError(f"no certificate could be made: {answer['error']}")
    return answer
