"""What a search on a cluster waits for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from bittrader.execution.node_record import NodeRecord


def waits_for(trouble: str, nodes: Collection[NodeRecord]) -> str:
    """What nothing can run without; empty when something can. `trouble`: why there is no link to the cluster."""
    if trouble:
        return trouble
    if not nodes:
        return "a node: none is connected"
    if any(node.usable for node in nodes):
        return ""
    here = [node for node in nodes if not node.silent]
    paused = [node for node in here if node.ready and node.refused is None]
    refused = [node for node in here if node.refused is not None]
    silent = [f"{node.name}: does not answer" for node in nodes if node.silent]
    if paused:
        every = "the node is paused" if len(nodes) == 1 else "no node has any for us"
        if any(node.due for node in paused):
            every = "it is the turn of another search"
        return f"cores: {every} ({'; '.join([*(f'{node.name}: {node.reason}' for node in paused), *silent])})"
    if refused and len(refused) == len(here):
        words = [*(f"{node.name}: {node.refused}" for node in refused), *silent]
        return f"a node that can evaluate this ({'; '.join(words)})"
    return "a node: they are getting ready" if here else "a node: none answers"
