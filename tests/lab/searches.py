"""Searches on a cluster of the lab: started with the command, followed in their file, compared with a local one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.lab.cluster import PROGRAM
from tests.lab.shell import LabError, wait_until
from tests.lab.study_file import StudyFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.lab.cluster import Node
    from tests.lab.shell import Process, Running
    from tests.lab.study_file import Trial

EVALUATIONS = Path(__file__).with_name("evaluations")
SEED = 7
_COMPARED = 2000


@dataclass(frozen=True)
class Wanted:
    """What to search, and how long each evaluation takes."""

    function: str = "nap"
    seconds: float = 0.1
    times: tuple[tuple[str, float], ...] = ()
    """Of nodes that take other times."""
    trials: int = 6000
    sampler: str = "random"

    def put(self, folder: Path) -> None:
        """Writes the function and its space into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        text = (EVALUATIONS / "naps.py").read_text()
        text = text.replace("SECONDS = 0.05", f"SECONDS = {self.seconds}")
        text = text.replace("float] = {}", f"float] = {dict(self.times)}")
        (folder / "naps.py").write_text(text)
        (folder / "space.toml").write_text((EVALUATIONS / "space.toml").read_text())

    def words(self, folder: Path, study: str) -> list[str]:
        """The command, less where to search."""
        what = [f"{folder / 'naps.py'}:{self.function}", "--space", str(folder / "space.toml"), "--objective", "value"]
        return _command(what, self.trials, self.sampler, study)

    @property
    def at_once(self) -> Wanted:
        """The same without the time that it takes."""
        return replace(self, seconds=0.0, times=())


@dataclass(frozen=True)
class Compiled:
    """A search over candles with a strategy of ours, which is compiled."""

    strategy: str = "rsi-reversion"
    bars: int = 297_000
    trials: int = 100_000
    sampler: str = "random"

    def put(self, folder: Path) -> None:
        """Writes the candles into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as home:
            words = [PROGRAM, "data", "sample", "--bars", str(self.bars), "--name", "lab"]
            subprocess.run(words, check=True, env={**os.environ, "BITTRADER_HOME": home}, capture_output=True)
            shutil.copy(Path(home, "candles", "lab.parquet"), folder)

    def words(self, folder: Path, study: str) -> list[str]:
        """The command, less where to search."""
        return _command([self.strategy, str(folder / "lab.parquet")], self.trials, self.sampler, study)

    @property
    def at_once(self) -> Compiled:
        """The first of them: with a larger budget they are the same."""
        return replace(self, trials=min(self.trials, _COMPARED))


def _command(what: list[str], trials: int, sampler: str, study: str) -> list[str]:
    how = ["--trials", str(trials), "--sampler", sampler, "--seed", str(SEED), "--study", study]
    return [PROGRAM, "optimize", *what, *how, "--no-verdict", "--no-report", "--json"]


class Search:
    """A search that runs on a cluster, driven from one of its nodes."""

    def __init__(self, node: Node, wanted: Wanted | Compiled, name: str, *words: str) -> None:
        self.node, self.wanted, self.stopped = node, wanted, False
        self.log: Callable[[], str] = node.log
        folder = node.host.home / name
        wanted.put(folder)
        inside = node.host.home_inside / name
        self.file = StudyFile(node.home, name)
        self.running: Running = node.host.start([*wanted.words(inside, name), "--on", "cluster", *words])

    @property
    def name(self) -> str:
        return self.file.name

    def finished(self) -> int:
        """How many evaluations are."""
        return self.file.finished() if self.file.path.exists() else 0

    def wait_for(self, count: int, timeout: float = 90) -> float:
        """Seconds until so many are."""
        return wait_until(
            lambda: self.finished() >= count or not self.running.alive,
            f"{count} are finished",
            timeout,
            self.story,
            0.05,
        )

    def wait_for_work_of(self, node: str, since: float, timeout: float = 120) -> float:
        """Seconds from a moment until this node had finished an evaluation again."""
        wait_until(
            lambda: self.file.first(node, since) is not None or not self.running.alive,
            f"{node} works again",
            timeout,
            self.story,
            0.1,
        )
        seconds = self.file.first(node, since)
        if seconds is None:
            raise LabError(f"the search ended before {node} worked again\n{self.story()}")
        return seconds

    def end(self, timeout: float = 180) -> None:
        """Waits until the search has ended well."""
        self._expect(0, timeout)

    def stop(self) -> None:
        """Has the search end as Ctrl-C does: what runs is still written."""
        for process in self.drivers():
            process.kill(signal.SIGINT)
        self._expect(130, 60)
        self.stopped = True

    def kill(self) -> None:
        """Kills the driver where it stands."""
        for process in self.drivers():
            process.kill()
        self.running.wait(10)

    def drivers(self) -> list[Process]:
        """The process that drives it, if it is there."""
        return self.node.host.processes(f"--study {self.name} ")

    def faults(self) -> str:
        """What is lost, counted twice or other than on one computer; nothing when all is well."""
        return faults_of(self.file, self.wanted, stopped=self.stopped)

    def _expect(self, code: int, timeout: float) -> None:
        if (found := self.running.wait(timeout)) != code:
            raise LabError(f"the search ended with {found}, not {code}\n{self.story()}")

    def said(self) -> dict[str, Any]:
        """What the driver says of itself; nothing while it says nothing."""
        for file in (self.node.folder / "running").glob("*.json"):
            try:
                found: dict[str, Any] = json.loads(file.read_text())
            except FileNotFoundError:
                continue
            if found["study"] == self.name:
                return found
        return {}

    def story(self) -> str:
        return f"{self.finished()} finished; the driver says {self.said()}\n{self.running.text[-3000:]}\n{self.log()}"


def faults_of(file: StudyFile, wanted: Wanted | Compiled, *, stopped: bool = False) -> str:
    """What differs between a study and the same search on one computer; a stopped one may still ask for some."""
    found = {trial.number: trial for trial in file.trials()}
    asked = file.asked()
    every = set(range(max((*found, *asked), default=-1) + 1 if stopped else wanted.trials))
    expected = reference(wanted.at_once)
    causes = {"", *(trial.cause for trial in expected.values())}  # some sets are none that a strategy can trade by
    facts = {
        "missing": every - found.keys() - (asked if stopped else set()),
        "too many": found.keys() - every,
        "failed": {number for number, trial in found.items() if trial.cause not in causes},
        "other numbers": {
            number for number in expected.keys() & found.keys() if not found[number].is_like(expected[number])
        },
    }
    new = sorted({trial.cause for trial in found.values()} - causes)
    return "; ".join(f"{what}: {len(which)}, as {sorted(which)[:5]} {new}" for what, which in facts.items() if which)


@cache
def reference(wanted: Wanted | Compiled) -> Mapping[int, Trial]:
    """What the same search gives on one computer, where nothing happens."""
    with TemporaryDirectory() as home:
        wanted.put(Path(home))
        words = [*wanted.words(Path(home), "reference"), "--threads", "1"]
        subprocess.run(words, check=True, env={**os.environ, "BITTRADER_HOME": home}, capture_output=True)
        return {trial.number: trial for trial in StudyFile(Path(home), "reference").trials()}


def now() -> float:
    """The moment, on the clock that studies are written by."""
    return time.time()
