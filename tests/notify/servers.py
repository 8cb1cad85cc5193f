"""Loopback servers that a `json://` URL sends to: one that takes all, one that refuses, one that never answers."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "s3cr3t-t0k3n"


@dataclass
class Receiver:
    """Where it is met, how it answers, and what it got."""

    url: str = ""
    status: int = 200
    answer_megabytes: int = 0
    asked: int = 0
    """How often it was asked to take something."""
    got: list[dict[str, Any]] = field(default_factory=list)

    @property
    def bodies(self) -> list[str]:
        return [one["message"] for one in self.got]


@contextlib.contextmanager
def receiver(status: int = 200) -> Iterator[Receiver]:
    found = Receiver(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked += 1
            if found.status == 200:
                found.got.append(body)
            self.send_response(found.status)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side has had enough
                for _ in range(found.answer_megabytes):
                    self.wfile.write(bytes(2**20))

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"json://127.0.0.1:{server.server_port}/{TOKEN}"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word. (It waits for longer than any test.)"""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"json://127.0.0.1:{server.getsockname()[1]}/{TOKEN}?rto=300&cto=300"
