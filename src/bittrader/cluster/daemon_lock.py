"""One daemon a folder: it holds a lock that the system takes back when it dies, however it dies."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path


class DaemonRunningError(ClusterError):
    """Another daemon has this folder."""


class DaemonLock:
    """The lock of a folder, held until `release`. It is a SQLite file because that locks alike on all systems."""

    def __init__(self, folder: Path, name: str = paths.DAEMON_LOCK) -> None:
        """DaemonRunningError when somebody holds it."""
        path = folder / name
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise ClusterError(f"{path} cannot be locked: {error}") from error
        try:
            self._database.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written: a full disk may lock too
            self._database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._database.close()
            if "locked" in str(error):
                raise DaemonRunningError(f"a daemon is running already in {folder}") from error
            mend = ": delete it" if isinstance(error, sqlite3.DatabaseError) and path.stat().st_size else ""
            raise ClusterError(f"{path} cannot be locked: {error}{mend}") from error

    def release(self) -> None:
        """Lets others have it."""
        self._database.close()


def is_held(folder: Path) -> bool:
    """Whether a daemon runs in a folder."""
    if not (folder / paths.DAEMON_LOCK).exists():
        return False
    try:
        DaemonLock(folder).release()
    except DaemonRunningError:
        return True
    return False
