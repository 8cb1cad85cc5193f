"""The user's own files on a node: its own copy where that is the same code, else what was sent, kept by its digest."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from bittrader.execution.base import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bittrader.execution.work import Code

Made = TypeVar("Made")


def digest_of(files: Mapping[str, bytes]) -> str:
    """32 hexadecimal digits that differ when any file's name or contents differ."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(files):
        digest.update(f"{name}\n{len(files[name])}\n".encode() + files[name])
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Kept:
    """A study's code on this computer: in the owner's own folder if that holds the very same files, and in the store.

    A folder that others keep in step may change at any moment, so whatever is made of the files there counts only if
    they are still the study's when it is made.
    """

    code: Code
    store: Path
    own: Path | None
    """The folder of the owner's that held the same files when it was looked for."""

    def used(self, make: Callable[[str], Made]) -> Made:
        """What `make` makes of the reference that finds the strategy or function here, as `load_strategy` takes it."""
        own, files = self.own, self.code.files
        if own is not None and _holds(own, files):
            try:
                made = make(str(own / self.code.reference))
            except BaseException:
                if _holds(own, files):
                    raise
            else:
                if _holds(own, files):
                    return made
        return make(str(_laid(self.code, self.store) / self.code.reference))


def keep(code: Code, store: Path, synced: Path | None) -> Kept:
    """The code that was sent, laid in the store, and found in the owner's synced folder, so that what else lies beside
    it is there too.
    """
    if digest_of(code.files) != code.digest:
        raise ExecutorError("the code that was sent was damaged on its way.")
    _laid(code, store)  # in any case, so that no two processes of the node come to do it later
    return Kept(code, store, None if synced is None else _in_folder(code, synced))


def _in_folder(code: Code, folder: Path) -> Path | None:
    """Where in a folder the same files are: at its top, or in the first folder below it that has them all."""
    first = PurePosixPath(next(iter(code.files)))
    try:
        tops = [path.parents[len(first.parts) - 1] for path in sorted(folder.rglob(first.name)) if path.is_file()]
    except OSError:  # a drive that is mounted and does not answer
        return None
    return next((top for top in dict.fromkeys(tops) if _holds(top, code.files)), None)


def _holds(top: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((top / name).read_bytes() == text for name, text in files.items())
    except OSError:
        return False


_LAYING = threading.Lock()


def _laid(code: Code, store: Path) -> Path:
    """The folder of the store that holds the code; it is there whole or not at all."""
    home = store / code.digest
    if home.is_dir() and _holds(home, code.files):
        return home
    with _LAYING:
        if _holds(home, code.files):
            return home
        store.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{code.digest}.", dir=store))
        try:
            for name, text in code.files.items():
                path = part / "code" / _inside(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
            if home.exists() and not _holds(home, code.files):  # it was changed where it lay
                home.rename(part / "before")
            (part / "code").rename(home)
        except OSError:  # another process of this node was quicker
            if not _holds(home, code.files):
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return home


def _inside(name: str) -> PurePosixPath:
    """A relative path that stays in its folder; ExecutorError for any other."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name:
        raise ExecutorError(f"the code that was sent has a file outside its folder: {name!r}.")
    return path
