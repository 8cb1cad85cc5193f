"""Windows: user32 and kernel32 tell whether its owner is there, and whether it slept."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bittrader.host.clocks import Clocks
from bittrader.host.common import RAY_ON_SEVERAL_MACHINES, PsutilHost
from bittrader.host.drives import drive_letters, on_windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SM_CMONITORS = 80
_TICKS = 2**32


class Api(Protocol):
    """The few functions of Windows that we call."""

    def last_input_tick(self) -> int | None:
        """Milliseconds since the start, modulo 2³², at the last input to this session; None if Windows does not say."""

    def tick(self) -> int:
        """Milliseconds since the start, modulo 2³²."""

    def session(self) -> int | None:
        """The session we run in; services, and tasks that run with nobody logged on, are in session 0."""

    def monitors(self) -> int:
        """How many monitors this session shows something on."""

    def awake_seconds(self) -> float:
        """Seconds since the start without those spent asleep."""


class _LastInput(ctypes.Structure):
    """LASTINPUTINFO of winuser.h."""

    _fields_ = (("size", ctypes.c_uint), ("tick", ctypes.c_uint32))


class WindowsApi:
    """The functions themselves; can be made only on Windows."""

    def __init__(self) -> None:
        """Opens the two libraries."""
        libraries: Any = getattr(ctypes, "windll")  # noqa: B009 - it is not there to be seen on other systems
        self._user32, self._kernel32 = libraries.user32, libraries.kernel32
        self._kernel32.GetTickCount.restype = ctypes.c_uint32

    def last_input_tick(self) -> int | None:
        info = _LastInput(ctypes.sizeof(_LastInput), 0)
        return int(info.tick) if self._user32.GetLastInputInfo(ctypes.byref(info)) else None

    def tick(self) -> int:
        return int(self._kernel32.GetTickCount())

    def session(self) -> int | None:
        number = ctypes.c_uint32()
        found = self._kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(number))
        return int(number.value) if found else None

    def monitors(self) -> int:
        return int(self._user32.GetSystemMetrics(_SM_CMONITORS))

    def awake_seconds(self) -> float:
        hundred_ns = ctypes.c_uint64()
        self._kernel32.QueryUnbiasedInterruptTime(ctypes.byref(hundred_ns))
        return hundred_ns.value / 1e7


def idle_of(tick: int, last_input: int | None) -> float | None:
    """The seconds between two of Windows' 32-bit counts of milliseconds, which begin again after 49.7 days."""
    return None if last_input is None else (tick - last_input) % _TICKS / 1000


class Windows(PsutilHost):
    """A computer that runs Windows."""

    name = "Windows"

    def __init__(self, api: Api | None = None) -> None:
        super().__init__()
        self._api = api or WindowsApi()

    def idle_seconds(self) -> float | None:
        """Unknown in session 0, to which no keyboard belongs."""
        return idle_of(self._api.tick(), self._api.last_input_tick()) if self._api.session() else None

    def has_screen(self) -> bool | None:
        return self._api.monitors() > 0 if self._api.session() else None

    def clocks(self) -> Clocks:
        """Here time.monotonic counts the time asleep too."""
        return Clocks(time.time(), self._api.awake_seconds(), time.monotonic())

    def drives(self) -> Iterable[Path]:
        return on_windows(Path.home(), drive_letters())

    def flags(self) -> Mapping[str, str]:
        return RAY_ON_SEVERAL_MACHINES
