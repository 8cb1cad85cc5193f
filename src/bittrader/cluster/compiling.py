"""The process that compiles, when this computer has joined, what a search would else wait for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bittrader.cluster.ray_process import clean_environment, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bittrader.cluster.ledger import Ledger
    from bittrader.cluster.ray_process import Child
    from bittrader.cluster.seen import Ahead


class Compiling:
    """It runs once in a daemon's life; stopped before its end, it goes on where it was when it is started again."""

    def __init__(self, ledger: Ledger, output: Path, log: Callable[..., None]) -> None:
        self._ledger, self._output, self._log = ledger, output, log
        self._child: Child | None = None
        self._done = False

    def look(self) -> Ahead:
        """How far it is."""
        child = self._child
        if child is not None and (code := child.process.poll()) is not None:
            self._end()
            self._done = True
            if code:
                self._log(f"what searches need could not be compiled ahead: see {self._output}", trouble=True)
        return "done" if self._done else "runs" if self._child is not None else "not yet"

    def start(self) -> None:
        """Starts it; nobody at this computer is to notice."""
        words = [sys.executable, "-m", "bittrader.backtest.compiling"]
        self._child = start(self._ledger, "compiling", words, clean_environment(), self._output)
        self._child.be_modest()

    def stop(self) -> None:
        """Ends it, if it runs."""
        if self._child is not None:
            self._child.kill()
            self._child.process.wait()
            self._end()

    @property
    def pids(self) -> list[int]:
        """Of its process, while there is one."""
        return [] if self._child is None else [self._child.process.pid]

    def _end(self) -> None:
        if self._child is not None:
            self._child.forget()
        self._child = None
