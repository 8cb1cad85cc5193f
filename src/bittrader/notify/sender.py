"""The process that sends, seen from the one that has something to say: it is started, looked at, and never waited for."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING

from bittrader.notify.posting import SEND_SECONDS, outcomes_in

if TYPE_CHECKING:
    from bittrader.notify.posting import Outcome, Post

_PATIENCE_SECONDS = SEND_SECONDS + 10.0
"""The process ends by itself before; one that stands still is killed then."""
_POLL_SECONDS = 0.05


class Sending:
    """One post on its way. Neither its start nor a look at it waits for anything but the disk."""

    def __init__(self, post: Post) -> None:
        """Starts the process; OSError when the system gives none."""
        self.post = post
        self._output: IO[bytes] = tempfile.TemporaryFile()
        self._end = time.monotonic() + _PATIENCE_SECONDS
        # Files and no pipes: nothing blocks when the other side stands still, and no token is seen in a list of processes.
        with tempfile.TemporaryFile() as given:
            given.write(post.to_json().encode())
            given.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bittrader.notify"],
                stdin=given,
                stdout=self._output,
                stderr=subprocess.DEVNULL,  # libraries speak there, and may quote a URL
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def look(self) -> tuple[Outcome, ...] | None:
        """What became of each way, once the process has ended; None until then."""
        if self._process.poll() is None:
            if time.monotonic() < self._end:
                return None
            self.kill()
        self._output.seek(0)
        output = self._output.read().decode("utf-8", "replace")
        self._output.close()
        return outcomes_in(self.post, output)

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()


def send_now(post: Post) -> tuple[Outcome, ...]:
    """Sends a post and waits for what becomes of it, as long as it may take."""
    sending = Sending(post)
    while (outcomes := sending.look()) is None:
        time.sleep(_POLL_SECONDS)
    return outcomes
