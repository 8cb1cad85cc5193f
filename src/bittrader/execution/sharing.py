"""How the searches that work on one node share the cores that its owner allows: each says that it is there, in a file.

Every search has a process of its own on a node, and the allowance is for all of them together.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TOUCH_SECONDS = 1.0
_GONE_SECONDS = 5.0
"""Who has not touched its file for so long works no more, or stands still."""
_FORGOTTEN_SECONDS = 300.0
TURN_SECONDS = 10.0
"""How long the cores that cannot be divided stay with the same search."""


@dataclass(frozen=True)
class Share:
    """What one search has of the cores."""

    cores: int
    due: int
    """How many more it has in its turn: others have them now."""


def share(cores: int, place: int, count: int, turn: int) -> Share:
    """The part of the search at a place among `count`: alike for all, and what is left over goes round by turns."""
    each, left = divmod(cores, count)
    its_turn = (place - turn * left) % count < left
    return Share(each + its_turn, int(left > 0 and not its_turn))


class Sharing:
    """One search among all of a node; `folder` is where they find each other."""

    def __init__(self, folder: Path | None) -> None:
        """None: there is nobody to share with."""
        self._mine = None if folder is None else folder / uuid.uuid4().hex
        self._names: list[str] = []
        self._touched = -_TOUCH_SECONDS

    def of(self, cores: int) -> Share:
        """This search's part of the cores, now."""
        if self._mine is None:
            return Share(cores, 0)
        now = time.monotonic()
        if now >= self._touched + _TOUCH_SECONDS:
            self._touched = now
            self._names = _meet(self._mine)
        return share(cores, self._names.index(self._mine.name), len(self._names), int(time.time() / TURN_SECONDS))

    @property
    def count(self) -> int:
        """How many searches there are, as of the last look."""
        return max(1, len(self._names))

    def leave(self) -> None:
        """Leaves its part to the others."""
        if self._mine is not None and self._names:
            self._names, self._touched = [], -_TOUCH_SECONDS
            with contextlib.suppress(OSError):
                self._mine.unlink(missing_ok=True)


def _meet(mine: Path) -> list[str]:
    """The names of all that work now, this one among them; without a disk to write to, alone."""
    now = time.time()
    names = {mine.name}
    with contextlib.suppress(OSError):  # a disk that takes no file
        mine.parent.mkdir(exist_ok=True)
        mine.touch()
    with contextlib.suppress(OSError):
        for one in list(mine.parent.iterdir()):
            with contextlib.suppress(FileNotFoundError):  # it has left just now
                silent = abs(now - one.stat().st_mtime)
                if silent < _GONE_SECONDS:
                    names.add(one.name)
                elif silent > _FORGOTTEN_SECONDS:
                    one.unlink()
    return sorted(names)
