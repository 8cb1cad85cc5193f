"""Where this computer's own copy of the owner's strategies is: a folder that something else keeps the same everywhere.

What it holds is never trusted: a node uses it for a study only where its files are the study's own, byte for byte.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.cluster.settings import AUTO
from bittrader.execution.synced import write_synced
from bittrader.host.drives import is_folder
from bittrader.host.watch import said_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Say = Callable[..., str | None]

NAMES = ("bittrader", "Bittrader")
"""What the folder in Google Drive may be called."""
_BRINGS = "studies bring it along"
_PERIOD_SECONDS = 10.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Synced:
    """The owner's own copy, as it was last looked at."""

    folder: str | None = None
    """None where there is none, and studies bring their code along."""
    how: str = _BRINGS
    """Where it is, or why there is none, in words."""
    trouble: bool = False
    """Whether the owner wanted one that is not there."""
    commit: str | None = None
    """Of a git checkout, in short."""
    changed: int | None = None
    """How many files of it differ from that commit; None where it is no checkout, or git did not say."""

    @property
    def in_words(self) -> str:
        """The folder, and the commit that it holds."""
        if self.commit is None:
            return self.how
        state = {None: "", 0: ", clean"}.get(self.changed, f", {self.changed} files changed since")
        return f"{self.how}; git {self.commit}{state}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def find(wanted: str, drives: Callable[[], Iterable[Path]]) -> Synced:
    """The folder that the owner wants: none, one by its path, or the one in Google Drive, wherever that is."""
    if not wanted:
        return Synced()
    if wanted == AUTO:
        return _in_drives(list(drives()))
    folder = Path(wanted).expanduser()
    if is_folder(folder):
        return Synced(str(folder), str(folder))
    return Synced(None, f"code.folder is {wanted}, and there is no such folder now: {_BRINGS}", trouble=True)


def _in_drives(drives: list[Path]) -> Synced:
    found = next((drive / name for drive in drives for name in NAMES if is_folder(drive / name)), None)
    if found is not None:
        return Synced(str(found), f"{found}, in Google Drive")
    if not drives:
        return Synced(None, f"Google Drive was not found on this computer: {_BRINGS}", trouble=True)
    places = ", ".join(map(str, drives))
    return Synced(None, f"there is no folder {NAMES[0]} in Google Drive ({places}): {_BRINGS}", trouble=True)


def with_git(synced: Synced, say: Say = said_by) -> Synced:
    """The same with what git says of the folder. Nothing is pulled, and nothing is written there."""
    if synced.folder is None:
        return synced
    git = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", synced.folder)
    commit = say(*git, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return synced
    status = say(*git, "status", "--porcelain", "--", ".")
    changed = None if status is None else len(status.splitlines())
    return Synced(synced.folder, synced.how, synced.trouble, commit.strip(), changed)


def look(wanted: str, drives: Callable[[], Iterable[Path]], say: Say = said_by) -> Synced:
    """What there is now. A drive that hangs may hold this up."""
    return with_git(find(wanted, drives), say)


class Following:
    """Looks for the folder from time to time and when the setting changes, in a thread that a drive may hold up.

    What it found stands in the node's folder for whoever works here, from the next search on.
    """

    def __init__(self, folder: Path, wanted: str, drives: Callable[[], Iterable[Path]]) -> None:
        self._path = folder / paths.CODE
        self._drives = drives
        self._lock = Lock()
        self._wanted = wanted
        self._found = Synced(how="not looked for yet")
        self._wake, self._ended = Event(), False
        write_synced(self._path, None)
        self._thread = Thread(target=self._run, name="code", daemon=True)
        self._thread.start()

    @property
    def found(self) -> Synced:
        """What was found last."""
        with self._lock:
            return self._found

    def want(self, wanted: str) -> None:
        """Follows the setting."""
        with self._lock:
            if wanted == self._wanted:
                return
            self._wanted = wanted
        self._wake.set()

    def close(self) -> None:
        """Looks no more; a look that hangs is left to itself."""
        self._ended = True
        self._wake.set()
        self._thread.join(_LOOK_SECONDS)

    def _run(self) -> None:
        told: str | None = None
        while not self._ended:
            self._wake.clear()
            with self._lock:
                wanted = self._wanted
            found = look(wanted, self._drives)
            if found.folder != told and _written(self._path, found.folder):
                told = found.folder
            with self._lock:
                if wanted == self._wanted:
                    self._found = found
            self._wake.wait(_PERIOD_SECONDS)


def _written(path: Path, folder: str | None) -> bool:
    try:
        write_synced(path, None if folder is None else Path(folder))
    except OSError:  # a full disk, which the daemon says where it writes its state: tried again at the next look
        return False
    return True


def look_briefly(wanted: str, drives: Callable[[], Iterable[Path]], seconds: float = 5.0) -> Synced:
    """What there is now, or that the drive does not answer."""
    answers: list[Synced] = []
    thread = Thread(target=lambda: answers.append(look(wanted, drives)), daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else Synced(how=f"its drive has not answered for {seconds:.0f} s", trouble=True)
