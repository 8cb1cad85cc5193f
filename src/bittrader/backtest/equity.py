"""Equity at each close, from the positions that a run took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.kernel import AFTER, CASH, ENTRY, EXIT, OPEN, SIDE, SIZE, WHY
from bittrader.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.inputs import Market, Where

    Column = NDArray[np.float64]


@compiled
def equity(market: Market, where: Where, funding: Column, records: Column, cash: float) -> Column:
    """Equity at each close of the spans' bars, from a run's `records` (see `kernel.run`) and the cash before them."""
    out = np.empty(where.bars)
    at = kept = 0
    for span in range(len(where.starts)):
        flat_from, end = where.starts[span], where.stops[span]
        while kept < len(records) and records[kept, ENTRY] < end:
            entry = int(records[kept, ENTRY])
            left = end if records[kept, WHY] == 0.0 else int(records[kept, EXIT])
            out[at : at + entry - flat_from] = cash
            at += entry - flat_from
            held, owned = records[kept, CASH], records[kept, SIDE] * records[kept, SIZE]
            for bar in range(entry, left):
                if len(funding) > 0 and bar > entry:
                    held -= owned * market.bars[bar, OPEN] * funding[bar]
                out[at] = held + owned * market.close[bar]
                at += 1
            cash = out[at - 1] if records[kept, WHY] == 0.0 else records[kept, AFTER]
            flat_from = left
            kept += 1
        out[at : at + end - flat_from] = cash
        at += end - flat_from
    return out
