"""The daemon of a node: it looks at everything, asks the supervisor what to do, and does it.

It does so twice a second, and at once when its owner is back or the power changes.

`python -m bittrader.cluster.daemon ROLE [HOME]` runs one, as `run` does, with HOME as BITTRADER_HOME.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.daemon_lock import DaemonLock, DaemonRunningError, is_held
from bittrader.cluster.environments import remove_retired
from bittrader.cluster.heartbeat import Heartbeat
from bittrader.cluster.identity import folder_of
from bittrader.cluster.node import Node
from bittrader.cluster.node_state import NodeState, read_state
from bittrader.cluster.ray_process import clean_environment
from bittrader.cluster.supervisor import RESTART_CODE, TICK_SECONDS
from bittrader.cluster.visit import require_joined
from bittrader.cluster.wishes import ask, read_wishes
from bittrader.errors import BittraderError, ClusterError, last_words
from bittrader.files import make_folder
from bittrader.host.open_files import raise_limit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from bittrader.cluster.identity import Role

_BEGIN_SECONDS = 30.0
_POLL_SECONDS = 0.1
# Those that were started here: they outlive us, and until then we must take note of their end.
_begun: list[subprocess.Popen[bytes]] = []


class Ending:
    """Whether the system, or Ctrl-C, told this process to end; the loop sees it at its next turn."""

    def __init__(self) -> None:
        """Takes over the signals; only the main thread may."""
        self.asked = False
        for one in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGTERM)):
            signal.signal(one, self._ask)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


def run(role: Role, *, foreground: bool = True) -> int:
    """Runs the daemon of this computer in a role until it is told to stop, and returns the exit code.

    ClusterError, in one line, when it cannot begin: another one runs, a port is taken, this computer never joined.
    """
    folder = folder_of(role)
    require_joined(folder, role)  # before anything is made
    make_folder(folder)
    raise_limit()
    lock = DaemonLock(folder)
    ending, heartbeat = Ending(), Heartbeat()
    Thread(target=remove_retired, args=(folder,), name="environments", daemon=True).start()
    try:
        code: int = RESTART_CODE
        while code == RESTART_CODE:
            if read_wishes(folder / paths.WISHES)[0].run != "yes":
                ask(folder / paths.WISHES, time.time(), run="yes")
            node = Node(folder, role, shown=foreground or heartbeat.is_heard)
            try:
                code = _live(node, ending, heartbeat)
            finally:
                node.close()
    finally:
        lock.release()
    return code


def _live(node: Node, ending: Ending, heartbeat: Heartbeat) -> int:
    """Turns until there is an exit code."""
    heartbeat.notify("READY=1")
    began = time.monotonic()
    while (code := node.turn(ending=ending.asked)) is None:
        heartbeat.notify("WATCHDOG=1", f"STATUS={node.in_words}")
        node.wait(began + TICK_SECONDS - time.monotonic())
        began = time.monotonic()
    if code != RESTART_CODE:  # systemd would wait for the end of the process, and then kill it
        heartbeat.notify("STOPPING=1")
    return code


def start_background(role: Role) -> int:
    """Starts a daemon that belongs to no terminal, and returns its process id once it runs.

    ClusterError with its own words when it does not.
    """
    folder = folder_of(role)
    require_joined(folder, role)
    make_folder(folder / paths.LOGS)
    if is_held(folder):
        raise DaemonRunningError(f"a daemon is running already in {folder}")
    output = folder / paths.LOGS / "daemon_output.log"
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "bittrader.cluster.daemon", role],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    _begun.append(process)
    for _ in _polls(_BEGIN_SECONDS):
        if (code := process.poll()) is not None:
            said = last_words(output.read_text(encoding="utf-8", errors="replace"))
            raise ClusterError(said or f"it ended with code {code}")
        state = read_state(folder)
        if state is not None and state.pid == process.pid:
            process.returncode = 0  # it outlives us: nobody here is to wait for it
            return process.pid
    raise ClusterError(f"the daemon has not begun after {_BEGIN_SECONDS:.0f} s; it may still: look at {output}")


def stop(role: Role, timeout: float = 30.0) -> bool:
    """Has the daemon stop everything and end; whether it did within so many seconds, or there was none."""
    folder = folder_of(role)
    if not is_held(folder):
        return True
    ask(folder / paths.WISHES, time.time(), run="stop")
    return any(not is_held(folder) for _ in _polls(timeout))


def restart(role: Role) -> None:
    """Has the daemon begin anew, with the settings as they are now; the program is the one that runs."""
    if not is_held(folder_of(role)):
        raise ClusterError(f"no daemon of a {role} is running here: `bittrader {role} start`")
    ask(folder_of(role) / paths.WISHES, time.time(), run="restart")


def running(role: Role) -> NodeState | None:
    """What the daemon of this computer says of itself; None when none runs, or it has only just begun."""
    folder = folder_of(role)
    return read_state(folder) if is_held(folder) else None


def _polls(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(_POLL_SECONDS)


def main() -> int:
    """Runs the daemon that the command line names, with nothing on the terminal but why it cannot."""
    role = sys.argv[1]
    if len(sys.argv) > 2:
        os.environ["BITTRADER_HOME"] = sys.argv[2]
    if role not in ("head", "worker"):
        raise SystemExit(f"bittrader: a daemon is head or worker, not {role!r}")
    try:
        return run(role, foreground=False)  # type: ignore[arg-type]
    except BittraderError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"bittrader: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    # What it starts, and what asks for its exit code, are done with; a thread that waits for the network is not.
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as in a scheduled task without a window
            stream.flush()
    os._exit(code)
