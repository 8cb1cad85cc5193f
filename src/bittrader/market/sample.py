"""A made-up market for trying things out and measuring speed: moves much like Bitcoin's, and says that it is not.

Volatility follows a Markov-switching multifractal (Calvet and Fisher, 2004): a product of factors, each renewed at
random times of its own scale, from hours to years. That gives the fat tails and the long memory of real returns.

The same seed gives the same bits on every platform: there is no exp, log or normal draw in here, only uniform numbers
and operations that IEEE 754 rounds in one way.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import InputError
from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

SYMBOL = "SYNTHETIC-BTC"
BARS = 297_000

_END = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
_LONGEST = 5_000_000
_LONGEST_BAR = 604_800_000
_FIRST_PRICE = 20_000.0
_ANNUAL_VOLATILITY = 0.75
# Each volatility factor is one of these two, which average to 1, and lasts so many hours on average.
_CALM, _WILD = 0.45, 1.55
_SCALES_HOURS = (3, 12, 48, 192, 768, 3072, 12288)
# Drift, per year, lasts a block of bars; it turns back what leaves the usual prices.
_BLOCK = 1_000
_BULL, _BEAR = 1.3, -0.6
_USUAL = (4_000.0, 90_000.0)
# Each bar is a walk of so many steps, each the sum of three uniform numbers.
_STEPS = 8


def synthetic(bars: int = BARS, seed: int = 1, timeframe: str | Timeframe = "1h") -> Candles:
    """A seeded series of a market that never was, without gaps, ending in 2024; prices are whole cents.

    InputError when `bars` or `seed` is out of range.
    """
    if not 1 <= bars <= _LONGEST or seed < 0:
        raise InputError(f"bars must be between 1 and {_LONGEST:,}, and the seed must not be negative.")
    bar = Timeframe.parse(timeframe) if isinstance(timeframe, str) else timeframe
    if bar.milliseconds > _LONGEST_BAR or bars * bar.milliseconds > _END:
        raise InputError(f"{bars:,} bars of {bar} begin before 1970, or are too long. Take fewer, or shorter ones.")
    rng = np.random.Generator(np.random.PCG64(seed))
    wildness = np.sqrt(_variance(rng, bars, bar))
    deviation = _ANNUAL_VOLATILITY / np.sqrt(bar.bars_per_year) * wildness
    walk = np.concatenate(_walks(rng, deviation, bar))
    first, last, low, high = walk[:, 0], walk[:, -1], walk.min(axis=1), walk.max(axis=1)
    return Candles(
        symbol=SYMBOL,
        timeframe=bar,
        time=_END - bar.milliseconds * np.arange(bars, 0, -1, dtype=np.int64),
        open=first,
        high=high,
        low=low,
        close=last,
        volume=_volume(rng, wildness, (high - low) / (last * deviation), bar),
        synthetic=True,
    )


def _variance(rng: np.random.Generator, bars: int, bar: Timeframe) -> Column:
    """Each bar's variance as a multiple of the usual one."""
    variance = np.ones(bars)
    hours = bar.milliseconds / 3_600_000
    for scale in _SCALES_HOURS:
        renewed = rng.random(bars) < hours / scale
        renewed[0] = True
        since = np.maximum.accumulate(np.where(renewed, np.arange(bars), 0))
        variance *= np.where(rng.random(bars) < 0.5, _CALM, _WILD)[since]
    return variance


def _walks(rng: np.random.Generator, deviation: Column, bar: Timeframe) -> list[Column]:
    """The prices inside each bar, its open first, shape (bars, steps + 1), block by block."""
    price, walks = _FIRST_PRICE, []
    for start in range(0, len(deviation), _BLOCK):
        scale = deviation[start : start + _BLOCK]
        up = rng.random() < 0.5 if _USUAL[0] < price < _USUAL[1] else price <= _USUAL[0]
        drift = (_BULL if up else _BEAR) / bar.bars_per_year / _STEPS
        draws = rng.random((3, len(scale), _STEPS))
        # The sum of three uniform numbers has variance 1/4.
        shocks = (draws[0] + draws[1] + draws[2] - 1.5) * 2 * (scale / np.sqrt(_STEPS))[:, None]
        factors = 1.0 + (shocks + drift)
        path = np.round(price * np.cumprod(factors.ravel()), 2).reshape(factors.shape)
        opens = np.concatenate([[price], path[:-1, -1]])
        walks.append(np.column_stack([opens, path]))
        price = float(path[-1, -1])
    return walks


def _volume(rng: np.random.Generator, wildness: Column, swing: Column, bar: Timeframe) -> Column:
    """Base units traded: more in wild times and in bars that move."""
    usual = 1_000.0 * bar.milliseconds / 3_600_000
    noise = 0.4 + 1.2 * rng.random(len(swing)) * rng.random(len(swing))
    return np.round(usual * wildness * (0.3 + swing) * noise, 5)
