"""Linux: a node as a service of systemd, of the computer's own or of one user's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Literal

from bittrader.cluster.supervisor import END_SECONDS, UNENDING_CODE
from bittrader.errors import InstallError
from bittrader.install.changes import Change, WriteFile
from bittrader.install.machine import Said, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from bittrader.cluster.identity import Role
    from bittrader.install.machine import Machine

Scope = Literal["system", "user"]

# Longer than the daemon itself waits for what it started, so that systemd kills only what would never end.
_STOP_SECONDS = round(END_SECONDS) + 15
_POLL_SECONDS, _POLLS = 0.2, 75
_USER = re.compile(r"^User=(.+)$", re.MULTILINE)
_OOM_POLICY, _RESTART_STEPS = 243, 254
"""The versions of systemd that know these words."""


@dataclass(frozen=True)
class Service:
    """What a unit file is written from."""

    role: Role
    scope: Scope
    program: tuple[str, ...]
    folder: str
    """Of the node."""
    user: str
    home: str
    version: int
    """Of systemd."""


def unit_name(role: Role) -> str:
    """The unit's name."""
    return f"bittrader-{role}.service"


def unit_path(role: Role, scope: Scope, home: str) -> str:
    """Where the unit's file is."""
    folder = "/etc/systemd/system" if scope == "system" else f"{home}/.config/systemd/user"
    return f"{folder}/{unit_name(role)}"


def wanted_path(role: Role, scope: Scope, home: str) -> str:
    """The link by which systemd starts it: when the computer does, or the owner's own systemd."""
    folder = PurePosixPath(unit_path(role, scope, home)).parent
    group = "multi-user.target.wants" if scope == "system" else "default.target.wants"
    return str(folder / group / unit_name(role))


def unit(service: Service) -> str:
    """The text of the unit file."""
    sections = {"Unit": _unit(service), "Service": _service(service), "Install": _install(service)}
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())


def _unit(service: Service) -> Iterator[str]:
    yield f"Description=Bittrader {service.role}"
    if service.scope == "system":
        yield "Wants=network-online.target"
        yield "After=network-online.target tailscaled.service"
    yield "StartLimitIntervalSec=0"


def _service(service: Service) -> Iterator[str]:
    yield "Type=notify"
    yield "NotifyAccess=main"
    yield f"ExecStart={' '.join(map(_quoted, service.program))}"
    if service.scope == "system":
        yield f"User={service.user}"
    yield f"WorkingDirectory={_escaped(service.home)}"
    yield "WatchdogSec=60"
    yield "TimeoutStartSec=60"
    yield f"TimeoutStopSec={_STOP_SECONDS}"
    yield "Restart=on-failure"
    yield f"RestartPreventExitStatus={UNENDING_CODE}"
    yield "RestartSec=2"
    if service.version >= _RESTART_STEPS:
        yield "RestartSteps=5"
        yield "RestartMaxDelaySec=60"
    # The daemon ends what it started, each in its own time; what is left after it, or after a kill -9, systemd kills.
    yield "KillMode=mixed"
    if service.version >= _OOM_POLICY:
        yield "OOMPolicy=continue"
    yield "LimitNOFILE=65536"
    yield "LimitCORE=0"
    yield "TasksMax=infinity"
    yield "Nice=5"
    yield "IOSchedulingClass=best-effort"
    yield "IOSchedulingPriority=7"
    yield "NoNewPrivileges=yes"
    if service.scope == "system":
        # Ray's sockets in /tmp and /dev/shm are met by searches that run outside, and strategies write in the home.
        yield from ("ProtectSystem=full", "ProtectKernelTunables=yes", "ProtectKernelModules=yes")
        yield from ("ProtectControlGroups=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes")


