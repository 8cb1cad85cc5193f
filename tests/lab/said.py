"""What a node's daemon says of itself, read from outside."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_FRESH_SECONDS = 5.0


def state_of(folder: Path) -> dict[str, Any]:
    """What it said last; nothing before it first does."""
    try:
        found: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def takes_part(state: dict[str, Any]) -> bool:
    """Whether the node is part of the cluster now, as it knows itself."""
    fresh = bool(state) and time.time() - state["at"] < _FRESH_SECONDS
    return fresh and state["phase"] == "up" and state["alive"] is True
