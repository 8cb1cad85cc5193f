"""How long to wait before something that failed is tried again."""

from __future__ import annotations

FIRST_SECONDS = 1.0
MOST_SECONDS = 60.0
_SPREAD = 0.25


def delay(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; twice as long each time, up to a minute.

    `chance`, 0 to 1, spreads it by a quarter each way, so that a hundred nodes do not come back at the same moment.
    """
    if failures <= 0:
        return 0.0
    full = min(FIRST_SECONDS * 2.0 ** min(failures - 1, 16), MOST_SECONDS)
    return full * (1 - _SPREAD + 2 * _SPREAD * chance)
