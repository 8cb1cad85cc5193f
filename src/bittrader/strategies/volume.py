"""Indicators that look at how much was traded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Series, as_series, change, ratio, whole
from bittrader.strategies.averages import sma, vwma
from bittrader.strategies.ta import talib

if TYPE_CHECKING:
    from numpy.typing import NDArray


def obv(close: Series, volume: Series) -> Series:
    """On-balance volume: what was traded on rising closes less what was traded on falling ones (Granville; TA-Lib)."""
    return talib("OBV", close, volume)


def ad(high: Series, low: Series, close: Series, volume: Series) -> Series:
    """Chaikin's accumulation/distribution line (TA-Lib)."""
    return talib("AD", high, low, close, volume)


def adosc(high: Series, low: Series, close: Series, volume: Series, fast: int = 3, slow: int = 10) -> Series:
    """Chaikin's oscillator: a fast exponential average of the accumulation line less a slow one (TA-Lib)."""
    periods = {"fastperiod": whole("fast", fast, 2), "slowperiod": whole("slow", slow, 2)}
    return talib("ADOSC", high, low, close, volume, **periods)


def cmf(high: Series, low: Series, close: Series, volume: Series, length: int = 20) -> Series:
    """Chaikin's money flow: where in their ranges bars close, weighed by volume, -1 to 1; 0 when nothing was traded."""
    place = ratio((close - low) - (high - close), high - low, 0.0)
    return ratio(sma(place * volume, length), sma(volume, length), 0.0)


def mfi(high: Series, low: Series, close: Series, volume: Series, length: int = 14) -> Series:
    """Money flow index: a relative strength index of typical price times volume, 0 to 100; 50 when nothing flowed
    (Quong and Soudack 1989).
    """
    typical = (high + low + close) / 3.0
    step, flow = change(typical), typical * volume
    into = sma(np.where(np.isnan(step), np.nan, np.where(step > 0.0, flow, 0.0)), length)
    out_of = sma(np.where(np.isnan(step), np.nan, np.where(step < 0.0, flow, 0.0)), length)
    return 100.0 * ratio(into, into + out_of, 0.5)


def vwap(high: Series, low: Series, close: Series, volume: Series, length: int = 20) -> Series:
    """Volume-weighted average of the last `length` typical prices; NaN when nothing was traded."""
    return vwma((high + low + close) / 3.0, volume, length)


def session_vwap(
    time: NDArray[np.int64], high: Series, low: Series, close: Series, volume: Series, hours: float = 24.0
) -> Series:
    """Volume-weighted average typical price since the session began, on UTC's grid of `hours` (24: since midnight)."""
    out = buffers.series(len(close))
    session = as_series(time // round(hours * 3_600_000))
    _session_vwap(session, as_series((high + low + close) / 3.0), as_series(volume), out)
    return out


@compiled
def _session_vwap(session: Series, typical: Series, volume: Series, out: Series) -> None:
    start, paid, traded = 0.0, 0.0, 0.0
    for i in range(len(typical)):
        if i == 0 or session[i] != session[i - 1]:
            start, paid, traded = typical[i], 0.0, 0.0
        paid += (typical[i] - start) * volume[i]  # from the session's first price, so that flat prices stay flat
        traded += volume[i]
        out[i] = start + paid / traded if traded > 0.0 else np.nan
