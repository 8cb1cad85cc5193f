"""The environments of earlier versions, beside the one that a node runs from: each goes once nothing runs from it.

A search in a terminal may run for days from the environment that was the newest when it began.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import psutil

from bittrader import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path, PurePath

Answer = TypeVar("Answer")

_LEFT = "bittrader-left"
"""A file in each environment that no installation wants any more."""


@dataclass(frozen=True)
class Program:
    """A process, as far as it says where it runs from."""

    exe: str
    words: tuple[str, ...]
    virtual: str
    """Its VIRTUAL_ENV."""


def runs_from(program: Program, environment: PurePath) -> bool:
    """Whether a process needs an environment: by its file, a word of its command, or as what was activated for it."""
    return any(
        one.is_relative_to(environment)
        for one in map(type(environment), (program.exe, *program.words, program.virtual))
    )


def leave(folder: Path, current: Path) -> None:
    """Notes that no environment of a node is wanted but the current one."""
    for one in _environments(folder):
        if one.resolve() == current.resolve():
            (one / _LEFT).unlink(missing_ok=True)
        else:
            (one / _LEFT).touch()


def remove_left(folder: Path) -> tuple[Path, ...]:
    """Removes the environments that were left and that nothing runs from; those that stay."""
    left = [one for one in _environments(folder) if (one / _LEFT).exists()]
    programs = tuple(_programs()) if left else ()
    used = tuple(one for one in left if _is_used(one, programs))
    for one in set(left) - set(used):
        shutil.rmtree(one, ignore_errors=True)
    return used


def _is_used(environment: Path, programs: Iterable[Program]) -> bool:
    names = (environment.absolute(), environment.resolve())
    return any(runs_from(program, name) for program in programs for name in names)


def _environments(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in (folder / paths.ENVIRONMENTS).iterdir() if one.is_dir())
    except OSError:
        return []


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


def _programs() -> Iterator[Program]:
    yield from map(program_of, psutil.process_iter())
