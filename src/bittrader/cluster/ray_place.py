"""Where a Ray node is to take part, from this computer's addresses and, on a worker, from what the head said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.cluster.network import no_way_in_words, way
from bittrader.cluster.seen import Place
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.cluster.messages import Told
    from bittrader.cluster.settings import Network
    from bittrader.host.base import Address


def head_place(addresses: Sequence[Address], network: Network) -> tuple[Place | None, str]:
    """Where the head is, or why it is nowhere."""
    try:
        found = way(addresses, network)
    except ClusterError as error:
        return None, str(error)
    if found is None:
        return None, no_way_in_words(network)
    own = {one.ip for one in addresses if one.kind == "loopback"}
    other = next((one.ip for one in addresses if one.ip not in own), None)
    if other is not None and found.address in own:
        return None, f"Ray takes no loopback address beside another: set network.address to {other}, or to nothing"
    return Place(found.address, f"{found.address}:{network.ports.gcs}", found.encrypted), ""


def worker_place(addresses: Sequence[Address], network: Network, told: Told | None) -> tuple[Place | None, str]:
    """Where a worker is, or why it is nowhere.

    The address that the head sees is the one by which the network leads back, so it is the best of this computer's; the
    settings may name another.
    """
    if not any(one.kind != "loopback" for one in addresses) and not network.address:
        return None, no_way_in_words(network)
    if told is None:
        return None, "the head has not answered yet"
    if told.gcs is None or told.session is None:
        return None, "the head's Ray is not up"
    address = told.seen_at if told.seen_at in [one.ip for one in addresses] and not network.address else None
    if address is None:
        place, why = head_place(addresses, network)
        if place is None:
            return None, why
        address = place.address
    return Place(address, told.gcs, told.encrypted, told.session), ""
