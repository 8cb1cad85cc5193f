"""Where a node's Ray keeps its sockets and logs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bittrader.errors import ClusterError


def temp_dir(node: str) -> Path:
    """The folder of a node's Ray: a short path, because a socket's may not be long."""
    short = Path("/tmp")  # noqa: S108 - closed to others by `make_temp_dir`
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return (short if short.is_dir() else Path(tempfile.gettempdir())) / f"bt-{user}-{node[:8]}"


def rays_own(folder: Path) -> Path:
    """What Ray is given of it. Ray opens its folder to everybody, with the sockets in it: so another is around it."""
    return folder / "ray"


def before(folder: Path) -> Path:
    """Where what was in it before the last start is found: why a Ray died stands in its logs."""
    return folder.with_name(f"{folder.name}.before")


def make_temp_dir(folder: Path) -> None:
    """Makes that folder, empty and closed to others; ClusterError when somebody else has made it."""
    for one in (folder, before(folder)):
        if one.is_symlink() or (one.exists() and hasattr(os, "geteuid") and one.stat().st_uid != os.geteuid()):
            raise ClusterError(f"{one} is another user's: Ray cannot keep its files there")
    if folder.exists():
        shutil.rmtree(before(folder), ignore_errors=True)
        folder.rename(before(folder))
    folder.mkdir(mode=0o700)
