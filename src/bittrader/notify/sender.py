"""The process that sends, seen from the one that has something to say: started, looked at, and never waited for."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING

from bittrader.notify.posting import outcomes_in

if TYPE_CHECKING:
    from bittrader.notify.posting import Outcome, Post

_PATIENCE_SECONDS = 10.0
"""How much longer than it should take the process may take; one that stands still is killed then."""
_CLOSE_SECONDS = 3.0
_POLL_SECONDS = 0.05


class Sending:
    """One post on its way. Neither its start nor a look at it waits for anything but the disk."""

    def __init__(self, post: Post) -> None:
        """Starts the process; OSError when the system gives none."""
        self.post = post
        self._end = time.monotonic() + post.seconds + _PATIENCE_SECONDS
        # Files and no pipes: nothing blocks when the other side stands still, and no list of processes shows a token.
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the process has ended
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
