"""Where the owner's own strategies are: a small file that a node's daemon writes and its node workers read."""

from __future__ import annotations

import json
from pathlib import Path

from bittrader.files import write_whole


def write_synced(path: Path, folder: Path | None) -> None:
    """Says to whoever works here where the owner's own strategies are; None when nowhere."""
    write_whole(path, json.dumps({"folder": None if folder is None else str(folder)}), lasting=False)


def read_synced(path: Path | None) -> Path | None:
    """What was last said; None when nothing was, or it cannot be read: then what the study brings along is used."""
    if path is None:
        return None
    try:
        folder = json.loads(path.read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(folder) if isinstance(folder, str) else None
