"""Where we keep things: everything lives below one folder, which `BITTRADER_HOME` moves."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
# Windows keeps these names for devices.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
NAME_RULE = "use small letters, digits and - _ . as in btcusdt-1h"

# What a node's folder holds, which its daemon, the command line, searches and the work on it find there.
SETTINGS = "config.toml"
VARIABLES = "config.env"
IDENTITY = "identity.json"
SECRETS = "secrets"
DAEMON_LOCK = "daemon.lock"
INSTALL_LOCK = "install.lock"
RECEIPT = "receipt.json"
STATE = "state.json"
WISHES = "wishes.json"
ALLOWANCE = "allowance.json"
RAY = "ray.json"
CODE = "code.json"
MEETING = "meeting.json"
CLUSTER = "cluster.json"
PROCESSES = "processes.json"
JOBS = "jobs"
RUNNING = "running"
WORKING = "working"
LOGS = "logs"
ENVIRONMENTS = "envs"
NOTIFY = "notify.json"
NOTIFY_OUTCOMES = "notify_outcomes.jsonl"

# What an installer writes into the environment that it made, once that is whole.
INSTALLED = "bittrader-installed"


def home() -> Path:
    """The folder that holds all we keep: `$BITTRADER_HOME`, else `~/.bittrader`."""
    return Path(os.environ.get("BITTRADER_HOME") or "~/.bittrader").expanduser()


def is_name(name: str) -> bool:
    """Whether candles or a study can be called so: every system can call a file so, and tells it from all others."""
    return bool(_NAME.fullmatch(name)) and not _RESERVED.fullmatch(name) and not name.endswith(".")


def candles_dir() -> Path:
    """The folder of stored candles, one Parquet file a series."""
    return home() / "candles"


def studies_dir() -> Path:
    """The folder of studies, one SQLite file a study."""
    return home() / "studies"


def reports_dir() -> Path:
    """The folder of HTML reports."""
    return home() / "reports"


def head_dir() -> Path:
    """The folder of this computer as the head of a cluster: `$BITTRADER_HOME/head`, else `~/.bittrader_head`."""
    return _node_dir("head")


def worker_dir() -> Path:
    """The folder of this computer as a worker of a cluster: `$BITTRADER_HOME/worker`, else `~/.bittrader_worker`."""
    return _node_dir("worker")


def _node_dir(role: str) -> Path:
    moved = os.environ.get("BITTRADER_HOME")
    return Path(moved).expanduser() / role if moved else Path(f"~/.bittrader_{role}").expanduser()
