"""What is known of a whole cluster on any of its computers: the head has it in a file, the others ask the head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import identity
from bittrader.cluster.settings import read_settings
from bittrader.cluster.visit import Visitor
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.messages import Json

FILE = "cluster.json"


def whole_cluster(folder: Path) -> Json:
    """The head, every node and every study, as GET /status of the meeting point answers."""
    path = folder / FILE
    if path.exists():
        try:
            known: Json = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ClusterError(f"{path} cannot be read: {error}") from error
        return known
    who = identity(folder, "worker", read_settings(folder).node.shown_name)
    return Visitor(folder, who.node, facts_here()).status()
