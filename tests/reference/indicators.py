"""Indicators as their definitions read, one bar at a time; slow, and with nothing clever in them."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAN = math.nan


def sma(prices: Sequence[float], length: int) -> list[float]:
    """The mean of the prices as they are printed, rounded to a float once."""
    exact = [Fraction(repr(float(price))) for price in prices]
    return [
        float(sum(exact[bar - length + 1 : bar + 1]) / length) if bar >= length - 1 else NAN
        for bar in range(len(exact))
    ]


def sma_crosses(prices: Sequence[float], fast: int, slow: int) -> tuple[list[bool], list[bool]]:
    """Where the exact average of `fast` bars crosses above, and below, that of `slow`."""
    exact = [Fraction(repr(float(price))) for price in prices]
    longest = max(fast, slow)
    ends = range(longest, len(exact) + 1)
    above = [sum(exact[end - fast : end]) / fast - sum(exact[end - slow : end]) / slow for end in ends]
    early = [False] * min(longest, len(exact))
    up = early + [was <= 0 < now for was, now in pairwise(above)]
    return up, early + [was >= 0 > now for was, now in pairwise(above)]


def ema(prices: Sequence[float], length: int) -> list[float]:
    """Started with the mean of the first `length` prices; then each price counts 2 / (length + 1)."""
    out = [NAN] * len(prices)
    for bar in range(length - 1, len(prices)):
        if bar == length - 1:
            out[bar] = math.fsum(prices[:length]) / length
        else:
            out[bar] = (prices[bar] * 2 + out[bar - 1] * (length - 1)) / (length + 1)
    return out


def rsi(closes: Sequence[float], length: int) -> list[float]:
    """Wilder's: the averages of gains and losses start with the mean of the first `length` changes."""
    gains = [max(now - was, 0.0) for was, now in pairwise(closes)]
    losses = [max(was - now, 0.0) for was, now in pairwise(closes)]
    out = [NAN] * len(closes)
    gain = loss = 0.0
    for bar in range(length, len(closes)):
        if bar == length:
            gain, loss = math.fsum(gains[:length]) / length, math.fsum(losses[:length]) / length
        else:
            gain = (gain * (length - 1) + gains[bar - 1]) / length
            loss = (loss * (length - 1) + losses[bar - 1]) / length
        out[bar] = 100 * gain / (gain + loss) if gain + loss > 0 else 50.0
    return out


def atr(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], length: int) -> list[float]:
    """Wilder's: starts with the mean of the first `length` true ranges, of which the first bar has none."""
    ranges = [NAN]
    for bar in range(1, len(closes)):
        gap = closes[bar - 1]
        ranges.append(max(highs[bar] - lows[bar], abs(highs[bar] - gap), abs(lows[bar] - gap)))
    out = [NAN] * len(closes)
    for bar in range(length, len(closes)):
        if bar == length:
            out[bar] = math.fsum(ranges[1 : length + 1]) / length
        else:
            out[bar] = (out[bar - 1] * (length - 1) + ranges[bar]) / length
    return out


def higher(times: Sequence[int], step: int, period: int) -> list[int]:
    """For each bar, the start of the last period that is over at its close and was seen from its start; -1 for none."""
    out = []
    for bar, time in enumerate(times):
        starts = {start - start % period for start in times[: bar + 1]}
        over = [start for start in starts if start + period <= time + step and start >= times[0]]
        out.append(max(over, default=-1))
    return out
