"""What the searches that run on this computer say of themselves, in `running/PID.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bittrader.cluster.ray_process import created

if TYPE_CHECKING:
    from pathlib import Path

_CLOCK_SECONDS = 2.0
"""How far the times of processes and of files may be apart."""


def read_running(folder: Path) -> list[dict[str, Any]]:
    """What each driver said last; the files of those that are gone are removed."""
    try:
        files = sorted((folder / "running").glob("*.json"))
    except OSError:
        return []
    return [said for one in files if (said := _read(one)) is not None]


def _read(path: Path) -> dict[str, Any] | None:
    if not path.stem.isascii() or not path.stem.isdecimal():
        return None
    try:
        if not _is_its_drivers(path):
            path.unlink(missing_ok=True)
            return None
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # gone this moment, or no driver's
    return {**said, "pid": int(path.stem)} if isinstance(said, dict) else None


def _is_its_drivers(path: Path) -> bool:
    """Whether the process lives that wrote a file; after a restart of the computer, another may have its number."""
    began = created(int(path.stem))
    return began is not None and began <= path.stat().st_mtime + _CLOCK_SECONDS
