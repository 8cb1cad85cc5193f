"""The link to a cluster through the Ray node of this computer: a process of its own, started again whenever it ends.

Ray ends a process whose node or head is lost, and may hang in a call for minutes: so that process is not this one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.execution import frames
from bittrader.execution.link import Alive, Connected, Disconnected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from subprocess import Popen

    from bittrader.execution.link import FromCluster, Link, ToCluster

_LOOK_SECONDS = 0.5
# A bridge says twice a second that it lives. Connecting takes some seconds, with a wrong token twenty.
_SILENT_SECONDS = 10.0
_CONNECTING_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_LONGEST_LOG = 1_000_000
# By its name, not as `-m`: what nodes are sent by reference must be found in this module there.
_PROGRAM = "from bittrader.execution.ray import main; main()"
NO_NODE = "the cluster: this computer has no connection to it just now"
BROKEN = "the cluster: the connection broke, and your work waits for another"
_STALE_SECONDS = 10.0


class Bridge:
    """The process that speaks to Ray for us. `folder`: a node's, with the `ray.json` that its daemon writes."""

    def __init__(self, folder: Path) -> None:
        self._facts_path, self._log_path = folder / paths.RAY, folder / paths.LOGS / "bridge.log"
        self._state_path = folder / paths.STATE
        self._inbox: queue.SimpleQueue[tuple[_Child | None, Any]] = queue.SimpleQueue()
        self._child: _Child | None = None
        self._retry_at = 0.0
        self._pause = _FIRST_PAUSE
        self._looked = 0.0
        self._said = ""
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._child is None else self._child.process.pid

    def send(self, message: ToCluster) -> None:
        if self._child is not None:
            self._child.outbox.put(message)

    def receive(self, timeout: float) -> Sequence[FromCluster]:
        arrived = self._look_after()
        with contextlib.suppress(queue.Empty):
            arrived += self._take(*self._inbox.get(timeout=0.0 if arrived else timeout))
            while True:
                arrived += self._take(*self._inbox.get_nowait())
        return arrived

    def close(self) -> None:
        self._closed = True
        self._stop()

    def _take(self, child: _Child | None, message: Any) -> list[FromCluster]:
        """What a message from a child comes to; one of a child that was given up comes to nothing."""
        if child is None or child is not self._child:
            return []
        child.heard = time.monotonic()
        if message is None:
            return self._lost(child.ending())
        if isinstance(message, Disconnected):
            child.why = message.why
            return []
        if isinstance(message, Connected):
            child.connected, self._pause, self._said = True, _FIRST_PAUSE, ""
        return [] if isinstance(message, Alive) else [message]

    def _look_after(self) -> list[FromCluster]:
        """Starts, replaces and ends the process, as what there is asks for."""
        now = time.monotonic()
        if self._closed or now < self._looked + _LOOK_SECONDS:
            return []
        self._looked = now
        facts, child = self._facts(), self._child
        if child is None:
            if facts is None:
                return self._say(self._no_node())
            return self._start(facts) if now >= self._retry_at else []
        if facts != child.facts:
            return self._lost(BROKEN if facts else self._no_node())
        if now > child.heard + (_SILENT_SECONDS if child.connected else _CONNECTING_SECONDS):
            return self._lost("the cluster: the connection hangs, and your work waits for another")
        return []

    def _start(self, facts: Mapping[str, Any]) -> list[FromCluster]:
        try:
            self._child = _Child(facts, self._inbox, self._log_path)
        except OSError as error:  # no process or file more, just now
            return self._lost(f"the cluster: the process that connects to it cannot start ({error})")
        return []

    def _lost(self, why: str) -> list[FromCluster]:
        self._stop()
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._said = ""
        return self._say(why)

    def _say(self, why: str) -> list[FromCluster]:
        """Says why there is no bridge, once."""
        if why == self._said:
            return []
        self._said = why
        return [Disconnected(why)]

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _no_node(self) -> str:
        """That no Ray node runs on this computer, and why, as its daemon says."""
        try:
            said = json.loads(self._state_path.read_text(encoding="utf-8"))
            why, silent = said["waiting"], time.time() - said["at"]
        except (OSError, ValueError, TypeError, KeyError):
            return NO_NODE
        if silent > _STALE_SECONDS:
            return "the cluster: this computer's node does not run. Start it, and your work goes on"
        return f"the cluster: {why}. Your work waits for it" if why else NO_NODE

    def _facts(self) -> Mapping[str, Any] | None:
        """How to reach Ray on this computer; None while it does not run."""
        try:
            facts = json.loads(self._facts_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) and isinstance(facts.get("env"), dict) else None


class _Child:
    """One bridge process, with a thread for each direction: a pipe that is full must not hold up the search."""

    def __init__(
        self, facts: Mapping[str, Any], inbox: queue.SimpleQueue[tuple[_Child | None, Any]], log: Path
    ) -> None:
        self.facts = facts
        self.connected = False
        self.why = ""
        self.heard = time.monotonic()
        self.outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._inbox, self._log = inbox, log
        self.process = self._started()
        self.outbox.put(facts)
        works = (self._write, self._read)
        self._threads = [threading.Thread(target=work, name="bittrader-bridge", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def _started(self) -> Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        grown = self._log.exists() and self._log.stat().st_size > _LONGEST_LOG
        with self._log.open("wb" if grown else "ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.facts.get("env", {})},
                start_new_session=True,  # Ctrl-C is for us alone
            )

    def _write(self) -> None:
        pipe = self.process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:  # it has ended, which the reader tells
            while (message := self.outbox.get()) is not None:
                frames.write(pipe, message)

    def _read(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        with contextlib.suppress(EOFError, OSError), pipe:
            while True:
                self._inbox.put((self, frames.read(pipe)))
        self._inbox.put((self, None))

    def ending(self) -> str:
        """Why it ended, in one line."""
        if self.why:
            return self.why
        # Ray ends a process whose head or node is lost, at once and without a word that we could pass on.
        return BROKEN if self.connected else f"the head: it cannot be reached, and your work waits for it ({self._log})"

    def end(self) -> None:
        """Ends it at once: what it runs ends with it."""
        self.outbox.put(None)
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()


if TYPE_CHECKING:
    _: type[Link] = Bridge
