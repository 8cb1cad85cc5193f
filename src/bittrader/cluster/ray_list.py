"""What the membership process of a head says, read without ever waiting for it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from bittrader.cluster.ray_process import Child

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bittrader.cluster.ledger import Ledger


@dataclass(frozen=True)
class Listed:
    """One answer of the head's Ray. `session` is None when there was none, and `error` then says why."""

    asked: float
    session: str | None = None
    alive: frozenset[str] = frozenset()
    error: str = ""


class Membership:
    """The running process, and what it said last."""

    def __init__(self, ledger: Ledger, gcs: str, environment: Mapping[str, str], errors: Path) -> None:
        words = [sys.executable, "-m", "bittrader.cluster.membership", gcs]
        with errors.open("wb") as file:
            self._child = Child(
                ledger, "membership", words, environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file.fileno(),
            )  # fmt: skip
        self.last: Listed | None = None
        self._thread = Thread(target=self._read, name="membership", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._child.process.poll() is None

    def close(self) -> None:
        """Kills the process."""
        self._child.process.kill()
        self._child.process.wait()
        self._thread.join()
        for stream in (self._child.process.stdin, self._child.process.stdout):
            if stream is not None:
                stream.close()
        self._child.forget()

    def _read(self) -> None:
        assert self._child.process.stdout is not None
        for line in self._child.process.stdout:
            self.last = parse(line) or self.last


def parse(line: bytes) -> Listed | None:
    """What a line of the process says; None for a line that was cut off as it was killed."""
    try:
        said = json.loads(line)
        return Listed(
            float(said["asked"]), said.get("session"), frozenset(said.get("alive", ())), said.get("error", "")
        )
    except (ValueError, TypeError, KeyError):
        return None


def answered(before: Listed | None, said: Listed | None) -> Listed | None:
    """The last answer of Ray's, when a process that has just begun or got no answer says something, or nothing yet."""
    return before if said is None or said.session is None else said
