"""Windows: a node as a scheduled task of its owner, without a window."""

from __future__ import annotations

from dataclasses import dataclass
from subprocess import list2cmdline
from typing import TYPE_CHECKING, ClassVar
from xml.sax.saxutils import escape

from bittrader.install.changes import Change
from bittrader.install.machine import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.cluster.identity import Role
    from bittrader.install.machine import Machine

# What is not said, Windows decides against us: not on battery, and three days at most.
_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>{triggers}</Triggers>
  <Principals>
    <Principal id="Owner">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Owner">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{home}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
_LOGON = """
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
  """


def task_name(role: Role) -> str:
    """What Windows calls it."""
    return f"Bittrader {role}"


def task(role: Role, program: Sequence[str], user: str, home: str, *, at_login: bool) -> str:
    """The text of the task's definition."""
    return _TASK.format(
        description=escape(f"The Bittrader {role} of {user}."),
        triggers=_LOGON.format(user=escape(user)) if at_login else "",
        user=escape(user),
        command=escape(program[0]),
        arguments=escape(list2cmdline(program[1:])),
        home=escape(home),
    ).replace("\n", "\r\n")


@dataclass(frozen=True)
class ScheduledTask(Change):
    """A scheduled task that is known to Windows, and was started."""

    kind: ClassVar[str] = "task"
    name: str
    path: str
    """Of its definition."""
    digest: str
    """Of that: another one is begun anew."""

    @property
    def target(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        return f"start the scheduled task {self.name}, without a window"

    @property
    def undo_words(self) -> str:
        return f"stop and delete the scheduled task {self.name}"

    def apply(self, machine: Machine) -> None:
        machine.run(["schtasks", "/end", "/tn", self.name])
        create = ["schtasks", "/create", "/tn", self.name, "/xml", self.path, "/f"]
        require(machine.run(create), f"Windows does not take the task {self.name}")
        require(machine.run(["schtasks", "/run", "/tn", self.name]), f"Windows does not start the task {self.name}")

    def holds(self, machine: Machine) -> bool | None:
        return machine.run(["schtasks", "/query", "/tn", self.name]).code == 0

    def undo(self, machine: Machine) -> None:
        if self.holds(machine):
            machine.run(["schtasks", "/end", "/tn", self.name])
            delete = ["schtasks", "/delete", "/tn", self.name, "/f"]
            require(machine.run(delete), f"Windows does not let go of the task {self.name}")
