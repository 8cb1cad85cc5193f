"""The log of a node's daemon: one line a decision, with its reason; times in UTC; older files are let go."""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.files import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.identity import Role
    from bittrader.cluster.settings import Logs


class DaemonLog:
    """Writes `logs/head.log` and, for what is wrong, `logs/head_error.log` too; a worker `logs/worker.log` likewise."""

    def __init__(self, folder: Path, role: Role, settings: Logs, *, shown: bool) -> None:
        """`shown`: on the terminal as well."""
        make_folder(folder / paths.LOGS)
        self._log = logging.Logger("bittrader.cluster")  # noqa: LOG001 - of nobody's tree, so nobody else's handlers
        self._add(_rotating(folder / paths.LOGS / f"{role}.log", settings), logging.INFO)
        self._add(_rotating(folder / paths.LOGS / f"{role}_error.log", settings), logging.WARNING)
        if shown:
            self._add(logging.StreamHandler(sys.stderr), logging.INFO)

    def __call__(self, line: str, *, trouble: bool = False) -> None:
        """Writes a line. Any thread may."""
        self._log.log(logging.WARNING if trouble else logging.INFO, "%s", line)

    def close(self) -> None:
        """Closes the files."""
        for handler in list(self._log.handlers):
            self._log.removeHandler(handler)
            handler.close()

    def _add(self, handler: logging.Handler, level: int) -> None:
        form = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
        form.converter = time.gmtime
        handler.setFormatter(form)
        handler.setLevel(level)
        self._log.addHandler(handler)


def _rotating(path: Path, settings: Logs) -> RotatingFileHandler:
    size = round(settings.size_mb * 10**6)
    return RotatingFileHandler(path, maxBytes=size, backupCount=settings.keep, encoding="utf-8")
