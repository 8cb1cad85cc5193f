"""The one way to write a file: it is there whole, safe on the disk, or not at all; and the end of a long one."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What a file system answers that cannot make a folder safe by itself, as some on a network.
_NO_FOLDERS = (errno.EINVAL, errno.EBADF)


@contextmanager
def written_whole(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place at one stroke; whatever fails, the old one stays.

    When it returns, no power cut takes the new one back; unless it is not `lasting`, as what a daemon says of itself
    every other second, for which no disk should have to wake. OSError, for the caller to put in words, when the file
    cannot be written.
    """
    if path.exists() and not path.is_file():  # a folder or a device, whose place a file must not take
        raise FileExistsError(errno.EEXIST, "that is no file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        if lasting:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(path)
        if lasting:
            keep_names(path.parent)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str, *, lasting: bool = True) -> None:
    """Has a file hold a text, line endings as they are, in place of what it held; as `written_whole` does it."""
    with written_whole(path, lasting=lasting) as part:
        part.write_text(text, encoding="utf-8", newline="")


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, where they are missing: safe on the disk. OSError where it cannot."""
    if folder.is_dir():
        return
    if folder.exists() and not folder.is_dir():  # another process may have made it since
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is a file, not a folder")
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    keep_names(folder.parent)


def keep_names(folder: Path) -> None:
    """Has the disk keep the names in a folder, without which a file that is safe itself may not be found again."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder, and keeps names by itself
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(descriptor)


def tail(path: Path, most_bytes: int) -> str:
    """The end of a text file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
