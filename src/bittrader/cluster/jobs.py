"""Detached studies: a file `jobs/NAME.json` for each that is to run, and the processes that go on with them."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.cluster.node_state import JobState
from bittrader.cluster.ray_process import LAST_BYTES, Child, clean_environment, start
from bittrader.cluster.seen import JobSeen
from bittrader.errors import last_words
from bittrader.files import make_folder, tail, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bittrader.cluster.job_rules import JobMemory
    from bittrader.cluster.ledger import Ledger

_ENDED_KEPT = 20


def submit(folder: Path, name: str, now: float, *, tell: bool = False, words: Sequence[str] = ()) -> None:
    """Has the daemon of this folder go on with a study, from now until it ends, and tell then; Unix time.

    `words` are more of what `studies resume` takes.
    """
    make_folder(folder / paths.JOBS)
    job = {"study": name, "asked": now, "tell": tell, "words": list(words)}
    write_whole(_file(folder, name), json.dumps(job) + "\n")


def log_file(folder: Path, name: str) -> Path:
    """Where the process of a detached study writes what it prints."""
    return folder / paths.LOGS / f"study-{name}.log"


def is_to_be_told(folder: Path, name: str) -> bool:
    """Whether who asked for a study wants to be told of its end, whatever the settings say."""
    return _said(folder, name).get("tell") is True


def words_for(folder: Path, name: str) -> list[str]:
    """What `studies resume` is told besides, as who left the study here asked for."""
    words = _said(folder, name).get("words")
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else []


def _said(folder: Path, name: str) -> dict[str, Any]:
    """What the file of a study says; nothing where it cannot be read."""
    try:
        said = json.loads(_file(folder, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def withdraw(folder: Path, name: str) -> None:
    """Has the daemon of this folder stop a study; it keeps what it has."""
    _file(folder, name).unlink(missing_ok=True)


def asked(folder: Path, ended: Iterable[JobState] = ()) -> dict[str, float]:
    """The studies that are to run, but for those that `ended` already, and when each was asked for in Unix seconds.

    A file by any other name than a study's is nobody's.
    """
    try:
        files = [one for one in (folder / paths.JOBS).iterdir() if one.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found = {one.stem: _moment(one) for one in files if one.suffix == ".json" and paths.is_name(one.stem)}
    over = {(one.name, one.asked) for one in ended if one.code is not None}
    return {name: moment for name, moment in found.items() if (name, moment) not in over}


def _moment(path: Path) -> float:
    """When a file asked for its study; 0 where it does not say."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["asked"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0.0


class Jobs:
    """The processes of a daemon's detached studies."""

    def __init__(self, folder: Path, ledger: Ledger, ended: Iterable[JobState] = ()) -> None:
        """`ended`: what is known of studies that ended before."""
        self._folder = folder
        self._ledger = ledger
        self._running: dict[str, Child] = {}
        self._last_words: dict[str, str] = {}
        self._asked_at: dict[str, float | None] = {}
        self._ended = [one for one in ended if one.code is not None]

    def asked(self) -> frozenset[str]:
        """The studies that are to run, and have not ended."""
        return frozenset(asked(self._folder, self._ended))

    def look(self) -> dict[str, JobSeen]:
        """The processes there are, and those that ended since they were last started."""
        return {name: self._seen(name, child) for name, child in self._running.items()}

    def start(self, name: str) -> None:
        """Goes on with a study; what it prints is in its `log_file`."""
        self._forget(name)
        self._asked_at[name] = asked(self._folder).get(name)
        words = [sys.executable, "-m", "bittrader", "studies", "resume", name, "--on", "cluster", "--json"]
        words += words_for(self._folder, name)
        output = log_file(self._folder, name)
        self._running[name] = start(self._ledger, f"study {name}", words, clean_environment(), output)

    def stop(self, name: str, *, kill: bool) -> None:
        """Has a process end: as Ctrl-C does where there is such a signal, or at once with all it started."""
        child = self._running[name]
        if kill:
            child.kill()
        else:
            child.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))

    def finish(self, name: str, code: int) -> None:
        """Notes how a study ended."""
        self._forget(name)
        others = [one for one in self._ended if one.name != name]
        ended = JobState(name, running=False, code=code, ended=time.time(), asked=self._asked_at.pop(name, None))
        staying = asked(self._folder)  # what has a file that does not go away must be remembered
        self._ended = [*(one for one in others[:-_ENDED_KEPT] if one.name in staying), *others[-_ENDED_KEPT:], ended]

    def withdraw_ended(self) -> str:
        """Removes the files of what has ended, and says why that cannot be.

        Only once how they ended can be read: so whoever waits for one finds that.
        """
        try:
            for name in asked(self._folder).keys() - asked(self._folder, self._ended).keys():
                withdraw(self._folder, name)
        except OSError as error:
            return f"{error.filename} cannot be removed, and asks for nothing more: {error.strerror}"
        return ""

    def states(self, wanted: frozenset[str], memory: Mapping[str, JobMemory], since: float) -> list[JobState]:
        """All studies that run, are to run, or ended lately; `since`: what makes monotonic seconds Unix ones."""
        now = {name for name, seen in self.look().items() if seen.code is None}
        living = sorted(now | (wanted & self.asked()))
        ended = [one for one in self._ended if one.name not in living]
        return [*(_living(name, memory.get(name), since, running=name in now) for name in living), *ended]

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        return [child.process.pid for child in self._running.values()]

    def _seen(self, name: str, child: Child) -> JobSeen:
        code = child.process.poll()
        if code is not None and name not in self._last_words:
            self._last_words[name] = last_words(tail(log_file(self._folder, name), LAST_BYTES))
        return JobSeen(code, self._last_words.get(name, ""))

    def _forget(self, name: str) -> None:
        self._last_words.pop(name, None)
        if (child := self._running.pop(name, None)) is not None:
            child.kill()  # whatever it left behind
            child.forget()


def _living(name: str, job: JobMemory | None, since: float, *, running: bool) -> JobState:
    """A study that has not ended, and what it waits for."""
    if running or job is None or not job.trouble:
        return JobState(name, running=running)
    return JobState(name, running=False, trouble=job.trouble, next_start=since + job.not_before)


def _file(folder: Path, name: str) -> Path:
    return folder / paths.JOBS / f"{name}.json"
