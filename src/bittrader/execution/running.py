"""What a driver says of the search that it runs on the cluster: a small file for the daemon of its computer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bittrader.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.execution.base import Far
    from bittrader.execution.dispatch import Dispatch, Redone
    from bittrader.execution.node_record import NodeRecord


@dataclass(frozen=True)
class RunningNode:
    """A node, as this driver sees it."""

    name: str
    slots: int
    busy: int
    """Cores that work for it now."""
    suspended: int
    """Evaluations that stand still until there is a core for them again."""
    rows_per_second: float
    round_trip: float
    """Seconds from sending a batch to its answer, beyond what the batch itself takes."""
    late: int
    """Batches it runs that should have been answered by now."""
    silent: bool
    refused: str | None
    reason: str
    """Why it has so many slots."""

    @classmethod
    def of(cls, node: NodeRecord, now: float) -> RunningNode:
        speed, trip = round(node.rows_per_second, 1), round(node.round_trip, 4)
        told = (node.late(now), node.silent, node.refused, node.reason)
        return cls(node.name, node.slots, node.busy, node.suspended, speed, trip, *told)


@dataclass(frozen=True)
class Running:
    """A search, now. Times are in Unix seconds."""

    study: str
    began: float
    far: Far | None
    """Of the whole search; None before that is told."""
    waits_for: str
    nodes: dict[str, RunningNode]
    redone: list[dict[str, object]]
    """The last batches that were given to a second node: at, rows, from, to, why."""
    alarms: list[str]

    @classmethod
    def of(
        cls,
        dispatch: Dispatch,
        study: str,
        began: float,
        far: Far | None,
        waits_for: str,
        now: float,
        since: float,
    ) -> Running:
        """`since`: what makes the dispatch's clock, which shows `now`, the time in Unix seconds."""
        return cls(
            study,
            began,
            far,
            waits_for,
            {name: RunningNode.of(node, now) for name, node in dispatch.nodes.items()},
            [_words(one, since) for one in dispatch.redone],
            [str(alarm) for alarm in dispatch.alarms],
        )


def _words(redone: Redone, since: float) -> dict[str, object]:
    facts = {"at": round(redone.at + since, 3), "rows": redone.rows}
    return {**facts, "from": redone.source, "to": redone.target, "why": redone.why}


def write_running(path: Path, running: Running) -> None:
    """Says it to whoever looks. OSError when the file cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(asdict(running)), lasting=False)
