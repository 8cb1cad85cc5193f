"""Answers a program on a terminal, as a person would: waits for what it says, then types."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NoReturn

from tests.lab.shell import Done, LabError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Conversation:
    """A program on a terminal, and what a person at it reads and types.

    LabError when what is awaited does not come within `timeout` seconds from the start. The words give the program its
    terminal: `script`.
    """

    def __init__(self, words: Sequence[str], spoken: str, timeout: float, variables: Mapping[str, str]) -> None:
        self._started = time.monotonic()
        self._until = self._started + timeout
        self._spoken = spoken
        self._screen = b""
        self._seen = 0
        self._program = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(variables),
        )

    def read_until(self, words: str) -> None:
        """Reads on until the words come that have not been answered yet."""
        while (found := self._screen.find(words.encode(), self._seen)) < 0:
            if not self._read():
                self._give_up(f"it ended and never asked {words!r}")
        self._seen = found + len(words.encode())

    def type(self, text: str) -> None:
        """Types so much; an answer ends with a new line."""
        assert self._program.stdin
        self._program.stdin.write(text.encode())
        self._program.stdin.flush()

    def end(self) -> Done:
        """What came of it, once it has ended; its screen is in `stdout`."""
        while self._read():
            pass
        code = self._program.wait()
        self._close()
        return Done(self._spoken, code, self._text, "", time.monotonic() - self._started)

    @property
    def _text(self) -> str:
        return self._screen.decode(errors="replace").replace("\r\n", "\n")

    def _read(self) -> bool:
        """Whether there was something more."""
        assert self._program.stdout
        number = self._program.stdout.fileno()
        if not select.select([number], [], [], max(0.0, self._until - time.monotonic()))[0]:
            self._give_up("its time is over")
        more = os.read(number, 65_536)
        self._screen += more
        return bool(more)

    def _give_up(self, why: str) -> NoReturn:
        if self._program.poll() is None:
            os.killpg(self._program.pid, signal.SIGKILL)
        self._program.wait()
        self._close()
        raise LabError(f"`{self._spoken}`: {why}\n{self._text}")

    def _close(self) -> None:
        for stream in (self._program.stdin, self._program.stdout):
            assert stream
            stream.close()
