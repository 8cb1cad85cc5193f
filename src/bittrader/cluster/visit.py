"""A node's visits to the meeting point: it tries the head's addresses in their order, and says what each one said."""

from __future__ import annotations

import json
import ssl
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hmac import compare_digest
from http.client import HTTPConnection, HTTPException
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.cluster import messages
from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import MEETING_NAME, certificate_request, keep_certificate
from bittrader.cluster.invite import fingerprint
from bittrader.cluster.messages import Asking, BadMessage, Joined, RefusedError, Told
from bittrader.cluster.network import failure_in_words
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import NAME_LENGTH
from bittrader.errors import ClusterError
from bittrader.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from socket import socket

    from bittrader.cluster.facts import Facts
    from bittrader.cluster.identity import Role
    from bittrader.cluster.invite import Invite
    from bittrader.cluster.messages import Json
    from bittrader.cluster.network import Outcome

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
JOIN_SECONDS = 60.0
"""The head may be making certificates for many."""
_WRONG_DAY = (9, 10)  # OpenSSL: not valid yet, and not valid any more
_MOST_BYTES = 8 * 1024 * 1024
_MOST_ADDRESSES = 8


class NotJoinedError(ClusterError):
    """This computer has never joined a cluster."""

    def __init__(self) -> None:
        super().__init__("this computer is in no cluster: `bittrader worker join CODE`")


class UnreachableError(ClusterError):
    """No address of the head answered; `tries` says what each said."""

    def __init__(self, tries: tuple[str, ...]) -> None:
        super().__init__("the head cannot be reached: " + "; ".join(tries))
        self.tries = tries


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a node meets its head."""

    addresses: tuple[str, ...]
    port: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What the head found when it tried the node's ports."""

    seen_at: str
    ports: dict[int, Outcome]


class Visitor:
    """A node that visits its head. One thread at a time may use it."""

    def __init__(self, folder: Path, node: str, facts: Facts, *, now: Callable[[], float] = time.time) -> None:
        """`folder` is the node's own, as `join` left it; ClusterError when it has never joined."""
        self._folder = folder
        self._secrets = Secrets(folder)
        self._node = node
        self._facts = facts
        self._now = now
        self._contact = read_contact(folder)
        self._context = _trusting(self._secrets.path(kept.AUTHORITY))
        self._own = self._secrets.read(kept.NODE_SECRET)

    def report(self, state: Json) -> Told:
        """Says how this node is and hears how the cluster is; when Ray's token is another one, fetches and keeps it.

        UnreachableError when no address answers; RefusedError when the head does not know this node, or revoked it.
        """
        said = {"state": state, "facts": self._facts.as_json(), "time": self._now()}
        answer = self._ask("POST", "/report", said)
        with _understood():
            told = Told.of(answer)
        self._contact = Contact(_first(told.addresses, self._contact.addresses), self._contact.port)
        if set(self._contact.addresses) != set(read_contact(self._folder).addresses):
            keep_contact(self._folder, self._contact)
        if told.token != kept.mark(self._secrets.token()):
            self._secrets.keep(kept.TOKEN, self.token())
        return told

    def renew(self, address: str, name: str) -> None:
        """Fetches a certificate for the address that this node goes by now, and keeps it."""
        request = certificate_request(self._secrets, name)
        answer = self._ask("POST", "/renew", {"address": address, "request": request})
        with _understood():
            self._secrets.keep(kept.AUTHORITY, messages.text(answer, "authority", 8000))
            keep_certificate(self._secrets, messages.text(answer, "certificate", 8000), address)

    def reach(self, ports: Iterable[int]) -> Reached:
        """Whether the head gets through to these ports of this node, at most `messages.MOST_PORTS` of them."""
        answer = self._ask("POST", "/reach", {"ports": list(ports)})
        with _understood():
            found = {int(port): outcome for port, outcome in messages.field(answer, "ports", dict).items()}
            return Reached(messages.address(answer, "seen_at"), found)

    def leave(self) -> None:
        """Has the head forget this node."""
        self._ask("POST", "/leave", {})

    def token(self) -> str:
        """Ray's token, as the head has it."""
        answer = self._ask("POST", "/token", {})
        with _understood():
            return messages.text(answer, "token", 200)

    @property
    def head(self) -> tuple[str, int]:
        """The address and port where the head answered last, or is to be tried first."""
        return self._contact.addresses[0], self._contact.port

    def status(self) -> Json:
        """What the head knows of all nodes."""
        return self._ask("GET", "/status", None)

    def _ask(self, method: str, path: str, message: Json | None) -> Json:
        headers = {"Bittrader-Node": self._node, "Authorization": f"Bearer {self._own}"}
        tries = []
        for address in self._contact.addresses:
            try:
                with _connected(address, self._contact.port, self._context) as connection:
                    connection.settimeout(ANSWER_SECONDS)
                    answer = _exchange(connection, method, path, message, headers)
            except OSError as error:
                tries.append(_words(error, address, self._contact.port))
                continue
            self._contact = Contact(_first((address,), self._contact.addresses), self._contact.port)
            return answer
        raise UnreachableError(tuple(tries))


