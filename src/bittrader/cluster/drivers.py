"""What the searches that run on this computer say of themselves, in `running/PID.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bittrader import paths
from bittrader.cluster.ray_process import SAME_SECONDS, created

if TYPE_CHECKING:
    from pathlib import Path


def read_running(folder: Path) -> list[dict[str, Any]]:
    """What each driver said last; the files of those that are gone are removed."""
    try:
        files = sorted((folder / paths.RUNNING).glob("*.json"))
    except OSError:
        return []
    return [said for one in files if (said := _read(one)) is not None]


def _read(path: Path) -> dict[str, Any] | None:
    if not path.stem.isascii() or not path.stem.isdecimal():
        return None
    began = created(int(path.stem))
    try:
        if began is None or path.stat().st_mtime < began - SAME_SECONDS:  # its number is another program's by now
            path.unlink(missing_ok=True)
            return None
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # gone this moment, or no driver's
    return {**said, "pid": int(path.stem)} if isinstance(said, dict) else None
