"""Somebody at a machine with systemd: they log in at a terminal, type, leave, and pull the plug of its charger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.images import USER

if TYPE_CHECKING:
    from tests.lab.machine import Machine
    from tests.lab.terminal import Conversation

_SUPPLIES = "/run/supplies"
_PATIENCE_SECONDS = 600


class Person:
    """The owner of a machine, who puts a battery into it that is charged to 30 %, and its charger in."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._terminal: Conversation | None = None
        battery = f"{_SUPPLIES}/BAT0"
        machine.succeed(
            f"mkdir -p {battery} {_SUPPLIES}/AC && mount --bind {_SUPPLIES} /sys/class/power_supply"
            f" && echo Battery > {battery}/type && echo 30 > {battery}/capacity && echo Mains > {_SUPPLIES}/AC/type"
        )
        self.plug_in()

    def plug_in(self) -> None:
        self._machine.succeed(f"echo 1 > {_SUPPLIES}/AC/online")

    def unplug(self) -> None:
        self._machine.succeed(f"echo 0 > {_SUPPLIES}/AC/online")

    def log_in(self) -> None:
        self._terminal = self._machine.converse(["login", "-f", USER], _PATIENCE_SECONDS)

    def type(self) -> None:
        assert self._terminal
        self._terminal.type("true\n")

    def leave(self) -> None:
        """Logs out, and takes the battery out again."""
        if self._terminal is not None:
            self._terminal.type("unset HISTFILE; exit\n")  # else the shell leaves what was typed in the home
            self._terminal.end()
        self._machine.succeed("umount /sys/class/power_supply")
