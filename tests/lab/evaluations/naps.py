"""What the lab's searches evaluate: numbers that depend on nothing but the parameters, after a time that is given.

The lab puts a copy on its hosts with other times; a node that is named in TIMES takes its own.
"""

import math
import socket
import time

SECONDS = 0.05
TIMES: dict[str, float] = {}


def nap(x: float, y: float) -> dict[str, float]:
    """Waits, as a function does that asks somebody else."""
    time.sleep(TIMES.get(socket.gethostname(), SECONDS))
    return _numbers(x, y)


def toil(x: float, y: float) -> dict[str, float]:
    """Keeps a core busy with Python's own code; a process that stands still does not come nearer to the end."""
    until = time.process_time() + TIMES.get(socket.gethostname(), SECONDS)
    while time.process_time() < until:
        pass
    return _numbers(x, y)


def _numbers(x: float, y: float) -> dict[str, float]:
    return {"value": math.sin(x) * math.cos(3 * y) + x / 100, "other": x * y}
