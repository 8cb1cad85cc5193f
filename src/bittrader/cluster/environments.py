"""The environments of earlier versions, beside the one that a node runs from: each goes once nothing runs from it.

A search in a terminal may run for days from the environment that was the newest when it began.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.host.programs import Program, programs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path, PurePath

_RETIRED = "bittrader-retired"
"""A file in each environment that no installation wants any more."""


def runs_from(program: Program, environment: PurePath) -> bool:
    """Whether a process needs an environment: by its file, a word of its command, or as what was activated for it."""
    return any(
        one.is_relative_to(environment)
        for one in map(type(environment), (program.exe, *program.words, program.virtual))
    )


def retire_all_but(current: Path, folder: Path) -> None:
    """Notes that no environment of a node is wanted but the current one; OSError, as on a full disk."""
    for one in _environments(folder):
        if one.resolve() == current.resolve():
            (one / _RETIRED).unlink(missing_ok=True)
        else:
            (one / _RETIRED).touch()


def remove_retired(folder: Path) -> tuple[Path, ...]:
    """Removes the retired environments that nothing runs from, and returns those that stay."""
    retired = [one for one in _environments(folder) if (one / _RETIRED).exists()]
    running = tuple(programs()) if retired else ()
    used = tuple(one for one in retired if _is_used(one, running))
    for one in set(retired) - set(used):
        shutil.rmtree(one, ignore_errors=True)
    return used


def _is_used(environment: Path, running: Iterable[Program]) -> bool:
    names = (environment.absolute(), environment.resolve())
    return any(runs_from(program, name) for program in running for name in names)


def _environments(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in (folder / paths.ENVIRONMENTS).iterdir() if one.is_dir())
    except OSError:
        return []
