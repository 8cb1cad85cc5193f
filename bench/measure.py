"""Figures of whole processes, as the system accounts for them. Light itself: a child's peak counts its parent's too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Figure:
    """Several measurements of one thing: their median, lowest and highest."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Figure:
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Process:
    """What one process took."""

    wall: float
    user: float
    system: float
    peak_mb: float
    output: str


class Place:
    """A home and a compile cache of our own, both empty at first, and processes that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warm = {
            "BITTRADER_HOME": str(folder / "home"),
            "NUMBA_CACHE_DIR": str(folder / "compiled"),
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }

    def cold(self) -> dict[str, str]:
        """The variables of a machine that has never run us: nothing compiled, neither by Numba nor by Python."""
        empty = Path(tempfile.mkdtemp(dir=self.folder))
        return {**self.warm, "NUMBA_CACHE_DIR": str(empty / "c"), "PYTHONPYCACHEPREFIX": str(empty / "b")}

    def job(self, name: str, count: int = 0) -> dict[str, Any]:
        """What a job of jobs.py measured."""
        answer: dict[str, Any] = json.loads(self.process(sys.executable, HERE / "jobs.py", name, count).output)
        return answer

    def process(self, *words: object, variables: dict[str, str] | None = None) -> Process:
        """Runs a program to its end; exits with its words when it fails."""
        # A compiler that may not write what it compiled would be measured again and again.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = time.perf_counter()
            child = subprocess.Popen(
                [str(word) for word in words], stdout=out, stderr=err, env=inherited | (variables or self.warm)
            )
            _, status, used = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            if child.returncode:
                sys.exit(f"bench: {' '.join(map(str, words))} failed:\n{err.read().decode()}{out.read().decode()}")
            unit = 1 if sys.platform == "darwin" else 1024
            return Process(wall, used.ru_utime, used.ru_stime, used.ru_maxrss * unit / 1e6, out.read().decode())
