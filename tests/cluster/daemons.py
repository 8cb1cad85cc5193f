"""Real daemons with real Ray for tests: each in a folder and on ports of its own."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil

from bittrader import host
from bittrader.cluster import daemon, ray_folder
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.ledger import Ledger
from bittrader.cluster.node_state import NodeState, read_state
from bittrader.cluster.ray_process import members
from bittrader.cluster.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PORTS = (
    "gcs", "meeting", "node_manager", "object_manager", "runtime_env_agent", "metrics", "dashboard_agent_http",
    "dashboard_agent_grpc",
)  # fmt: skip


def address() -> str:
    """Where this computer is for itself: Ray takes no loopback address where there is another."""
    return next((one.ip for one in host.current().addresses() if one.kind in ("lan", "tailscale")), "127.0.0.1")


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses."""
    while True:
        first = random.randrange(23_000, 32_000 - count)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.socket()).bind(("", port))
            return first


@dataclass
class Daemon:
    """A daemon of this computer in one role."""

    role: Literal["head", "worker"]
    ports: int = field(default_factory=lambda: free_ports(60))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} = {self.ports + place}" for place, name in enumerate(_PORTS)]
        lines += [f"first_worker = {self.ports + 20}", f"last_worker = {self.ports + 59}"]
        text = f'[network]\naddress = "{address()}"\n\n[network.ports]\n' + "\n".join(lines) + "\n"
        (self.folder / "config.toml").write_text(text)
        settings = read_settings(self.folder)
        self.who = identity(self.folder, self.role, settings.node.shown_name)

    @property
    def folder(self) -> Path:
        return folder_of(self.role)

    def start(self) -> int:
        self.pid = daemon.start_background(self.role)
        return self.pid

    def state(self) -> NodeState:
        state = read_state(self.folder)
        assert state is not None
        return state

    def until(self, holds: Callable[[NodeState], object], seconds: float = 90) -> NodeState:
        """The state once it is so, with a bound that only a defect reaches."""
        end = time.monotonic() + seconds
        while not holds(state := self.state()):
            assert time.monotonic() < end, f"{state}\n{self.log()}"
            time.sleep(0.1)
        return state

    def until_at_work(self, *, other_than: str | None = None) -> NodeState:
        return self.until(lambda state: state.phase == "up" and state.alive and state.session != other_than)

    def log(self) -> str:
        return (self.folder / "logs" / f"{self.role}.log").read_text()

    def processes(self, mark: str = "") -> list[psutil.Process]:
        """Everything that runs under this daemon's marks, the daemon itself aside."""
        earlier = [one for one in Ledger(self.folder / "processes.json").earlier if mark in one.what]
        return members(earlier)

    def raylet(self) -> psutil.Process:
        return next(one for one in self.processes("ray") if one.name().startswith("raylet"))

    def kill(self) -> None:
        """As a power cut does to this one process."""
        process = psutil.Process(self.pid)
        process.kill()
        with contextlib.suppress(psutil.NoSuchProcess):
            process.wait(10)


@contextlib.contextmanager
def running(*roles: Literal["head", "worker"]) -> Iterator[list[Daemon]]:
    """Daemons to be started, which are ended with all they started, whatever happens."""
    made = [Daemon(role) for role in roles]
    try:
        yield made
    finally:
        for one in made:
            left = [
                *one.processes(),
                *([psutil.Process(one.pid)] if psutil.pid_exists(getattr(one, "pid", -1)) else []),
            ]
            for process in left[::-1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            folder = ray_folder.temp_dir(one.who.node)
            for each in (folder, ray_folder.before(folder)):
                shutil.rmtree(each, ignore_errors=True)


@contextlib.contextmanager
def foreign_ray(folder: Path) -> Iterator[psutil.Process]:
    """The raylet of a Ray that somebody else started on this computer."""
    port = free_ports(60)
    words = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", f"--port={port}", "--include-dashboard=false",
        "--no-monitor", f"--node-manager-port={port + 1}", f"--object-manager-port={port + 2}", "--num-cpus=1",
        f"--min-worker-port={port + 20}", f"--max-worker-port={port + 59}", "--object-store-memory=100000000",
        f"--temp-dir={folder}", "--disable-usage-stats", "--include-log-monitor=false",
    ]  # fmt: skip
    # As it would be without ours: in no session of a daemon, under no mark.
    starter = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        assert starter.wait(90) == 0
        yield next(one for one in _session(starter.pid) if one.name() == "raylet")
    finally:
        for one in _session(starter.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)


def _session(leader: int) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if _sid(one.pid) == leader]


def _sid(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
