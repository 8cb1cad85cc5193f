"""The process that sends, seen from the one that has something to say: started, looked at, and never waited for."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING

from bittrader.files import tail
from bittrader.notify.posting import SEND_SECONDS, is_done, outcomes_in

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.notify.posting import Outcome, Post

_PATIENCE_SECONDS = 10.0
"""How much longer than it should take the process may take; one that stands still is killed then."""
_EARLIER_SECONDS = SEND_SECONDS + _PATIENCE_SECONDS
"""For so long at most may one be on its way that nobody looks after any more."""
_CLOSE_SECONDS = 3.0
_POLL_SECONDS = 0.05
_MOST_BYTES = 2**20
_ROOM = b"\n" * 2**14
"""Taken before a post goes out: a disk that is full would have it told nobody that it was accepted, and sent again."""


class Sending:
    """One post on its way. Neither its start nor a look at it waits for anything but the disk."""

    def __init__(self, post: Post, outcomes: Path | None = None) -> None:
        """Starts the process, which writes into a file what becomes of each way; OSError when the system gives none."""
        self.post = post
        self._end = time.monotonic() + post.seconds + _PATIENCE_SECONDS
        # Files and no pipes: nothing blocks when the other side stands still, and no list of processes shows a token.
        self._output = _opened(outcomes)
        try:
            self._process = _started(post.to_json().encode(), self._output)
        except OSError:
            self._output.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def look(self) -> tuple[Outcome, ...] | None:
        """What became of each way, once the process has ended; None until then."""
        if self._process.poll() is None:
            if time.monotonic() < self._end:
                return None
            self._kill()
        self._output.seek(0)
        output = self._output.read().decode("utf-8", "replace")
        self._output.close()
        return outcomes_in(self.post, output)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Ends the process, after a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self._kill()
        self._output.close()


class Earlier:
    """One that an earlier daemon began, which was killed meanwhile: the process that sends may not have ended yet."""

    def __init__(self, post: Post, outcomes: Path) -> None:
        self.post = post
        self._outcomes = outcomes
        self._end = time.monotonic() + _EARLIER_SECONDS

    def look(self) -> tuple[Outcome, ...] | None:
        """What became of each way, once that is known or that process is gone for sure; None until then."""
        output = tail(self._outcomes, _MOST_BYTES)
        if not is_done(self.post, output) and time.monotonic() < self._end:
            return None
        return outcomes_in(self.post, output)

    def close(self) -> None:
        """Leaves it to itself."""


def _opened(outcomes: Path | None) -> IO[bytes]:
    """A file with room for what a process says: the one that is named or, where it cannot be, one nobody else reads."""
    if outcomes is not None:
        with contextlib.suppress(OSError):
            outcomes.write_bytes(_ROOM)
            return outcomes.open("r+b")
    return tempfile.TemporaryFile()


def _started(given: bytes, output: IO[bytes]) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", "bittrader.notify"],
            stdin=file,
            stdout=output,
            stderr=subprocess.DEVNULL,  # libraries speak there, and may quote a URL
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def send_now(post: Post) -> tuple[Outcome, ...]:
    """Sends a post and waits for what becomes of it, as long as it may take."""
    sending = Sending(post)
    while (outcomes := sending.look()) is None:
        time.sleep(_POLL_SECONDS)
    return outcomes
