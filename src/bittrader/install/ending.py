"""Ending what still runs of a node that is taken away."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.daemon_lock import is_held
from bittrader.cluster.identity import folder_of
from bittrader.cluster.ledger import Ledger
from bittrader.cluster.node_state import read_state
from bittrader.cluster.ray_process import kill, members

if TYPE_CHECKING:
    from bittrader.cluster.identity import Role


def end_what_runs(role: Role) -> None:
    """Kills a daemon that does not end, and what a daemon left behind that was killed itself."""
    folder = folder_of(role)
    if not folder.is_dir():
        return
    state = read_state(folder)
    if state is not None and is_held(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    left = members(Ledger(folder / paths.PROCESSES).earlier)
    if left:
        kill(left)
