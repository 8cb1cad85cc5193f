"""The order of four price columns that no header names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

# As most files have it; as Bitfinex and KuCoin answer; as Coinbase answers.
_USUAL = (("open", "high", "low", "close"), ("open", "close", "high", "low"), ("low", "high", "open", "close"))
# Rows that may break the rule and leave it a rule: bad rows are for the checks to find.
_TOLERANCE = 0.005
_REASON = "high and low are the extremes, and opens follow closes"
_ASK = "Say what each column is: --columns time,open,high,low,close,volume."


def price_order(prices: list[Column], time: NDArray[np.int64]) -> tuple[tuple[str, ...], str]:
    """The names of the four columns, and the evidence for them. DataError when the prices do not show it.

    The high is never below, the low never above the others. Open and close are told apart by the bar before: an open is
    nearer to the last close than a close is to the last open.
    """
    rows = np.stack(prices)[:, np.argsort(time, kind="stable")]
    extremes = _extremes(rows)
    # A volume may be below all prices in every row, but no bar's low is usually half of its high.
    if not extremes or np.median(rows.max(axis=0)) > 2 * np.median(rows.min(axis=0)):
        raise DataError(f"its columns 2 to 5 are not open, high, low and close in any order. {_ASK}")
    orders = [order for order in _USUAL if (order.index("high"), order.index("low")) in extremes]
    if len(extremes) > 1:
        if len(orders) == 0 or not (rows == rows[0]).all():
            raise DataError(f"its columns 2 to 5 fit several orders of open, high, low and close. {_ASK}")
        return orders[0], "all four prices are the same in every row"
    order = orders[0] if orders else _in_order(*extremes[0])
    held = _continuity(rows[order.index("open")], rows[order.index("close")])
    swapped = _continuity(rows[order.index("close")], rows[order.index("open")])
    if orders and held <= swapped:
        return order, _REASON
    if min(held, swapped) * 1.5 > max(held, swapped) or len(time) < 20:
        raise DataError(f"its columns 2 to 5 do not show which is the open and which the close. {_ASK}")
    return (order if held < swapped else _swapped(order)), _REASON


def _extremes(rows: Column) -> list[tuple[int, int]]:
    """The pairs of columns that may be high and low."""
    allowed = _TOLERANCE * rows.shape[1]
    highs = [i for i in range(4) if (rows[i] < rows.max(axis=0)).sum() <= allowed]
    lows = [i for i in range(4) if (rows[i] > rows.min(axis=0)).sum() <= allowed]
    return [(high, low) for high in highs for low in lows if high != low]


def _in_order(high: int, low: int) -> tuple[str, ...]:
    names, rest = {high: "high", low: "low"}, iter(("open", "close"))
    return tuple(names[i] if i in names else next(rest) for i in range(4))


def _swapped(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({"open": "close", "close": "open"}.get(name, name) for name in order)


def _continuity(opens: Column, closes: Column) -> float:
    """How far opens are from the close before, relative to it."""
    return float(np.mean(np.abs(opens[1:] / closes[:-1] - 1))) if len(opens) > 1 else 0.0
