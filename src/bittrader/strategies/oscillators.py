"""Oscillators: where a price stands, or how fast it moves, on a scale of its own."""

from __future__ import annotations

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, whole


def rsi(values: Series, length: int = 14) -> Series:
    """Wilder's relative strength index, 0 to 100, started with the mean of the first `length` changes; 50 when
    nothing has moved.
    """
    out = buffers.series(len(values))
    _rsi(as_series(values), whole("length", length), out)
    return out


@compiled
def _rsi(values: Series, length: int, out: Series) -> None:
    bars, first = len(values), 0
    while first < bars and np.isnan(values[first]):
        first += 1
    ready = first + length
    out[: min(ready, bars)] = np.nan
    if ready >= bars:
        return
    gain, loss = 0.0, 0.0
    for i in range(first + 1, ready + 1):
        change = values[i] - values[i - 1]
        gain += max(change, 0.0)
        loss += max(-change, 0.0)
    gain, loss = gain / length, loss / length
    last = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
    out[ready] = last
    # A bar without a change scales gain and loss alike: the index stays, and however long the market is closed, neither
    # sinks below what a float can hold. The next change makes up for the bars that were skipped.
    keep, still = (length - 1.0) / length, 0
    for i in range(ready + 1, bars):
        change = values[i] - values[i - 1]
        if change == 0.0:
            still += 1
            out[i] = last
            continue
        if still > 0:
            gain, loss, still = gain * keep**still, loss * keep**still, 0
        gain += (max(change, 0.0) - gain) / length
        loss += (max(-change, 0.0) - loss) / length
        last = 100.0 * gain / (gain + loss)
        out[i] = last
