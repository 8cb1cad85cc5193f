"""When bars begin, on UTC's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.arrays import Series

_HOUR, _DAY = 3_600_000, 86_400_000


def hour(time: NDArray[np.int64]) -> Series:
    """The hour of the day in which each bar begins, 0 to 23, from times in milliseconds."""
    return (time // _HOUR % 24).astype(np.float64)


def weekday(time: NDArray[np.int64]) -> Series:
    """The day of the week on which each bar begins, 0 (Monday) to 6; the first of January 1970 was a Thursday."""
    return ((time // _DAY + 3) % 7).astype(np.float64)
