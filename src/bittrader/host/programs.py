"""Which programs run on this computer, as far as each may be looked at and says where it runs from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Program:
    """A process, as far as it says where it runs from."""

    exe: str
    words: tuple[str, ...]
    virtual: str
    """Its VIRTUAL_ENV."""


def programs() -> Iterator[Program]:
    """All that this user may look at."""
    for one in psutil.process_iter():
        try:
            with one.oneshot():
                yield Program(one.exe(), tuple(one.cmdline()), one.environ().get("VIRTUAL_ENV", ""))
        except (psutil.Error, OSError):  # gone this moment, or somebody else's
            continue
