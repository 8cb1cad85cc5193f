"""Linux: logind and the desktop tell whether its owner is there, /sys the rest."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bittrader.host import x11_idle
from bittrader.host.clocks import Clocks
from bittrader.host.common import PsutilHost
from bittrader.host.drives import on_linux
from bittrader.host.watch import Source, said_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bittrader.host.common import Power

    Say = Callable[..., str | None]

_SESSION = ("Id", "User", "Class", "Type", "Display", "State", "IdleHint", "IdleSinceHintMonotonic")
_GRAPHICAL = ("x11", "wayland", "mir")
_MUTTER = "org.gnome.Mutter.IdleMonitor"
_ASK_MUTTER = (
    *("gdbus", "call", "--session", "--timeout", "1", "--dest", _MUTTER),
    *("--object-path", "/org/gnome/Mutter/IdleMonitor/Core", "--method", f"{_MUTTER}.GetIdletime"),
)
# SMBIOS 7.4.1: portable, laptop, notebook, hand held, sub notebook, tablet, convertible, detachable.
_CARRIED = {8, 9, 10, 11, 14, 30, 31, 32}
_PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal")
_CRITICAL_MARGIN = 5.0
# Each of logind's answers costs a program of some milliseconds, and people log in less often than they type: who is
# logged in is asked when logind has written something of a session, as sd_login_monitor_new(3) looks for it.
_LOGINS = Path("/run/systemd/sessions")
_LOGINS_PERIOD = 5.0


@dataclass(frozen=True)
class Session:
    """A login, as logind tells of it."""

    user: int
    is_graphical: bool
    is_x11: bool
    display: str
    idle_hint: bool
    since: float
    """When the hint last changed, or a terminal was last used, in seconds of the monotonic clock; 0 if not known."""


def parse_sessions(text: str) -> list[Session]:
    """The people's logins in what `loginctl show-session` prints.

    Greeters and background jobs are none, and neither is one that only waits for its last programs to end.
    """
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return [
        _session(facts)
        for facts in blocks
        if facts.get("Class", "").startswith("user") and facts.get("State") != "closing"
    ]


def _session(facts: Mapping[str, str]) -> Session:
    since = facts.get("IdleSinceHintMonotonic", "")
    user = facts.get("User", "")
    return Session(
        user=int(user) if user.isdecimal() else -1,
        is_graphical=facts.get("Type") in _GRAPHICAL,
        is_x11=facts.get("Type") == "x11",
        display=facts.get("Display", ""),
        idle_hint=facts.get("IdleHint") == "yes",
        since=int(since) / 1e6 if since.isdecimal() else 0.0,
    )


def session_idle(session: Session, monotonic: float, desktop: Callable[[Session], float | None]) -> float:
    """How long nobody used a session. Where logind knows only that it is in use, `desktop` may know since when not."""
    if session.idle_hint or (session.since and not session.is_graphical):
        return max(monotonic - session.since, 0.0)
    return (desktop(session) or 0.0) if session.is_graphical else 0.0


def desktop_idle(session: Session, say: Say = said_by) -> float | None:
    """What the desktop of a session of our own user tells; X is never asked below Wayland, where that can hang."""
    if session.user != os.getuid():
        return None
    if (idle := parse_mutter(say(*_ASK_MUTTER))) is not None:
        return idle
    if not session.is_x11:
        return None
    display = session.display or os.environ.get("DISPLAY", "")
    return parse_seconds(say(sys.executable, "-I", "-S", x11_idle.__file__, display)) if display else None


def parse_mutter(text: str | None) -> float | None:
    """The idle time that GNOME's compositor tells, as `(uint64 1234,)` in milliseconds."""
    found = re.search(r"uint64 (\d+)", text or "")
    return int(found[1]) / 1000 if found else None


