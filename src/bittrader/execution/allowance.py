"""How many cores the owner of a computer lets us use now: a small file that its daemon writes and node workers read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bittrader.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, OverflowError)


@dataclass(frozen=True)
class Allowed:
    """Cores, and why so many."""

    cores: int
    reason: str


def write_allowed(path: Path, allowed: Allowed) -> None:
    """Says it to whoever works here."""
    write_whole(path, json.dumps(asdict(allowed)), lasting=False)


def read_allowed(path: Path) -> Allowed | None:
    """What was last said; None when nothing was, or it cannot be read."""
    try:
        return _parsed(path)
    except _UNREADABLE:
        return None


def _parsed(path: Path) -> Allowed:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Allowed(max(0, int(said["cores"])), str(said["reason"]))


class Follow:
    """Reads an allowance again when its file has changed; without a file, all cores are allowed."""

    def __init__(self, path: Path | None, cores: int) -> None:
        self._path = path
        self._all = Allowed(cores, "nobody says otherwise")
        self._seen: tuple[int, int] | None = None
        self._allowed = self._all

    def __call__(self) -> Allowed:
        """What is allowed now. A file that cannot be read allows what it did before."""
        if self._path is None:
            return self._all
        try:
            facts = self._path.stat()
            seen = (facts.st_mtime_ns, facts.st_ino)
            if seen != self._seen:
                self._allowed, self._seen = _parsed(self._path), seen
        except FileNotFoundError:
            return self._all
        except _UNREADABLE:
            return self._allowed
        return self._allowed
