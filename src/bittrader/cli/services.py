"""The service that an installation made of a node."""

import time
from collections.abc import Iterable, Iterator

from rich.markup import escape

from bittrader.cli.asking import is_terminal, say
from bittrader.cluster import daemon
from bittrader.cluster.daemon_lock import DaemonRunningError, is_held
from bittrader.cluster.identity import Role, folder_of
from bittrader.cluster.node_state import NodeState
from bittrader.errors import ClusterError
from bittrader.install.changes import Change
from bittrader.install.facts import owner_here, receipt_of
from bittrader.install.launchd import Agent
from bittrader.install.machine import Here
from bittrader.install.receipt import Receipt
from bittrader.install.systemd import Running
from bittrader.install.task import ScheduledTask

_UP_SECONDS = 30.0
_START_SECONDS = 5.0
"""So long a node may take until it starts its Ray: it lets its address settle, and asks its head."""
_POLL_SECONDS = 0.2


def start_service(role: Role) -> bool:
    """Starts the service of a node that was installed; whether there is one."""
    owner = owner_here()
    machine = Here(owner, "asks" if is_terminal() else "silent")
    services = services_of(receipt_of(role, machine, owner))
    if services and is_held(folder_of(role)):
        raise DaemonRunningError(f"a daemon is running already in {folder_of(role)}")
    for one in services:
        one.apply(machine)
    if services and not wait_until_up(role):
        raise ClusterError(f"the {role} has not begun yet: look at `bittrader {role} logs`")
    return bool(services)


def services_of(receipt: Receipt) -> list[Change]:
    """The changes of an installation that keep its daemon running."""
    return [one.change for one in receipt.entries if isinstance(one.change, Running | Agent | ScheduledTask)]


def wait_until_up(role: Role) -> bool:
    """Whether the daemon says something within some seconds."""
    end = time.monotonic() + _UP_SECONDS
    while time.monotonic() < end:
        if daemon.running(role) is not None:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def say_it_runs(role: Role, how: str) -> None:
    """Says that the daemon runs, and why it can do nothing yet where something is in its way."""
    say(f"The {role} runs {how}. See how it is: bittrader {role} status")
    if why := obstacle(_states(role), time.time()):
        lacks = "Nobody can join it yet" if role == "head" else "It takes no part in the cluster yet"
        say(f"{lacks}: {escape(why)}")


def obstacle(states: Iterable[NodeState | None], began: float) -> str:
    """Why a node that began at a moment does not start its Ray, by what it says of itself; empty if nothing is."""
    why = ""
    for state in states:
        if state is not None and state.at >= began:  # not what an earlier daemon said last
            if state.phase != "down":
                return ""
            why = state.waiting
    return why


def _states(role: Role) -> Iterator[NodeState | None]:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        yield daemon.running(role)
        time.sleep(_POLL_SECONDS)
