"""The meeting point: a small HTTPS server in threads of the head's daemon, where computers join and nodes report.

| | |
|---|---|
| POST /check | {secret, node, facts} → {head} |
| POST /join | `Asking` → `Joined` |
| POST /report | {state, facts, time} → `Told` |
| POST /renew | {address, request} → {certificate, authority} |
| POST /token | {} → {token} |
| POST /reach | {ports} → {seen_at, ports: {port: outcome}} |
| POST /leave | {} → {} |
| GET /status | → {time, head, nodes, studies} |

All but /check and /join want the headers `Bittrader-Node` and `Authorization: Bearer SECRET`. Whoever cannot show what
is wanted gets 403, and learns nothing else. A connection carries one request: none can grow stale while a laptop
sleeps.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import meeting_context
from bittrader.cluster.desk import Desk, Head
from bittrader.cluster.doorkeeper import Doorkeeper
from bittrader.cluster.members import Members
from bittrader.cluster.messages import BadMessage, RefusedError, read
from bittrader.cluster.secrets import Secrets
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bittrader.cluster.messages import Hosting, Json

SILENT_SECONDS = 5.0
"""How long a connection may say nothing."""
ASKING_SECONDS = 10.0
"""How long a request may take to arrive, from the first packet on."""
ANSWERING_SECONDS = 60.0
"""How long the answer may take to be made and fetched."""
MOST_BYTES = 256 * 1024
"""The longest message of a node."""
MOST_STRANGER_BYTES = 8 * 1024
"""The longest message of anyone else."""
_LOOPBACK = "127."


class Meeting:
    """A running meeting point. `close` ends it."""

    def __init__(
        self,
        folder: Path,
        head: Head,
        hosting: Callable[[], Hosting],
        *,
        port: int,
        log: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is the head's own, prepared by `prepare_head`; `hosting` and `log` are called from other threads.

        ClusterError when the port is taken or the secrets are not whole.
        """
        secrets = Secrets(folder)
        members, context = Members(secrets.path(kept.MEMBERS)), meeting_context(secrets)
        self._desk = Desk(head, secrets, members, hosting, now)
        try:
            self._server = _Server(port, context, self._desk, members, hosting, log)
        except OSError as error:
            why = f"{error.strerror or error}. Is another head running?"
            raise ClusterError(f"nodes cannot be met at port {port}: {why}") from error
        self._thread = Thread(target=self._server.serve_forever, name="meeting", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens: what was asked for, or what the system chose when that was 0."""
        return int(self._server.server_address[1])

    def status(self) -> Json:
        """What GET /status answers."""
        return self._desk.status()

    def note(self, state: Json) -> None:
        """What the head says of itself as a node: it reports to nobody, and is one of the nodes in the status."""
        self._desk.note(state)

    def close(self) -> None:
        """Takes no more connections; returns when none is being taken."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    # Where an exclusive use must be asked for, reuse would let another program take the port from us.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext,
        desk: Desk,
        members: Members,
        hosting: Callable[[], Hosting],
        log: Callable[[str], None],
    ) -> None:
        self.desk = desk
        self.members = members
        self.door = Doorkeeper()
        self.log = log
        self._context = context
        self._hosting = hosting
        self._ends: dict[socket.socket, float] = {}
        self._ends_lock = Lock()
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        """Binds without asking the network for this computer's name, which can take long."""
        TCPServer.server_bind(self)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        here = request.getsockname()[0]
        if here not in self._hosting().addresses and not here.startswith(_LOOPBACK):
            return False
        return self.door.enter(client_address[0], time.monotonic())

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread is to be had
            self.door.leave(client_address[0])
            raise

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Runs in the connection's own thread, the handshake too: nobody waits for another's."""
        try:
            request.settimeout(SILENT_SECONDS)
            with self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as connection:
                self.give(connection, ASKING_SECONDS)
                try:
                    connection.do_handshake()
                    _Handler(connection, client_address, self)
                finally:
                    self.give(connection, None)
        finally:
            self.door.leave(client_address[0])

    def give(self, connection: socket.socket, seconds: float | None) -> None:
        """Gives a connection so much time from now on; None stops watching it."""
        with self._ends_lock:
            if seconds is None:
                self._ends.pop(connection, None)
            else:
                self._ends[connection] = time.monotonic() + seconds

    def service_actions(self) -> None:
        """Cuts the connections whose time is over: one byte every four seconds is no way to stay."""
        with self._ends_lock:
            late = [one for one, end in self._ends.items() if end < time.monotonic()]
            for connection in late:
                del self._ends[connection]
                try:
                    # Past the encryption: its own shutdown would wait for the other side.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    continue  # it is gone already

    def handle_error(self, _request: Any, client_address: Any) -> None:
        error, address = sys.exception(), client_address[0]
        if isinstance(error, ConnectionError | ssl.SSLEOFError):
            return  # they hung up, as whoever tries whether a port is open does
        if isinstance(error, OSError):
            self.fail(address, "spoke no TLS that is spoken here, or went silent")
        else:
            self.log(f"a request from {address} failed, which is a defect of ours:\n{traceback.format_exc()}")

    def fail(self, address: str, what: str) -> None:
        """Counts a failure, and writes it down unless the log is full of them."""
        if self.door.failed(address, time.monotonic()):
            self.log(f"{address} {what}.")


class _StrangerError(Exception):
    """Somebody who does not even say that it is a node: it hears nothing."""


class _Handler(BaseHTTPRequestHandler):
    """One request of one connection."""

    server: _Server
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            answer = self._answer_to()
        except _StrangerError:
            self._fail(f"is a stranger and asked for {self.path[:40]!r}")
            self._send(HTTPStatus.FORBIDDEN, {})
        except RefusedError as error:
            self._fail(f"was sent away: {error}")
            self._send(HTTPStatus.FORBIDDEN, {"reason": str(error)})
        except BadMessage as error:
            self._fail(f"sent what it should not: {error}")
            self._send(HTTPStatus.BAD_REQUEST, {})
        except ClusterError as error:  # a request that cannot be signed, a disk that is full
            self.server.log(f"{self._source} asked for {self.path}, in vain: {error}.")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"reason": f"the head cannot do it: {error}"})
        else:
            self._send(HTTPStatus.OK, answer)

    def _answer_to(self) -> Json:
        desk = self.server.desk
        asked = f"{self.command} {self.path}"
        asked_by_code = {"POST /check": desk.check, "POST /join": desk.join}
        if asked in asked_by_code:
            if not self.server.door.is_heard(self._source, time.monotonic()):
                raise RefusedError("there were too many failures from this address: wait a minute")
            return asked_by_code[asked](self._message(MOST_STRANGER_BYTES), self._source)
        node = self.headers.get("Bittrader-Node")
        if node is None:
            raise _StrangerError
        member = self.server.members.who(node, self._secret())
        self.server.door.met(self._source, time.monotonic())
        if asked == "GET /status":
            return desk.status()
        jobs = {
            "POST /report": desk.report,
            "POST /renew": desk.renew,
            "POST /token": desk.token,
            "POST /reach": desk.reach,
            "POST /leave": desk.leave,
        }
        if asked not in jobs:
            raise BadMessage(f"nothing is called {asked[:40]!r}")
        return jobs[asked](member, self._message(MOST_BYTES), self._source)

    def _secret(self) -> str:
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        return secret if kind == "Bearer" else ""

    def _message(self, most: int) -> Json:
        said = self.headers.get("Content-Length", "")
        if not (said.isascii() and said.isdecimal() and len(said) < 10 and int(said) <= most):
            raise BadMessage(f"it is not said to have at most {most} bytes")
        body = self.rfile.read(int(said))
        if len(body) < int(said):
            raise BadMessage("it ends too early")
        return read(body)

    @property
    def _source(self) -> str:
        return str(self.client_address[0])

    def _fail(self, why: str) -> None:
        self.server.fail(self._source, why)

    def _send(self, status: HTTPStatus, answer: Json) -> None:
        body = json.dumps(answer).encode()
        self.server.give(self.connection, ANSWERING_SECONDS)
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, *_words: object) -> None:
        """What the library sends to garbage: here, no word of who we are."""
        self._fail(f"spoke no HTTP that is spoken here ({code})")
        self._send(HTTPStatus.BAD_REQUEST, {})

    def log_error(self, *_words: object) -> None:
        self._fail("went silent")

    def log_message(self, *_words: object) -> None:
        """Only failures are written down, and those by `fail`."""
