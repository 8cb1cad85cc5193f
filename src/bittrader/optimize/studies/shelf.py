"""The folder of studies: names, paths, and what may be thrown away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bittrader.errors import InputError
from bittrader.optimize.studies.database import WriterLock, beside, lock_file, told
from bittrader.optimize.studies.study import require
from bittrader.paths import NAME_RULE, is_name, studies_dir

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".sqlite"


def path_of(name: str) -> Path:
    """The file of the study called `name`; InputError when no file could be called that."""
    if not is_name(name):
        raise InputError(f"a study cannot be called {name!r}: {NAME_RULE}.")
    return studies_dir() / f"{name}{_SUFFIX}"


def names() -> list[str]:
    """The studies there are, by name."""
    return sorted(file.stem for file in studies_dir().glob(f"*{_SUFFIX}"))


def free_name(*words: str) -> str:
    """A name made of these words that no study has yet, as in `sma-cross-btcusdt-1h-3`."""
    stem = "-".join(re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words)[:70]
    number = 1
    while path_of(f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def delete(name: str) -> None:
    """Deletes a study and what SQLite keeps beside it; StudyError while it runs."""
    path = path_of(name)
    require(path)
    with told(path):
        WriterLock(path).release()
    for file in (path, *beside(path), lock_file(path)):
        file.unlink(missing_ok=True)