def parse_seconds(text: str | None) -> float | None:
    """A number of seconds, None if it is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def power_of(folder: Path) -> Power:
    """Whether the computer runs on its own battery, and the charge, from /sys/class/power_supply."""
    supplies = [{path.name: _read(path) for path in _facts(supply)} for supply in _listed(folder)]
    # A mouse has a battery too, and says that its scope is that device.
    batteries = [one for one in supplies if one.get("type") == "Battery" and one.get("scope") != "Device"]
    if not batteries:
        return False, None
    chargers = [one["online"] for one in supplies if one.get("type") != "Battery" and one.get("online")]
    on_battery = "1" not in chargers if chargers else any(one.get("status") == "Discharging" for one in batteries)
    charges = [int(one["capacity"]) for one in batteries if one.get("capacity", "").isdecimal()]
    return on_battery, min(sum(charges) / len(charges) / 100, 1.0) if charges else None


def _facts(supply: Path) -> Iterable[Path]:
    return (supply / name for name in ("type", "scope", "online", "status", "capacity"))


def is_hot(chips: Mapping[str, Iterable[tuple[str, float, float | None, float | None]]]) -> bool | None:
    """Whether a processor is at its limit, from psutil's temperatures; None if none has a limit."""
    limits = [
        (current, high or (critical - _CRITICAL_MARGIN if critical else None))
        for name in _PROCESSORS
        for _, current, high, critical in chips.get(name, ())
    ]
    known = [current >= limit for current, limit in limits if limit is not None]
    return any(known) if known else None


class Linux(PsutilHost):
    """A computer that runs Linux."""

    name = "Linux"

    def __init__(self, sys_class: Path = Path("/sys/class"), say: Say = said_by, logins: Path = _LOGINS) -> None:
        super().__init__()
        self._sys = sys_class
        self._say = say
        self._logins_folder = logins
        self._logins_written = 0
        self._logins: Source[list[str] | None] = Source(self._list_logins, _LOGINS_PERIOD, None)

    def idle_seconds(self) -> float | None:
        """The shortest idle time of all who are logged in; if nobody is, nobody was since the computer started."""
        shown = self._show_logins()
        if shown is None:  # somebody has just logged out
            self._logins.due = -math.inf
            shown = self._show_logins()
        if shown is None:
            return None
        now = time.monotonic()
        return min(
            (session_idle(one, now, lambda session: desktop_idle(session, self._say)) for one in parse_sessions(shown)),
            default=now,
        )

    def hint(self) -> bool:
        """Whether somebody may have logged in."""
        before, self._logins_written = self._logins_written, _written(self._logins_folder)
        if before == self._logins_written:
            return False
        self._logins.due = -math.inf
        return True

    def _show_logins(self) -> str | None:
        """What logind says of each login, nothing if there is none; None if it does not answer."""
        now = time.monotonic()
        if self._logins.due <= now:
            self._logins.refresh(now)
        names = self._logins.answer(now)
        if not names:
            return None if names is None else ""
        return self._say("loginctl", "show-session", *(f"--property={one}" for one in _SESSION), *names)

    def _list_logins(self) -> list[str] | None:
        listed = self._say("loginctl", "list-sessions", "--no-legend", "--no-pager")
        return None if listed is None else [line.split()[0] for line in listed.splitlines() if line.strip()]

    def clocks(self) -> Clocks:
        return Clocks(time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME))

    def power(self) -> Power:
        return power_of(self._sys / "power_supply")

    def hot(self) -> bool | None:
        return is_hot(psutil.sensors_temperatures())

    def has_screen(self) -> bool | None:
        states = [_read(connector / "status") for connector in _listed(self._sys / "drm")]
        return "connected" in states if self._sys.is_dir() else None

    def laptop(self) -> bool | None:
        chassis = _read(self._sys / "dmi" / "id" / "chassis_type")
        if chassis.isdecimal() and int(chassis) in _CARRIED:
            return True
        return self.power()[1] is not None

    def drives(self) -> Iterable[Path]:
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        return on_linux(Path.home(), _read(Path("/proc/mounts")), runtime)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _written(folder: Path) -> int:
    """When something in a folder was last made, renamed or removed; 0 if there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> str:
    """A file's one line, empty if it cannot be read now, as a battery's can be while it is taken out."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
