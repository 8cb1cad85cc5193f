"""Which programs run on this computer, as far as each may be looked at and says where it runs from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Program:
    """A process, as far as it says where it runs from."""

    exe: str
    words: tuple[str, ...]
    virtual: str
    """Its VIRTUAL_ENV."""


def programs() -> Iterator[Program]:
    """All of them, whosever they are."""
    return map(program_of, psutil.process_iter())


def program_of(one: psutil.Process) -> Program:
    """What a process lets this user know of where it runs from: of somebody else's, mostly its words alone."""
    return Program(
        _told(one.exe, ""), tuple(_told(one.cmdline, [])), _told(one.environ, dict[str, str]()).get("VIRTUAL_ENV", "")
    )


def _told(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    try:
        return ask()
    except (psutil.Error, OSError):  # gone this moment, or somebody else's
        return otherwise
