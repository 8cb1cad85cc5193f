"""Where we keep things: everything lives below one folder, which `BITTRADER_HOME` moves."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder that holds all we keep: `$BITTRADER_HOME`, else `~/.bittrader`."""
    return Path(os.environ.get("BITTRADER_HOME") or "~/.bittrader").expanduser()


def candles_dir() -> Path:
    """The folder of stored candles, one Parquet file a series."""
    return home() / "candles"


def studies_dir() -> Path:
    """The folder of studies, one SQLite file a study."""
    return home() / "studies"


def reports_dir() -> Path:
    """The folder of HTML reports."""
    return home() / "reports"
