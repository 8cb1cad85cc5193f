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
    environment = asked(one, lambda one: one.environ(), dict[str, str]())
    words: list[str] = asked(one, lambda one: one.cmdline(), [])
    return Program(asked(one, lambda one: one.exe(), ""), tuple(words), environment.get("VIRTUAL_ENV", ""))


def asked(one: psutil.Process, question: Callable[[psutil.Process], Answer], unknown: Answer) -> Answer:
    """What a process answers; `unknown` if it is gone, or another user's that may not be asked."""
    try:
        return question(one)
    except (psutil.Error, OSError):
        return unknown
