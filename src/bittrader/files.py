"""The one way to write a file: it is there whole, safe on the disk, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place at one stroke; whatever fails, the old one stays.

    OSError, for the caller to put in words, when the file cannot be written.
    """
    if path.exists() and not path.is_file():  # a folder or a device, whose place a file must not take
        raise FileExistsError(errno.EEXIST, "that is no file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
