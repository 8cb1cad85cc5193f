"""How a node looks from outside, by what it remembers and sees: to its owner, and to whoever would join its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.cluster.messages import Hosting
from bittrader.cluster.network import way
from bittrader.cluster.policy import Cause
from bittrader.cluster.supervisor import HEARD_SECONDS
from bittrader.errors import ClusterError
from bittrader.notify.watch import View

if TYPE_CHECKING:
    from bittrader.cluster.seen import Seen
    from bittrader.cluster.settings import Network
    from bittrader.cluster.supervisor import Memory, Role
    from bittrader.host.base import Address


def view(role: Role, name: str, memory: Memory, seen: Seen) -> View:
    """A node as its owner may care for it."""
    heard, allowance, now = seen.heard, memory.allowance, seen.clocks.monotonic
    is_heard = heard is not None and heard.alive and now - heard.asked <= HEARD_SECONDS
    is_up = memory.phase == "up" and memory.known and memory.lost_since is None
    silent = "the head does not answer" if memory.phase == "up" and not is_heard else f"Ray is {memory.phase}"
    return View(
        monotonic=now,
        unix=seen.clocks.wall,
        head=role == "head",
        name=name,
        where=memory.place.gcs if memory.place else "",
        at_work=is_up and is_heard,
        why=memory.waiting or silent,
        ending=seen.ending or seen.wishes.run != "yes",
        cores=allowance.cores if allowance else 0,
        reason=allowance.reason if allowance else "",
        by_owner=allowance is None or allowance.cause in (Cause.PAUSED, Cause.OVERRIDE),
    )


def hosting(memory: Memory, seen: Seen, addresses: tuple[Address, ...], network: Network) -> Hosting:
    """What a head says of its cluster; without a session while its Ray is not up. `addresses` are this computer's."""
    place, session = memory.place, memory.session
    met = _met_at(addresses, network, seen)
    if memory.phase != "up" or place is None or session is None:
        return Hosting(None, None, frozenset(), met, seen.place is not None and seen.place.encrypted)
    return Hosting(session, place.gcs, frozenset(), met, place.encrypted)


def _met_at(addresses: tuple[Address, ...], network: Network, seen: Seen) -> tuple[str, ...]:
    """Where a head can be met."""
    try:
        found = way(addresses, network)
    except ClusterError:
        found = None
    if found is not None:
        return found.addresses
    return (seen.place.address,) if seen.place else ()
