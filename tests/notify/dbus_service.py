"""A small notification service on a D-Bus session of its own, in the bus's own bytes: what a desktop would show."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "org.freedesktop.Notifications"
ANSWERS = {
    "GetServerInformation": ("ssss", ("fake", "us", "1", "1.2")),
    "GetCapabilities": ("as", (["body", "body-markup"],)),
    "Notify": ("u", (1,)),
}
_CALL, _RETURN, _NO_REPLY = 1, 2, 1
is_there = shutil.which("dbus-daemon") is not None and hasattr(socket, "AF_UNIX")


@dataclass
class Desktop:
    """The address of the session, and what was shown: program, title and body of each."""

    address: str
    shown: list[tuple[str, str, str]] = field(default_factory=list)


@contextlib.contextmanager
def desktop() -> Iterator[Desktop]:
    """A session with the service on it, which ends with the block."""
    words = ["dbus-daemon", "--session", "--nofork", "--print-address=1", "--nopidfile"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bus:
        try:
            found = Desktop(bus.stdout.readline().strip())
            with contextlib.closing(_Connection(found.address)) as connection:
                connection.call("Hello", "", ())
                connection.call("RequestName", "su", (SERVICE, 0))
                thread = Thread(target=connection.serve, args=(found,), daemon=True)
                thread.start()
                yield found
        finally:
            bus.terminate()  # it takes its socket with it


class _Connection:
    def __init__(self, address: str) -> None:
        path = dict(part.split("=", 1) for part in address.partition(":")[2].split(","))
        name = path.get("path") or "\0" + path["abstract"]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(name)
        self._serial = 0
        self._socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self._line().startswith(b"OK")
        self._socket.sendall(b"BEGIN\r\n")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def call(self, member: str, signature: str, values: tuple[object, ...]) -> None:
        """Calls the bus itself, and waits for its answer."""
        fields = [(1, "o", "/org/freedesktop/DBus"), (2, "s", "org.freedesktop.DBus"), (3, "s", member)]
        serial = self._send(_CALL, [*fields, (6, "s", "org.freedesktop.DBus")], signature, values)
        while True:
            kind, fields, _, _ = self._receive()
            if kind == _RETURN and fields.get(5) == serial:
                return

    def serve(self, desktop: Desktop) -> None:
        """Answers until the connection closes."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                kind, fields, serial, body = self._receive()
                if kind != _CALL or fields.get(3) not in ANSWERS:
                    continue
                if fields[3] == "Notify":
                    program, _, _, title, text = _read("susss", body)
                    desktop.shown.append((program, title, text))
                signature, values = ANSWERS[fields[3]]
                self._send(_RETURN, [(5, "u", serial), (6, "s", fields[7])], signature, values)

    def _send(self, kind: int, fields: list[tuple[int, str, object]], signature: str, values: tuple) -> int:
        self._serial += 1
        body = b""
        for one, value in zip(_types(signature), values, strict=True):
            body = _write(body, one, value)
        if signature:
            fields = [*fields, (8, "g", signature)]
        head = struct.pack("<BBBBIII", ord("l"), kind, 0, 1, len(body), self._serial, 0)
        for code, one, value in fields:
            head = _pad(head, 8) + bytes([code])
            head = _write(_write(head, "g", one), one, value)
        head = head[:12] + struct.pack("<I", len(head) - 16) + head[16:]
        self._socket.sendall(_pad(head, 8) + body)
        return self._serial

    def _receive(self) -> tuple[int, dict[int, object], int, bytes]:
        start = self._exactly(16)
        kind, length, serial, size = start[1], *struct.unpack("<III", start[4:])
        raw = start + self._exactly(size + -size % 8)
        fields, at = {}, 16
        while at < 16 + size:
            at += -at % 8
            code, at = raw[at], at + 1
            one, at = _take(raw, at, "g")
            fields[code], at = _take(raw, at, one)
        return kind, fields, serial, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._exactly(1)
        return line


def _pad(data: bytes, size: int) -> bytes:
    return data + b"\0" * (-len(data) % size)


def _types(signature: str) -> list[str]:
    return ["as"] if signature == "as" else list(signature)


def _write(data: bytes, kind: str, value: object) -> bytes:
    if kind == "g":
        return data + bytes([len(value)]) + value.encode() + b"\0"
    data = _pad(data, 4)
    if kind == "u":
        return data + struct.pack("<I", value)
    if kind == "as":
        inner = b""
        for one in value:
            inner = _write(inner, "s", one)
        return data + struct.pack("<I", len(inner)) + inner
    return data + struct.pack("<I", len(value.encode())) + value.encode() + b"\0"


def _take(data: bytes, at: int, kind: str) -> tuple[object, int]:
    if kind == "g":
        end = at + 1 + data[at]
        return data[at + 1 : end].decode(), end + 1
    at += -at % 4
    (number,) = struct.unpack_from("<I", data, at)
    if kind == "u":
        return number, at + 4
    return data[at + 4 : at + 4 + number].decode(), at + 5 + number


def _read(signature: str, body: bytes) -> list[object]:
    """The first values of a body. (All that a `Notify` begins with is texts and a number.)"""
    values, at = [], 0
    for kind in signature:
        value, at = _take(body, at, kind)
        values.append(value)
    return values
