"""The user's own files on a node: its own copy where that is the same code, else what was sent, kept by its digest."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bittrader.execution.base import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.execution.work import Code


def digest_of(files: Mapping[str, bytes]) -> str:
    """32 hexadecimal digits that differ when any file's name or contents differ."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(files):
        digest.update(f"{name}\n{len(files[name])}\n".encode() + files[name])
    return digest.hexdigest()


def locate(code: Code, store: Path, synced: Path | None) -> str:
    """What finds the strategy or function here, as `load_strategy` takes it.

    In the synced folder where that holds the very same files, so that what else lies beside them is there too; else in
    the store, where they are laid once.
    """
    if digest_of(code.files) != code.digest:
        raise ExecutorError("the code that was sent was damaged on its way.")
    own = None if synced is None else _in_folder(code, synced)
    return str((own or _laid(code, store)) / code.reference)


def _in_folder(code: Code, folder: Path) -> Path | None:
    """Where in a folder the same files are: at its top, or in the first folder below it that has them all."""
    first = PurePosixPath(next(iter(code.files)))
    tops = [path.parents[len(first.parts) - 1] for path in sorted(folder.rglob(first.name)) if path.is_file()]
    return next((top for top in dict.fromkeys(tops) if _holds(top, code.files)), None)


def _holds(top: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((top / name).read_bytes() == text for name, text in files.items())
    except OSError:
        return False


def _laid(code: Code, store: Path) -> Path:
    """The folder of the store that holds the code; it is there whole or not at all."""
    home = store / code.digest
    if home.is_dir() and _holds(home, code.files):
        return home
    part = store / f".{code.digest}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    for name, text in code.files.items():
        path = part / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    shutil.rmtree(home, ignore_errors=True)
    try:
        part.replace(home)
    except OSError:  # another worker of this node was quicker
        shutil.rmtree(part, ignore_errors=True)
        if not _holds(home, code.files):
            raise
    return home


def _inside(name: str) -> PurePosixPath:
    """A relative path that stays in its folder; ExecutorError for any other."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name:
        raise ExecutorError(f"the code that was sent has a file outside its folder: {name!r}.")
    return path
