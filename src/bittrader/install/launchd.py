"""macOS: a node as a LaunchAgent of its owner."""

from __future__ import annotations

import plistlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bittrader.cluster.supervisor import END_SECONDS
from bittrader.errors import InstallError
from bittrader.install.changes import Change

if TYPE_CHECKING:
    from bittrader.cluster.identity import Role
    from bittrader.install.machine import Machine

_LAUNCHCTL = "/bin/launchctl"
_STOP_SECONDS = round(END_SECONDS) + 15
_TRIES, _PAUSE_SECONDS = 10, 0.5


def label(role: Role) -> str:
    """What launchd calls it."""
    return f"bittrader.{role}"


def agent_path(role: Role, home: str, folder: str, *, at_login: bool) -> str:
    """Where its property list is: launchd loads at login what is in the first of the two folders."""
    return f"{home}/Library/LaunchAgents/{label(role)}.plist" if at_login else f"{folder}/{label(role)}.plist"


def agent(role: Role, program: tuple[str, ...], folder: str, home: str) -> str:
    """The text of the property list."""
    facts = {
        "Label": label(role),
        "ProgramArguments": list(program),
        "WorkingDirectory": home,
        "RunAtLoad": True,
        # Again after a failure, and not after `bittrader stop`, which ends with 0.
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": _STOP_SECONDS,
        # `Background` would keep all of it on the slow cores, also while nobody is at the computer; how many cores
        # may be used, and when, is the policy's to say.
        "ProcessType": "Standard",
        "Nice": 5,
        "LowPriorityIO": True,
        "SoftResourceLimits": {"NumberOfFiles": 65536},
        "HardResourceLimits": {"NumberOfFiles": 65536},
        "LimitLoadToSessionType": ["Aqua", "Background"],
        # Not in `logs`: launchd makes no folders, and that one is made by the daemon.
        "StandardOutPath": f"{folder}/launchd.log",
        "StandardErrorPath": f"{folder}/launchd.log",
    }
    return plistlib.dumps(facts, sort_keys=False).decode()


@dataclass(frozen=True)
class Agent(Change):
    """A LaunchAgent that launchd has loaded, and runs."""

    kind: ClassVar[str] = "agent"
    label: str
    path: str
    uid: int
    digest: str
    """Of its property list: another one is loaded anew."""

    @property
    def target(self) -> str:
        return self.label

    @property
    def words(self) -> str:
        return f"start {self.label}, a LaunchAgent of yours"

    @property
    def undo_words(self) -> str:
        return f"stop {self.label}, and have launchd forget it"

    def apply(self, machine: Machine) -> None:
        self._unload(machine)
        domain = self._domain(machine)
        machine.run([_LAUNCHCTL, "enable", f"{domain}/{self.label}"])
        for _ in range(_TRIES):  # for a moment after an agent was unloaded, it cannot be loaded
            said = machine.run([_LAUNCHCTL, "bootstrap", domain, self.path])
            if not said.code:
                return
            machine.pause(_PAUSE_SECONDS)
        raise InstallError(f"launchd does not load {self.path}: {said.why}")

    def holds(self, machine: Machine) -> bool | None:
        return bool(self._loaded(machine))

    def undo(self, machine: Machine) -> None:
        self._unload(machine)
        if self._loaded(machine):
            raise InstallError(f"launchd does not let go of {self.label}")

    def _domain(self, machine: Machine) -> str:
        """The user's desktop, or, where nobody is logged in at the screen, what runs without one."""
        desktop = f"gui/{self.uid}"
        return f"user/{self.uid}" if machine.run([_LAUNCHCTL, "print", desktop]).code else desktop

    def _loaded(self, machine: Machine) -> list[str]:
        domains = (f"gui/{self.uid}", f"user/{self.uid}")
        return [one for one in domains if not machine.run([_LAUNCHCTL, "print", f"{one}/{self.label}"]).code]

    def _unload(self, machine: Machine) -> None:
        for domain in self._loaded(machine):
            machine.run([_LAUNCHCTL, "bootout", f"{domain}/{self.label}"])
        for _ in range(_TRIES):  # it ends in its own time
            if not self._loaded(machine):
                return
            machine.pause(_PAUSE_SECONDS)
