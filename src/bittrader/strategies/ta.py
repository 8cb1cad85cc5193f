"""The door to TA-Lib, for the indicators whose values traders know from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bittrader.strategies.arrays import Series


def talib(function: str, *inputs: Series, **settings: float) -> Series:
    """The TA-Lib function of these inputs; NaN before it exists."""
    import talib as library  # noqa: PLC0415 - takes long to import, and most strategies do without

    if len(inputs[0]) == 0:
        return np.empty(0)
    columns = [np.ascontiguousarray(column, dtype=np.float64) for column in inputs]
    result: Series = getattr(library, function)(*columns, **settings)
    return result
