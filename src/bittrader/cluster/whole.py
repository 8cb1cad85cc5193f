"""What is known of a whole cluster on any of its computers: the head has it in a file, the others ask the head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import require_identity
from bittrader.cluster.visit import Visitor
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.messages import Json


def whole_cluster(folder: Path) -> Json:
    """The head, every node and every study, as GET /status of the meeting point answers.

    ClusterError where the folder is no node's, or nobody can be asked.
    """
    who = require_identity(folder, "worker")
    return _written(folder / paths.CLUSTER) if who.role == "head" else Visitor(folder, who.node, facts_here()).status()


def _written(path: Path) -> Json:
    try:
        known: Json = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClusterError("the head has only just begun: look again in a moment") from None
    except (OSError, ValueError) as error:
        raise ClusterError(f"{path} cannot be read: {error}") from error
    return known
