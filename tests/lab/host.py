"""A host of the lab: a computer of its own, as far as its processes can tell."""

from __future__ import annotations

import shlex
import signal
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from tests.lab.shell import Done, LabError, Process, Running, numbers, process_at, run
from tests.lab.terminal import Conversation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.cgroups import Cgroup
    from tests.lab.network import Cable, Traffic

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Command: TypeAlias = "str | Sequence[str]"


class Host(ABC):
    """What both kinds of host can do. A command is one line for the shell, or a list of words."""

    name: str
    cable: Cable
    cgroup: Cgroup
    folder: Path
    """The host's folder as the outside sees it."""
    home: Path
    """The home of its user as the outside sees it: put files there, and read them, without a command."""
    home_inside: Path
    """The same as its own processes see it."""

    def __init__(self, home: Path, processors: Sequence[int], variables: Mapping[str, str]) -> None:
        self.home_inside = home
        self._processors = processors
        self.variables = {"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", **variables}
        self._started: list[Running] = []

    # What it is

    @property
    def address(self) -> str:
        """Its address now."""
        return self.cable.address

    @property
    @abstractmethod
    def leader(self) -> int:
        """The number, out here, of its first process; LabError while it is off."""

    @property
    @abstractmethod
    def on(self) -> bool:
        """Whether it is running."""

    # What runs on it

    def run(
        self,
        command: Command,
        timeout: float = 60,
        *,
        variables: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> Done:
        """What came of a command on the host; LabError when it does not end in time. It may fail: look at `code`."""
        spoken = f"{self.name}$ {_spoken(command)}"
        return run(self._inside(command, variables), timeout, spoken=spoken, variables=self.variables, stdin=stdin)

    def succeed(
        self,
        command: Command,
        timeout: float = 60,
        *,
        variables: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> str:
        """What a command prints; LabError with all that it said when it fails."""
        done = self.run(command, timeout, variables=variables, stdin=stdin)
        if done.code:
            raise LabError(str(done))
        return done.stdout

    def talk(
        self,
        command: Command,
        answers: Sequence[tuple[str, str]],
        timeout: float = 60,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> Done:
        """What came of a command that asks on a terminal: each question, in this order, gets its answer typed."""
        conversation = self.converse(command, timeout, variables=variables)
        for question, answer in answers:
            conversation.read_until(question)
            conversation.type(f"{answer}\n")
        return conversation.end()

    def converse(
        self, command: Command, timeout: float = 60, *, variables: Mapping[str, str] | None = None
    ) -> Conversation:
        """A command on a terminal, to be read and typed to until it ends."""
        words = ["script", "-qefc", shlex.join(words_of(command)), "/dev/null"]
        spoken = f"{self.name}$ {_spoken(command)}"
        return Conversation(self._inside(words, variables), spoken, timeout, self.variables)

    def start(self, command: Command, *, variables: Mapping[str, str] | None = None) -> Running:
        """A command that goes on in the background."""
        spoken = f"{self.name}$ {_spoken(command)}"
        return self._go(self._inside(command, variables), spoken)

    def processes(self, words: str = "") -> list[Process]:
        """Its processes whose command line contains the words, less its first one."""
        leader = self.leader
        found = (process_at(pid) for pid in numbers() if pid != leader and self._is_ours(pid))
        return [process for process in found if process and words in process.command]

    def kill(self, words: str, signal_number: int = signal.SIGKILL) -> int:
        """Sends a signal to each process whose command line contains the words; returns how many there were."""
        found = self.processes(words)
        for process in found:
            process.kill(signal_number)
        return len(found)

    # What happens to it

    def freeze(self) -> None:
        """Stops all its processes where they stand. Its kernel goes on and acknowledges packets: see `sleep`."""
        self.cgroup.freeze()

    def thaw(self) -> None:
        self.cgroup.thaw()

    def cut(self, *, silently: bool = False) -> None:
        """Pulls the network cable. Silently: the host still sees a carrier, as when its router lost the way on."""
        self.cable.cut(silently=silently)

    def join(self) -> None:
        """Puts the cable back."""
        self.cable.join()

    def sleep(self) -> None:
        """What the others see of a closed lid: the link is gone, and no process moves."""
        self.cut()
        self.freeze()

    def wake(self) -> None:
        self.thaw()
        self.join()

    def limit(self, cores: float | None) -> None:
        """At most so many cores' worth of processor time from now on; None takes the limit away."""
        self.cgroup.limit(cores)

    def keep_to(self, processors: set[int]) -> None:
        """Has all that runs on it now, and what that begins, use these processors alone."""
        self.cgroup.keep_to(processors)

    def delay(self, milliseconds: float, loss: float = 0) -> None:
        """Makes the way to it longer by so many milliseconds, there and back together; 0 takes it away.

        `loss` is the share of packets that get lost on the way, each way.
        """
        self.cable.delay(milliseconds, loss)

    def traffic(self) -> Traffic:
        """Bytes sent and received through the cable since the host was last switched on."""
        return self.cable.traffic()

    @abstractmethod
    def change_address(self, new: str | None = None) -> str:
        """Takes another address, by itself the next free one, as a laptop in another Wi-Fi does."""

    @abstractmethod
    def power_off(self) -> None:
        """Pulls the mains plug: nothing is said to anyone, the disk stays."""

    @abstractmethod
    def power_on(self) -> None:
        """Starts it on the disk that it had, with the address that it had; returns when it takes commands."""

    def reboot(self) -> None:
        """Switches it off, as softly as it can be, and on again."""
        self.power_off()
        self.power_on()

    @abstractmethod
    def close(self) -> None:
        """Ends it and removes every trace, its disk too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How it is done

    @abstractmethod
    def _entrance(self) -> list[str]:
        """The words that bring a command into the host."""

    def _inside(self, command: Command, variables: Mapping[str, str] | None) -> list[str]:
        given = (f"{name}={value}" for name, value in (variables or {}).items())
        return [
            *self._enter_cgroup(),
            *self._entrance(),
            "env",
            f"--chdir={self.home_inside}",
            *given,
            *words_of(command),
        ]

    def _go(self, words: Sequence[str], spoken: str) -> Running:
        log = self.folder / "logs" / f"{len(self._started):03}.log"
        self._started.append(Running(words, log, spoken, self.variables))
        return self._started[-1]

    def _wait_for_all(self) -> None:
        """Waits until all that was started has ended, after its processes were killed."""
        for running in self._started:
            running.wait()

    def _enter_cgroup(self) -> list[str]:
        doors = " ".join(shlex.quote(str(door)) for door in self.cgroup.doors)
        return ["/bin/sh", "-c", f'for door in {doors}; do echo 0 > "$door" || exit 125; done; exec "$@"', "sh"]

    def _pin(self) -> list[str]:
        return ["taskset", "-c", ",".join(map(str, self._processors))] if self._processors else []

    def _is_ours(self, pid: int) -> bool:
        # The computer may keep the namespaces of its own first process to itself.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{self.leader}/ns/pid").readlink()
        return False


def words_of(command: Command) -> list[str]:
    """A command as a list of words."""
    return ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)


def _spoken(command: Command) -> str:
    return command if isinstance(command, str) else shlex.join(command)
