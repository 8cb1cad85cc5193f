"""One installation or removal of a node at a time."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.daemon_lock import DaemonLock, DaemonRunningError
from bittrader.errors import InstallError
from bittrader.files import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps every other one out of a folder; InstallError when one is in it. What was made for nothing goes again."""
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    make_folder(folder)
    try:
        lock = DaemonLock(folder, paths.INSTALL_LOCK)
    except DaemonRunningError:
        raise InstallError(f"something else installs or removes in {folder}: wait for that") from None
    try:
        yield
    finally:
        lock.release()
        if made and folder.is_dir() and [one.name for one in folder.iterdir()] == [paths.INSTALL_LOCK]:
            with contextlib.suppress(OSError):  # somebody else came
                (folder / paths.INSTALL_LOCK).unlink()
                for one in made:
                    one.rmdir()
