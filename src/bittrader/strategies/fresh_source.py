"""Imports modules as their files are now, whatever Python has compiled and kept beside them.

Python knows a compiled file by the size of its source and the second in which that was written. Programs that keep
folders the same on several computers, and people who save twice in a second, change a file and leave both as they were.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _FromText(SourceFileLoader):
    def path_stats(self, path: object) -> NoReturn:
        """Says that nothing is known of the file's age, so that no compiled one is compared with it, or written."""
        raise OSError(f"{path} is read as it is")


_FOUND_AS_IT_IS = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromText, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES)
)


@contextmanager
def imported_as_it_is(is_meant: Callable[[Path], bool]) -> Iterator[None]:
    """Has modules in the folders that are meant compiled from their text; all others are imported as ever."""

    def hook(path: str) -> object:
        if not is_meant(Path(path)):
            raise ImportError("not one of these folders")
        return _FOUND_AS_IT_IS(path)

    _forget_finders(is_meant)
    sys.path_hooks.insert(0, hook)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.path_hooks.remove(hook)  # type: ignore[arg-type]
        _forget_finders(is_meant)


def _forget_finders(is_meant: Callable[[Path], bool]) -> None:
    for path in list(sys.path_importer_cache):
        if is_meant(Path(path)):
            sys.path_importer_cache.pop(path, None)
