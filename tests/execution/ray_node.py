"""A real Ray node of the test's own: a head on this machine with its own ports and folder, ended by its processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
NAMES = ("port", "node-manager-port", "object-manager-port", "min-worker-port")


def free_ports(count):
    """Ports that nobody has, below those that systems give away; a span of fifty after the last is for workers."""
    found = []
    for start in range(10_000 + os.getpid() % 300 * 60, 32_000, 60):
        sockets = []
        try:
            for port in range(start, start + count):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            found = list(range(start, start + count))
            break
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    return found


# Runs a program, and ends it and all that it started when whoever asked for it is gone, killed even.
GUARD = """
import os, signal, subprocess, sys, threading
def end_with_parent():
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=end_with_parent, daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL))
"""


class RayNode:
    """A head, or a node of the cluster of another. `folder` is that of the node: `ray.json`, `allowance.json`, logs."""

    def __init__(self, folder, *, cpus=2, name="alpha", head=None, extra=None):
        self.folder = Path(folder)
        self.allowance = self.folder / "allowance.json"
        self.temp = tempfile.mkdtemp(prefix="bt-", dir="/tmp")  # short: sockets' paths have a limit
        self.ports = free_ports(len(NAMES))
        self.folder.mkdir(parents=True, exist_ok=True)
        token = self.folder / "token"
        token.write_text("0123456789abcdef" * 4)
        token.chmod(0o600)
        self.env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.cpus, self.head, self.extra = cpus, head, extra or {}
        self.labels = f"bittrader-node={hashlib.sha256(name.encode()).hexdigest()[:16]},bittrader-name={name}"
        self.process = self.address = None

    def start(self):
        words = [str(Path(sys.executable).with_name("ray")), "start", "--block"]
        named = dict(zip(NAMES, self.ports, strict=True))
        if self.head is None:
            words += ["--head", "--node-ip-address=127.0.0.1", "--include-dashboard=false", "--no-monitor"]
        else:
            words += [f"--address={self.head.gcs}", f"--node-ip-address={self.head.address}"]
            del named["port"]
        words += [f"--{name}={port}" for name, port in named.items()]
        words += [f"--max-worker-port={self.ports[-1] + 50}", f"--num-cpus={self.cpus}", f"--labels={self.labels}"]
        words += [f"--temp-dir={self.temp}", "--disable-usage-stats", "--include-log-monitor=false"]
        words += ["--object-store-memory=100000000"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        own = {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "PYTHONPATH": str(ROOT)}
        own |= {"BITTRADER_ALLOWANCE": str(self.allowance), "BITTRADER_HOME": str(self.folder / "home")}
        with (self.folder / "ray.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", GUARD, *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**inherited, **self.env, **own, **self.extra},
                start_new_session=True,
            )
        self._until(lambda: "Ray runtime started" in self.log() and self._find_address())
        facts = {"gcs": self.gcs, "node_ip": self.address, "env": self.env}
        facts["session"] = str(self.process.pid)
        (self.folder / "ray.json").write_text(json.dumps(facts))
        return self

    @property
    def gcs(self):
        return f"{self.address}:{self.ports[0]}" if self.head is None else self.head.gcs

    def log(self):
        return (self.folder / "ray.log").read_text()

    def _find_address(self):
        lines = [line for line in self.log().splitlines() if "Local node IP" in line]
        self.address = lines[-1].split(":")[-1].strip() if lines else None
        return self.address

    def _until(self, holds, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, f"Ray did not start:\n{self.log()}"
            assert time.monotonic() < deadline, f"Ray did not start in time:\n{self.log()}"
            time.sleep(0.1)

    def processes(self):
        """All processes of this node."""
        mine = [psutil.Process(self.process.pid)]
        return mine + mine[0].children(recursive=True)

    def named(self, word):
        return [one for one in self.processes() if any(word in part for part in words_of(one))]

    def kill(self, word):
        """kill -9 for all of its processes with this word in their command."""
        found = self.named(word)
        for one in found:
            one.send_signal(signal.SIGKILL)
        return len(found)

    def stop(self):
        (self.folder / "ray.json").unlink(missing_ok=True)
        if self.process is None:
            return
        found = self.processes() if self.process.poll() is None else []
        for one in reversed(found):
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
        self.process.stdin.close()
        psutil.wait_procs(found, timeout=10)
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.temp, ignore_errors=True)


def words_of(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
