"""What is known of a whole cluster on any of its computers: the head has it in a file, the others ask the head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import require_identity
from bittrader.cluster.visit import Visitor
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.messages import Json

FILE = "cluster.json"


def whole_cluster(folder: Path) -> Json:
    """The head, every node and every study, as GET /status of the meeting point answers.

    ClusterError where the folder is no node's, or its head cannot be asked.
    """
    path = folder / FILE
    if path.exists():
        try:
            known: Json = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ClusterError(f"{path} cannot be read: {error}") from error
        return known
    return Visitor(folder, require_identity(folder, "worker").node, facts_here()).status()
