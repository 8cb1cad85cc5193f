"""What is the same on all systems, thanks to psutil; each system adds what is its own."""

from __future__ import annotations

import math
import os
import socket
import time
from abc import ABC, abstractmethod
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil

from bittrader.host.base import Listener, Memory, Readings
from bittrader.host.load import LoadMeter
from bittrader.host.network import addresses_of
from bittrader.host.override import overridden
from bittrader.host.watch import Source, Watch, is_return, until_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bittrader.host.base import Address
    from bittrader.host.clocks import Clocks

_LISTENS = psutil.CONN_LISTEN
_LOAD_PERIOD, _POWER_PERIOD, _HEAT_PERIOD, _KIND_PERIOD = 5.0, 0.25, 10.0, 60.0
_HINT_PERIOD = 0.1

Power = tuple[bool | None, float | None]
"""Whether on battery, and its charge from 0 to 1."""


class PsutilHost(ABC):
    """A host for which only what psutil does not know is written anew."""

    name: str

    def __init__(self) -> None:
        """Nothing is asked before the first readings are wanted."""
        self._meter = LoadMeter()
        self._idle = Source(self.idle_seconds, until_back, None, is_return)
        self._power: Source[Power] = Source(
            self.power, _POWER_PERIOD, (None, None), lambda before, now: before[0] != now[0]
        )
        self._hot = Source(self.hot, _HEAT_PERIOD, None)
        self._screen = Source(self.has_screen, _KIND_PERIOD, None)
        self._laptop = Source(self.laptop, _KIND_PERIOD, None)
        self._load = Source(self._meter.measure, _LOAD_PERIOD, 0.0)
        hint: Source[None] = Source(self._follow_hint, _HINT_PERIOD, None)
        self._watch = Watch([hint, self._idle, self._power, self._hot, self._screen, self._laptop, self._load])

    @abstractmethod
    def idle_seconds(self) -> float | None:
        """Since the owner touched anything, asked now."""

    def hint(self) -> bool:
        """Whether something that costs next to nothing says that the owner may be back; True once for each time."""
        return False

    @abstractmethod
    def clocks(self) -> Clocks:
        """The three clocks, read together."""

    def power(self) -> Power:
        """Whether on battery and how full it is, asked now."""
        battery = psutil.sensors_battery()
        if battery is None:
            return False, None
        on_battery = None if battery.power_plugged is None else not battery.power_plugged
        return on_battery, min(max(battery.percent / 100, 0.0), 1.0)

    def hot(self) -> bool | None:
        """Whether the processor is too hot, asked now."""
        return None

    def has_screen(self) -> bool | None:
        """Whether anybody could look at this computer, asked now."""
        return None

    def laptop(self) -> bool | None:
        """Whether it can be carried away, asked now: what has a battery can."""
        return psutil.sensors_battery() is not None

    def _follow_hint(self) -> None:
        if self.hint():
            self._idle.due = -math.inf

    def readings(self, ours: Iterable[int] = ()) -> Readings:
        self._meter.ours = frozenset(ours)
        self._watch.start()
        now = time.monotonic()
        on_battery, charge = self._power.answer(now)
        real = Readings(
            idle_seconds=self._idle.answer(now),
            on_battery=on_battery,
            charge=charge,
            hot=self._hot.answer(now),
            other_load=self._load.answer(now),
            has_screen=self._screen.answer(now),
            laptop=self._laptop.answer(now),
        )
        return overridden(real)

    def wait_for_news(self, seconds: float) -> None:
        self._watch.wait(seconds)

    def addresses(self) -> tuple[Address, ...]:
        up = {name for name, state in psutil.net_if_stats().items() if state.isup}
        return addresses_of(
            (name, one.address)
            for name, found in psutil.net_if_addrs().items()
            for one in found
            if name in up and one.family == socket.AF_INET
        )

    def ranges(self) -> Mapping[str, str]:
        return {
            one.address: str(IPv4Network(f"{one.address}/{one.netmask}", strict=False))
            for found in psutil.net_if_addrs().values()
            for one in found
            if one.family == socket.AF_INET and one.netmask
        }

    def listeners(self) -> Mapping[int, Listener]:
        try:
            found = [(one.laddr.port, one.pid) for one in psutil.net_connections("tcp") if one.status == _LISTENS]
        except psutil.AccessDenied:  # macOS tells only of one's own processes, one by one
            found = [(port, one.pid) for one in psutil.process_iter() for port in _ports_of(one)]
        return {port: Listener(pid, _name_of(pid)) for port, pid in found}

    @abstractmethod
    def drives(self) -> Iterable[Path]:
        """Folders that Google Drive keeps."""

    def flags(self) -> Mapping[str, str]:
        return MappingProxyType({})

    def total_cores(self) -> int:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def memory(self) -> Memory:
        now = psutil.virtual_memory()
        return Memory(now.total, now.available)

    def close(self) -> None:
        self._watch.close()


RAY_ON_SEVERAL_MACHINES = MappingProxyType({"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"})
"""Without it, Ray on macOS and Windows takes the loopback address, whatever it is told."""


def _ports_of(process: psutil.Process) -> list[int]:
    try:
        return [one.laddr.port for one in process.net_connections("tcp") if one.status == _LISTENS]
    except psutil.Error:
        return []


def _name_of(pid: int | None) -> str | None:
    try:
        return None if pid is None else str(psutil.Process(pid).name())
    except psutil.Error:
        return None