def join(folder: Path, invite: Invite, node: str, name: str, facts: Facts) -> Joined:
    """Joins the cluster that a code names, and keeps in the node's folder what it takes to meet the head from now on.

    UnreachableError when no address answers as the code says; RefusedError, with the reason, when the head says no.
    """
    secrets = Secrets(folder)
    request = certificate_request(secrets, name)
    answer, address = _ask_by_code(invite, "/join", Asking(invite.secret.hex(), node, name, request, facts).as_json())
    with _understood():
        joined = Joined.of(answer)
    _keep(folder, secrets, joined, Contact(_first((address,), invite.addresses), invite.port))
    return joined


def check(invite: Invite, node: str, facts: Facts) -> str:
    """The name of the head that a code is from, if it lets this computer in, which it does not do yet.

    UnreachableError and RefusedError as for `join`.
    """
    asking = {"secret": invite.secret.hex(), "node": node, "facts": facts.as_json()}
    answer, _ = _ask_by_code(invite, "/check", asking)
    with _understood():
        return messages.text(answer, "head", NAME_LENGTH)


def _ask_by_code(invite: Invite, path: str, asking: Json) -> tuple[Json, str]:
    """What the head of a code answers, and at which of its addresses."""
    tries = []
    for address in invite.addresses:
        try:
            with _connected(address, invite.port, _unknowing()) as connection:
                _require_fingerprint(connection, invite, address)
                connection.settimeout(JOIN_SECONDS)
                return _exchange(connection, "POST", path, asking, {}), address
        except OSError as error:
            tries.append(_words(error, address, invite.port))
    raise UnreachableError(tuple(tries))


def read_contact(folder: Path) -> Contact:
    """Where the head is met; NotJoinedError when this computer has never joined a cluster.

    ClusterError, with what mends it, when that cannot be read.
    """
    path = folder / paths.MEETING
    try:
        said = messages.read(path.read_bytes())
        return Contact(messages.addresses(said, "addresses"), messages.port(said, "port"))
    except FileNotFoundError:
        raise NotJoinedError from None
    except (OSError, BadMessage) as error:
        raise ClusterError(f"{path} cannot be read: {error}. Join again, with a new code") from error


def require_joined(folder: Path, role: Role) -> None:
    """ClusterError when this is to be a worker's folder, and it has never joined a cluster."""
    if role == "worker":
        read_contact(folder)


def keep_contact(folder: Path, contact: Contact) -> None:
    """Keeps where the head is met."""
    write_whole(folder / paths.MEETING, json.dumps(asdict(contact)))


def _keep(folder: Path, secrets: Secrets, joined: Joined, contact: Contact) -> None:
    secrets.keep(kept.AUTHORITY, joined.authority)
    secrets.keep(kept.TOKEN, joined.token)
    secrets.keep(kept.NODE_SECRET, joined.node_secret)
    keep_certificate(secrets, joined.certificate, joined.seen_at)
    keep_contact(folder, contact)  # last: it is what says that this computer has joined


@contextmanager
def _understood() -> Iterator[None]:
    """Where a head of another version may have said what this one does not know."""
    try:
        yield
    except ValueError as error:
        raise ClusterError(
            f"the head answered what this Bittrader does not understand ({error}): install the head's version"
        ) from error


def _first(best: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """`best`, then what else there was: an address that answered is not forgotten because another is preferred."""
    return tuple(dict.fromkeys((*best, *others)))[:_MOST_ADDRESSES]


def _trusting(authority: Path) -> ssl.SSLContext:
    """Trusts the meeting point of this authority, wherever it is, and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise ClusterError(f"{authority} is no certificate: join again, with a new code") from error
    return context


def _unknowing() -> ssl.SSLContext:
    """Encrypts and trusts nobody: the caller compares the fingerprint before it says a word."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connected(address: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain: socket = create_connection((address, port), CONNECT_SECONDS)
    try:
        plain.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return context.wrap_socket(plain, server_hostname=MEETING_NAME)
    except BaseException:
        plain.close()
        raise


def _require_fingerprint(connection: ssl.SSLSocket, invite: Invite, address: str) -> None:
    if not compare_digest(fingerprint(connection.getpeercert(binary_form=True) or b""), invite.fingerprint):
        raise ssl.SSLCertVerificationError(f"{address}:{invite.port} is not the head that the code is from")


def _exchange(connection: ssl.SSLSocket, method: str, path: str, message: Json | None, headers: dict[str, str]) -> Json:
    body = None if message is None else json.dumps(message).encode()
    http = HTTPConnection(MEETING_NAME)
    http.sock = connection
    try:
        http.request(method, path, body, headers)
        response = http.getresponse()
        answer = messages.read(response.read(_MOST_BYTES))
    except (HTTPException, BadMessage) as error:
        raise ConnectionResetError(f"the answer was cut short: {error}") from error
    if response.status == 200:
        return answer
    reason: Any = answer.get("reason")
    if response.status == 403 and isinstance(reason, str):
        raise RefusedError(reason)
    raise ClusterError(f"the head could not answer {path}: {reason or response.status}")


def _words(error: OSError, address: str, port: int) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if getattr(error, "verify_code", 0) in _WRONG_DAY:
            return f"{address}:{port} shows a certificate that is not valid today: is the date of this computer right?"
        return (
            f"another head answers at {address}:{port}, or the same one set up anew: ask for a new code "
            "(`bittrader head invite`)"
        )
    if isinstance(error, ssl.SSLEOFError):  # the encrypted way of saying the same
        return failure_in_words(ConnectionResetError(), address, port)
    if isinstance(error, ssl.SSLError):
        return f"something else than a head answers at {address}:{port}: is the port right?"
    return failure_in_words(error, address, port)
