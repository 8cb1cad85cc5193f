"""The process that asks a head's Ray, once a second, which nodes it counts as alive: `python -m … ADDRESS`.

It alone imports Ray and may hang as Ray pleases. Each answer is a line of JSON on its standard output, with the time of
the question: {"asked": monotonic seconds, "session": text, "alive": [node, …]}, or {"asked": …, "error": text}. It ends
when its standard input does, so it cannot outlive the daemon that started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled
from ray.core.generated.gcs_pb2 import GcsNodeInfo  # type: ignore[attr-defined]  # generated

from bittrader.errors import cause_of
from bittrader.execution.ray_names import NODE_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0


def asker(address: str) -> Callable[[], dict[str, Any]]:
    """A function that asks; it connects when it first can."""
    client = None

    def ask() -> dict[str, Any]:
        nonlocal client
        client = client or GcsClient(address=address)
        found = client.get_all_node_info(timeout=_PATIENCE_SECONDS, state_filter=GcsNodeInfo.GcsNodeState.ALIVE)
        return {
            "session": client.cluster_id.hex(),
            "alive": sorted({one.labels.get(NODE_LABEL, "") for one in found.values()} - {""}),
        }

    return ask


def report(ask: Callable[[], dict[str, Any]], say: Callable[[str], None]) -> None:
    """Asks and says, for ever."""
    while True:
        asked = time.monotonic()
        try:
            answer = ask()
        except Exception as error:  # noqa: BLE001 - whatever Ray raises while there is no Ray, the next second may be better
            answer = {"error": cause_of(error)[:200]}
        say(json.dumps({"asked": asked, **answer}))
        time.sleep(max(0.0, asked + PERIOD_SECONDS - time.monotonic()))


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # Ray's threads would keep the process


def main() -> None:
    """Runs until its input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    report(asker(sys.argv[1]), lambda line: print(line, flush=True))  # noqa: T201 - this is the output


if __name__ == "__main__":
    main()
