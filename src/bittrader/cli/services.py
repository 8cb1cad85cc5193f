"""The service that an installation made of a node."""

import time

from bittrader.cli.asking import is_terminal
from bittrader.cluster import daemon
from bittrader.cluster.daemon_lock import DaemonRunningError, is_held
from bittrader.cluster.identity import Role, folder_of
from bittrader.errors import ClusterError
from bittrader.install.changes import Change
from bittrader.install.facts import owner_here, receipt_of
from bittrader.install.launchd import Agent
from bittrader.install.machine import Here
from bittrader.install.receipt import Receipt
from bittrader.install.systemd import Running
from bittrader.install.task import ScheduledTask

_UP_SECONDS = 30.0
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
