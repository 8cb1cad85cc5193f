"""Where one series passes another, or moves: one flag a bar. A comparison with NaN is False."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import StrategyError
from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Flags, Series, as_series, whole

if TYPE_CHECKING:
    from collections.abc import Callable


def crossed_above(a: Series | float, b: Series | float) -> Flags:
    """Where `a` was at or below `b` on the bar before and is above it now; either may be a number."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _between(a, b)
    if isinstance(a, np.ndarray):
        return _through(_rise, a, float(b))
    if isinstance(b, np.ndarray):
        return _through(_fall, b, float(a))
    raise StrategyError("crossed_above and crossed_below compare a series with a series or a number.")


def crossed_below(a: Series | float, b: Series | float) -> Flags:
    """Where `a` was at or above `b` on the bar before and is below it now; either may be a number."""
    return crossed_above(b, a)


def crossed_out(values: Series, lower: float, upper: float) -> tuple[Flags, Flags]:
    """Where the series crosses below `lower`, and above `upper`, in one pass over it."""
    below, above = buffers.flags(len(values)), buffers.flags(len(values))
    _leave(as_series(values), float(lower), float(upper), below, above)
    return below, above


def rising(values: Series, length: int = 1) -> Flags:
    """Where each of the last `length` steps went up."""
    return _steps(values, length, 1.0)


def falling(values: Series, length: int = 1) -> Flags:
    """Where each of the last `length` steps went down."""
    return _steps(values, length, -1.0)


def _between(a: Series, b: Series) -> Flags:
    if a.shape != b.shape:
        raise StrategyError(f"series of {len(a)} and {len(b)} bars cannot cross.")
    out = buffers.flags(len(a))
    _cross(as_series(a), as_series(b), out)
    return out


def _through(kernel: Callable[[Series, float, Flags], None], values: Series, level: float) -> Flags:
    out = buffers.flags(len(values))
    kernel(as_series(values), level, out)
    return out


def _steps(values: Series, length: int, sign: float) -> Flags:
    out = buffers.flags(len(values))
    _run(as_series(values), whole("length", length), sign, out)
    return out


@compiled
def _cross(a: Series, b: Series, out: Flags) -> None:
    out[:1] = False
    was_a, was_b, is_a, is_b, crossed = a[:-1], b[:-1], a[1:], b[1:], out[1:]
    for i in range(len(crossed)):
        crossed[i] = (was_a[i] <= was_b[i]) & (is_a[i] > is_b[i])


@compiled
def _rise(values: Series, level: float, out: Flags) -> None:
    out[:1] = False
    was, now, crossed = values[:-1], values[1:], out[1:]
    for i in range(len(crossed)):
        crossed[i] = (was[i] <= level) & (now[i] > level)


@compiled
def _fall(values: Series, level: float, out: Flags) -> None:
    out[:1] = False
    was, now, crossed = values[:-1], values[1:], out[1:]
    for i in range(len(crossed)):
        crossed[i] = (was[i] >= level) & (now[i] < level)


@compiled
def _leave(values: Series, lower: float, upper: float, below: Flags, above: Flags) -> None:
    below[:1] = above[:1] = False
    was, now, fell, rose = values[:-1], values[1:], below[1:], above[1:]
    for i in range(len(now)):
        fell[i] = (was[i] >= lower) & (now[i] < lower)
        rose[i] = (was[i] <= upper) & (now[i] > upper)


@compiled
def _run(values: Series, length: int, sign: float, out: Flags) -> None:
    steps = 0
    out[:1] = False
    for i in range(1, len(values)):
        steps = steps + 1 if (values[i] - values[i - 1]) * sign > 0.0 else 0
        out[i] = steps >= length
