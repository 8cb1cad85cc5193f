"""What a daemon started, written down before it does: so that the next daemon finds it, should this one be killed.

Everything a daemon starts gets a mark in its environment that nothing else has, and whatever that starts inherits it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bittrader.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

VARIABLE = "BITTRADER_MARK"


@dataclass(frozen=True)
class Started:
    """Something that was started, under its mark."""

    mark: str
    what: str
    pid: int | None = None
    """Of its first process; None until that is known."""
    created: float | None = None
    """When that process began, in Unix seconds."""


class Ledger:
    """The file of all that may still run. One daemon at a time writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.earlier = _read(path)
        """What earlier daemons wrote down."""
        self._ours: dict[str, Started] = {}

    def begin(self, what: str) -> Started:
        """A new mark, written down for what is started next."""
        started = Started(secrets.token_hex(16), what)
        self.note(started)
        return started

    def note(self, started: Started) -> None:
        """Writes down more of what was started."""
        self._ours[started.mark] = started
        self._write()

    def end(self, started: Started) -> None:
        """Forgets something of which nothing is left."""
        if self._ours.pop(started.mark, None) is not None:
            self._write()

    def forget_earlier(self) -> None:
        """Forgets what earlier daemons started, once nothing of it is left."""
        if self.earlier:
            self.earlier = ()
            self._write()

    def _write(self) -> None:
        kept: Collection[Started] = (*self.earlier, *self._ours.values())
        write_whole(self._path, json.dumps([asdict(one) for one in kept], indent=1))


def _read(path: Path) -> tuple[Started, ...]:
    """What a file says was started; nothing when it cannot be read, since nothing can be told from it then."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Started(str(one["mark"]), str(one["what"]), one["pid"], one["created"]) for one in facts)
    except (OSError, ValueError, TypeError, KeyError):
        return ()
