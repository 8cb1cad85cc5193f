"""The role of this computer: it is a head, or a worker that has joined a cluster, or nothing yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.cluster.daemon_lock import is_held
from bittrader.cluster.identity import folder_of, other_role, read_identity
from bittrader.cluster.settings import Ports, read_settings
from bittrader.cluster.visit import NotJoinedError, read_contact
from bittrader.errors import BittraderError, ClusterError, InputError

if TYPE_CHECKING:
    from bittrader.cluster.identity import Role


def has_joined() -> bool:
    """Whether this computer knows a head to work for."""
    try:
        read_contact(folder_of("worker"))
    except ClusterError:
        return False
    return True


def has_role(role: Role) -> bool:
    """Whether this computer is a head, or a worker that has joined a cluster, installed or not."""
    try:
        if role == "worker":
            read_contact(folder_of(role))
            return True
        return read_identity(folder_of(role)) is not None
    except NotJoinedError:
        return False
    except ClusterError:  # a damaged one is one all the same
        return True


def wants_same_ports(role: Role) -> bool:
    """Whether a node of this computer in its other role would want the ports of one in this role."""
    mine, theirs = _ports(role), _ports(other_role(role))
    return bool({mine.node_manager, mine.object_manager} & {theirs.node_manager, theirs.object_manager})


def _ports(role: Role) -> Ports:
    try:
        return read_settings(folder_of(role)).network.ports
    except BittraderError:  # whoever reads its file for its own sake is told
        return Ports()


def require_no_second_role(role: Role) -> None:
    """InputError where this computer, to be a head or worker now, has the other role already and both want its ports.

    One that has both from before may be either, but not both at once.
    """
    other = other_role(role)
    if not wants_same_ports(role):
        return
    if has_role(other) and not has_role(role):
        raise second_role(role)
    if is_held(folder_of(other)):
        raise InputError(f"this computer's {other} is running, and both need the same ports: bittrader {other} stop")


def second_role(role: Role) -> InputError:
    """That a computer of the other role already is not to have this one, too, and what to do."""
    other = other_role(role)
    return InputError(
        f"this computer is a {other} already, and one computer has one role: a head works as well, and needs no "
        f"worker beside it. To make it a {role} instead, first remove the {other}: bittrader {other} uninstall"
    )