def _install(service: Service) -> Iterator[str]:
    yield "WantedBy=" + ("multi-user.target" if service.scope == "system" else "default.target")


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of a command line as systemd reads it."""
    if re.fullmatch(r"[\w@+=:,./-]+", word, re.ASCII):
        return word
    return '"' + _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


def _systemctl(machine: Machine, scope: Scope, *words: str) -> Said:
    if scope == "system":
        return machine.run(["systemctl", *words], root=True)
    return machine.run(["systemctl", "--user", *words])


def _asked(machine: Machine, scope: Scope, *words: str) -> Said:
    """What systemd answers to a question, which anybody may ask."""
    return machine.run(["systemctl", *(["--user"] if scope == "user" else []), *words])


@dataclass(frozen=True)
class UnitFile(WriteFile):
    """A unit file that systemd has read."""

    kind: ClassVar[str] = "unit"
    scope: Scope = "user"

    def noticing(self, machine: Machine) -> Self:
        there = self._read(machine) or ""
        whose, mine = _USER.search(there), _USER.search(self.text)
        if whose and mine and whose[1] != mine[1]:
            raise InstallError(f"{self.path} is the service of {whose[1]}: a computer has one of each role")
        noticed = super().noticing(machine)
        if self.root and noticed.before is not None:  # no receipt may say what root is to write
            raise InstallError(f"{self.path} is there already, and is not ours: move it away")
        return noticed

    def apply(self, machine: Machine) -> None:
        super().apply(machine)
        require(_systemctl(machine, self.scope, "daemon-reload"), "systemd does not read its units again")

    def undo(self, machine: Machine) -> None:
        super().undo(machine)
        # A user's systemd that is not there has read nothing either.
        _systemctl(machine, self.scope, "daemon-reload")
        _systemctl(machine, self.scope, "reset-failed", PurePosixPath(self.path).name)


@dataclass(frozen=True)
class Running(Change):
    """A unit that runs, as its file says now."""

    kind: ClassVar[str] = "running"
    unit: str
    scope: Scope
    digest: str
    """Of what it is started from: another one is started anew."""

    @property
    def target(self) -> str:
        return f"{self.scope} {self.unit}"

    @property
    def words(self) -> str:
        return f"start {self.unit}" + (", a service of this computer" if self.scope == "system" else ", your service")

    @property
    def undo_words(self) -> str:
        return f"stop {self.unit}"

    def apply(self, machine: Machine) -> None:
        if _systemctl(machine, self.scope, "restart", self.unit).code:
            raise InstallError(f"{self.unit} does not start: {_why(machine, self.scope, self.unit)}")

    def holds(self, machine: Machine) -> bool | None:
        return _asked(machine, self.scope, "is-active", "--quiet", self.unit).code == 0

    def undo(self, machine: Machine) -> None:
        said = _systemctl(machine, self.scope, "stop", self.unit)
        if said.code and self.holds(machine):
            raise InstallError(f"{self.unit} does not stop: {said.why}")


def _why(machine: Machine, scope: Scope, unit: str) -> str:
    """Why a unit did not start: in the last words of its program, else in systemd's."""
    by = ["--unit", unit] if scope == "system" else ["--user", "--user-unit", unit]
    words = ["journalctl", "--no-pager", "--output=cat", "--lines=20"]
    lines = machine.run([*words, *by], root=scope == "system").out.splitlines()
    said = [line.removeprefix("bittrader: ") for line in lines if line.startswith("bittrader: ")]
    if said:
        return said[-1]
    code = _asked(machine, scope, "show", "--value", "--property=ExecMainStatus", unit).out.strip()
    return f"its program ended with code {code or 'unknown'}: journalctl {' '.join(by)}"


@dataclass(frozen=True)
class Linger(Change):
    """A user whose services run while they are not logged in."""

    kind: ClassVar[str] = "linger"
    user: str
    other: str
    """The unit of this computer in its other role: while it is there, it needs the same."""
    before: bool | None = None
    """Whether it was so before any of ours."""

    @property
    def target(self) -> str:
        return self.user

    @property
    def words(self) -> str:
        return f"let services of {self.user} run while nobody is logged in (loginctl enable-linger)"

    @property
    def undo_words(self) -> str:
        if self.before:
            return f"leave services of {self.user} running while nobody is logged in, as they did before"
        return (
            f"let services of {self.user} end when they log out, as before, unless another node here needs it "
            "(loginctl disable-linger)"
        )

    def noticing(self, machine: Machine) -> Linger:
        return self if self.before is not None else replace(self, before=bool(self.holds(machine)))

    def apply(self, machine: Machine) -> None:
        said = self._loginctl(machine, "enable-linger")
        if said.code:
            command = f"loginctl enable-linger {self.user}"
            raise InstallError(f"{said.why.rstrip('.')}. Have an administrator run `{command}`, then try again")
        self._wait(machine)

    def holds(self, machine: Machine) -> bool | None:
        return machine.exists(f"/var/lib/systemd/linger/{self.user}")

    def undo(self, machine: Machine) -> None:
        if not self.before and self.holds(machine) and not machine.exists(self.other):
            require(self._loginctl(machine, "disable-linger"), f"services of {self.user} still run without them")

    def _loginctl(self, machine: Machine, word: str) -> Said:
        """As the user, who may do it on most systems; else as root."""
        said = machine.run(["loginctl", "--no-ask-password", word, self.user])
        if not said.code:
            return said
        try:
            return machine.run(["loginctl", word, self.user], root=True)
        except InstallError:
            return said

    def _wait(self, machine: Machine) -> None:
        """Until the user's own systemd answers, which logind has only begun."""
        for _ in range(_POLLS):
            said = machine.run(["systemctl", "--user", "show", "--property=Version"])
            if not said.code:
                return
            machine.pause(_POLL_SECONDS)
        raise InstallError(f"the systemd of {self.user} does not answer: {said.why}")
