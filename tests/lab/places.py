"""Where the lab keeps its files: outside the repository, on a disk that can carry an overlay."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What a host must see to run the project: the repository, its environment, and the Python that this was made from.
PROJECT = tuple(dict.fromkeys((ROOT, Path(sys.prefix), Path(sys.base_prefix))))


def cache() -> Path:
    """The folder of everything that outlives a lab: `$BITTRADER_LAB_CACHE`, else /var/cache/bittrader-lab."""
    return Path(os.environ.get("BITTRADER_LAB_CACHE") or "/var/cache/bittrader-lab")


def labs_folder() -> Path:
    """Where each lab has its folder while it lives."""
    return cache() / "labs"
