"""What indicators take and give: one float64 a bar, NaN before there is a value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bittrader.errors import StrategyError
from bittrader.strategies import buffers

Series = NDArray[np.float64]
Flags = NDArray[np.bool_]


def as_series(values: ArrayLike) -> Series:
    """The values as contiguous float64 that cannot be written to.

    A compiled function is compiled anew for each kind of array it meets; like this it meets one.
    """
    column = np.ascontiguousarray(values, dtype=np.float64).view()
    if column.ndim != 1:
        raise StrategyError(f"an indicator takes one number a bar, not an array of shape {column.shape}.")
    column.flags.writeable = False
    return column


def whole(name: str, value: int, least: int = 1) -> int:
    """The value as an int; StrategyError when it is no whole number or below `least`."""
    if int(value) != value or value < least:
        raise StrategyError(f"an indicator's {name} must be a whole number from {least}, not {value!r}.")
    return int(value)


def previous(values: Series, bars: int = 1) -> Series:
    """The values of `bars` bars before; NaN on the first ones."""
    bars = whole("bars", bars, 0)
    out = buffers.series(len(values))
    out[:bars] = np.nan
    out[bars:] = values[: len(values) - bars] if bars < len(values) else np.nan
    return out


def ratio(above: Series, below: Series, otherwise: float) -> Series:
    """`above / below`, and `otherwise` where `below` is 0."""
    out = np.full(len(above), otherwise)
    np.divide(above, below, out=out, where=(below != 0.0) | np.isnan(above))
    return out


def change(values: Series, bars: int = 1) -> Series:
    """The values less those of `bars` bars before; NaN on the first ones."""
    before = previous(values, bars)
    return np.subtract(values, before, out=before)
