"""How numbers read in a reason."""

from __future__ import annotations

import math

_DAY_SECONDS = 86_400


def of(cores: int, total: int) -> str:
    """So many of so many cores."""
    if cores == 0:
        return f"none of {total} {'core' if total == 1 else 'cores'}"
    if cores == total:
        return f"all {total} cores" if total > 1 else "the only core"
    return f"{cores} of {total} cores"


def percent(share: float) -> str:
    """A share, never rounded up: 39.9 % is below 40 %."""
    return f"{math.floor(share * 100 + 1e-9)} %"


def span(seconds: float) -> str:
    """A length of time."""
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def until(end: float | None, unix: float, hour: float) -> str:
    """Until when a pause lasts, as a time of the owner's day, at a Unix time and an hour of that day."""
    if end is None or end == math.inf:
        return "until you resume"
    left = end - unix
    if left >= _DAY_SECONDS:
        days = math.floor(left / _DAY_SECONDS)
        return f"for {days} more {'day' if days == 1 else 'days'}"
    minutes = round(hour * 60 + left / 60) % (24 * 60)
    return f"until {minutes // 60:02}:{minutes % 60:02}"
