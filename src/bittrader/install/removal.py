"""What an uninstallation removes beside the changes of the receipt, and what it leaves."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.identity import folder_of, other_role, read_identity
from bittrader.cluster.ray_folder import before, temp_dir
from bittrader.errors import BittraderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bittrader.cluster.identity import Role

_SIGNS = (
    *(paths.RECEIPT, paths.INSTALL_LOCK, paths.DAEMON_LOCK, paths.IDENTITY, paths.SETTINGS, paths.VARIABLES),
    *(paths.ENVIRONMENTS, paths.LOGS, paths.SECRETS),
)
"""What says that a folder is a node's."""


@dataclass(frozen=True)
class Removal:
    """Folders that go with everything in them, and those that stay."""

    gone: tuple[Path, ...]
    kept: tuple[Path, ...] = ()


def removal(role: Role, *, studies: bool) -> Removal:
    """What there is of a node on this disk; with `studies`, what its owner made with it goes too."""
    folder, home = folder_of(role), paths.home()
    own = [folder] if any((folder / sign).exists() for sign in _SIGNS) else []
    other = folder_of(other_role(role))
    code = [] if other.exists() else [home / "code"]
    made = [paths.candles_dir(), paths.studies_dir(), paths.reports_dir()]
    gone = [*own, *_of_ray(folder), *code, *(made if studies else [])]
    kept = [] if studies else [one for one in made if one.exists()]
    return Removal(tuple(one for one in gone if one.exists()), tuple(kept))


def _of_ray(folder: Path) -> Iterator[Path]:
    """Where this node's Ray kept its sockets and logs."""
    try:
        who = read_identity(folder)
    except BittraderError:
        return
    if who is not None:
        yield temp_dir(who.node)
        yield before(temp_dir(who.node))


def remove(gone: Removal) -> tuple[str, ...]:
    """Removes it, and says what could not be."""
    failed: list[str] = []
    for folder in gone.gone:
        place = folder.resolve()  # its owner may have moved it to another disk, and left a link
        if Path.home().resolve().is_relative_to(place):
            failed.append(f"{folder}: it leads to {place}, in which more is than a node")
            continue
        try:
            shutil.rmtree(place)
            if folder.is_symlink():
                folder.unlink()
        except OSError as error:
            failed.append(f"{error.filename or folder}: {error.strerror or error}")
            shutil.rmtree(place, ignore_errors=True)  # what else is in it
    with contextlib.suppress(OSError):  # it is not empty, or not there
        paths.home().rmdir()
    return tuple(failed)


FOLDER_VARIABLE = "BITTRADER_GOES"
LAST_STEP = """\
@echo off
set tries=0
:again
ping -n 2 127.0.0.1 >nul
rmdir /s /q "\\\\?\\%BITTRADER_GOES%" 2>nul
if not exist "%BITTRADER_GOES%" goto gone
set /a tries+=1
if %tries% lss 60 goto again
:gone
del "%~f0"
""".replace("\n", "\r\n")
"""The script that removes a folder on Windows as soon as the program that runs from it lets it, and then itself.

The folder is in the variable: a script may not know the letters of a name.
"""
