"""Running programs: what came of one that ended, a handle on one that goes on, and waiting for a fact."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class LabError(Exception):
    """Something that the lab was asked to do did not come about; the text says what, with what was printed."""


@dataclass(frozen=True)
class Done:
    """What came of a command that ended."""

    command: str
    code: int
    stdout: str
    stderr: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"`{self.command}` ended with {self.code} after {self.seconds:.1f} s\n{self.stdout}{self.stderr}".rstrip()
        )


@dataclass(frozen=True)
class Process:
    """A process as the outside sees it, with the number that it has out here."""

    pid: int
    command: str = field(compare=False)
    """A program may change it."""
    started: int

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Sends a signal, unless the process is gone and its number may be another's."""
        if process_at(self.pid) == self:
            os.kill(self.pid, signal_number)

    @property
    def alive(self) -> bool:
        return process_at(self.pid) == self


def process_at(pid: int) -> Process | None:
    """The process of that number, or None when there is none, or only what is left of one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if state in "ZX":
        return None
    return Process(pid, command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace"), int(fields[18]))


def numbers() -> list[int]:
    """The numbers of all processes of this computer."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - no path is made of them


def children_of(pid: int) -> list[int]:
    """The numbers of a process's children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Running:
    """A command that was started on a host and goes on; everything that it prints is in `log`."""

    def __init__(self, words: Sequence[str], log: Path, spoken: str, variables: Mapping[str, str]) -> None:
        self.log = log
        self.spoken = spoken
        with log.open("wb") as file:
            self._outer = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=dict(variables),
            )

    @property
    def pid(self) -> int:
        """The number of the process that brought the command into its host."""
        return self._outer.pid

    @property
    def text(self) -> str:
        """All that was printed until now."""
        return self.log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self._outer.poll() is None

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Sends a signal to the command and its children, less those that left its process group."""
        if self.alive:
            os.killpg(self._outer.pid, signal_number)

    def wait(self, timeout: float = 60) -> int:
        """The exit code of the command."""
        try:
            return self._outer.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"`{self.spoken}` still runs after {timeout} s\n{self.text}") from error

    def says(self, words: str, timeout: float = 60) -> Self:
        """Itself, once it has printed these words."""
        wait_until(
            lambda: words in self.text or not self.alive, f"`{self.spoken}` says {words!r}", timeout, lambda: self.text
        )
        if words not in self.text:
            raise LabError(f"`{self.spoken}` ended with {self._outer.returncode} and never said {words!r}\n{self.text}")
        return self


def run(
    words: Sequence[str],
    timeout: float = 60,
    *,
    spoken: str | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Done:
    """What came of a command; LabError when it has not ended in time (it is ended then, with its group)."""
    spoken = spoken or shlex.join(words)
    started = time.monotonic()
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
        env=None if variables is None else dict(variables),
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        raise LabError(f"`{spoken}` did not end in {timeout} s\n{stdout}{stderr}") from error
    return Done(spoken, process.returncode, stdout, stderr, time.monotonic() - started)


def succeed(*words: str, timeout: float = 60) -> str:
    """What a command of the lab's own prints; LabError when it fails."""
    done = run(words, timeout)
    if done.code:
        raise LabError(str(done))
    return done.stdout


def wait_until(
    fact: Callable[[], object], what: str, timeout: float = 60, story: Callable[[], str] = str, every: float = 0.02
) -> float:
    """How many seconds it took until the fact held; LabError with the story when it does not within `timeout`."""
    started = time.monotonic()
    while not fact():
        if time.monotonic() - started > timeout:
            raise LabError(f"not within {timeout} s: {what}\n{story()}".rstrip())
        time.sleep(every)
    return time.monotonic() - started


def each(actions: Iterable[Callable[[], object]]) -> None:
    """Does every action, also when one fails; then raises what failed, so that a clean-up is never cut short."""
    failures: list[Exception] = []
    for action in actions:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - all are raised below
            failures.append(error)
    if failures:
        raise ExceptionGroup("the lab could not clean up", failures)
