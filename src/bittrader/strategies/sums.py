"""Prefix sums of a series: one pass, and the simple average of every length is a difference of two entries.

Prices are decimals. As long as all of them, scaled to whole numbers, add up to less than 2**53, the sums are over
those whole numbers and hold no rounding at all: equal averages then compare equal, which decides trades, because a
crossing asks "was <=, is >". Other series get sums of twice the precision, from the first bar on that does not fit
(never from an earlier one: what a later bar holds must not change an earlier average, not even by its last bit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.jit import compiled
from bittrader.strategies import buffers
from bittrader.strategies.arrays import Flags, Series, as_series, whole
from bittrader.strategies.crossings import crossed_above, crossed_below

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLACES = 10
_CHUNK = 4096  # flags of this many bars stay in the first-level cache between two passes
_WINDOWS = 512  # and so do numbers of this many

# Two averages of whole sums a and b differ by at least 1 / (fast * slow). While a * slow and b * fast are below 2**51,
# that is more than the rounding of a quotient, so comparing products and comparing averages come to the same.
_PRODUCTS = 2.0**51


class Sums:
    """The prefix sums of one series."""

    def __init__(self, values: Series) -> None:
        self._values = as_series(values)
        self._whole = np.empty(len(values) + 1)
        self._scale, self._until = _decimals(self._values, self._whole)
        rest = len(values) + 1 if self._until < len(values) else 0
        self._high, self._low = np.empty(rest), np.empty(rest)
        self._broken = np.flatnonzero(~np.isfinite(self._values)) if rest else np.empty(0, np.int64)
        if rest:
            _add_up(self._values, self._high, self._low)
        self._largest = float(np.abs(self._values[: self._until]).max(initial=0.0)) * self._scale
        for column in (self._whole, self._high, self._low):
            column.flags.writeable = False

    @property
    def nbytes(self) -> int:
        """The bytes held."""
        return self._whole.nbytes + self._high.nbytes + self._low.nbytes + self._broken.nbytes

    @property
    def exact(self) -> bool:
        """Whether the whole series adds up without any rounding."""
        return self._until == len(self._values)

    def mean(self, length: int) -> Series:
        """The simple average of the last `length` values at each bar, rounded once."""
        length = whole("length", length)
        out = buffers.series(len(self._values))
        _exact_means(self._whole, length, length * self._scale, self._until, out)
        if not self.exact:
            _precise_means(self._high, self._low, self._broken, length, self._until, out)
        return out

    @property
    def parts(self) -> tuple[Series, Series, float, int]:
        """The values, their whole sums, the scale of these, and the bar up to which they hold."""
        return self._values, self._whole, self._scale, self._until

    def crosses(self, fast: int, slow: int) -> tuple[Flags, Flags]:
        """Where the average of `fast` values crosses above, and below, that of `slow`; without making either."""
        fast, slow = whole("fast", fast), whole("slow", slow)
        longest = max(fast, slow)
        if not self.exact or fast * slow * self._largest >= _PRODUCTS or longest >= len(self._values):
            quick, steady = self.mean(fast), self.mean(slow)
            return crossed_above(quick, steady), crossed_below(quick, steady)
        up, down = buffers.flags(len(self._values)), buffers.flags(len(self._values))
        _crosses(self._whole, fast, slow, up, down)
        return up, down


class Squares:
    """The prefix sums of a series' squares, beside its own: for the deviation of every length.

    Squares of whole numbers are added as pairs of floats, again without any rounding, so a variance is as exact as
    if taken over its window alone, and zero where nothing moves. Other bars are taken over their window alone.
    """

    def __init__(self, sums: Sums) -> None:
        self._sums = sums
        values, _, scale, until = sums.parts
        self._high, self._low = np.zeros(until + 1), np.zeros(until + 1)
        _add_squares(values, scale, self._high, self._low)
        self._high.flags.writeable = self._low.flags.writeable = False

    @property
    def nbytes(self) -> int:
        """The bytes held, those of the plain sums not counted."""
        return self._high.nbytes + self._low.nbytes

    def deviation(self, length: int) -> Series:
        """The standard deviation (of the population) of the last `length` values at each bar."""
        length = whole("length", length)
        values, sums, scale, until = self._sums.parts
        out = buffers.series(len(values))
        _exact_deviations(sums, self._high, self._low, length, length * scale, out[:until])
        if until < len(values):
            _window_deviations(values, as_series(self._sums.mean(length)), length, until, out)
        return out


def _decimals(values: Series, sums: Series) -> tuple[float, int]:
    """The scale at which most bars from the first on are whole and add up exactly, and how many bars those are."""
    best = (1.0, 0)
    for places in range(_PLACES + 1):
        scale = 10.0**places
        bars, fits = _count_up(values, scale)
        if bars > best[1]:
            best = (scale, bars)
        if fits:
            break
    _fill(values, best[0], best[1], sums)
    return best


@compiled
def _count_up(values: Series, scale: float) -> tuple[int, bool]:
    """How many bars from the first on are whole at this scale, their sum too; and whether more places are useless."""
    total = 0.0
    for i in range(len(values)):
        scaled = np.rint(values[i] * scale)
        # Decimals of up to 15 digits are told apart by float64, so `scaled / scale` is the price as it is printed.
        if scaled / scale != values[i] or abs(scaled) > 1e15:
            return i, False
        total += abs(scaled)
        if total >= 2.0**53:
            return i, True
    return len(values), True


@compiled
def _fill(values: Series, scale: float, bars: int, sums: Series) -> None:
    total = 0.0
    sums[0] = 0.0
    for i in range(bars):
        total += np.rint(values[i] * scale)
        sums[i + 1] = total
    for i in range(bars, len(values)):
        sums[i + 1] = 0.0


@compiled
def _add_up(values: Series, high: Series, low: Series) -> None:
    """Sums as pairs of floats (Knuth's two-sum); what is not a number counts as nothing."""
    big, small = 0.0, 0.0
    high[0], low[0] = 0.0, 0.0
    for i in range(len(values)):
        x = values[i] if np.isfinite(values[i]) else 0.0
        total = big + x
        part = total - big
        small += (big - (total - part)) + (x - part)
        big = total + small
        small -= big - total
        high[i + 1], low[i + 1] = big, small


@compiled
def _exact_means(sums: Series, length: int, divisor: float, until: int, out: Series) -> None:
    out[: min(length - 1, len(out))] = np.nan
    count = until - length + 1
    if count <= 0:
        out[:until] = np.nan
        return
    after, before, means = sums[length : length + count], sums[:count], out[length - 1 : length - 1 + count]
    for i in range(count):
        means[i] = (after[i] - before[i]) / divisor


@compiled
def _precise_means(high: Series, low: Series, broken: NDArray[np.int64], length: int, start: int, out: Series) -> None:
    """Averages from pairs of floats: the quotient's remainder is divided too (Dekker), so flat prices stay flat."""
    first, bars = max(start, length - 1), len(out)
    out[start : min(first, bars)] = np.nan
    count = bars - first
    if count <= 0:
        return
    high_after, high_before = high[first + 1 :], high[first + 1 - length : bars + 1 - length]
    low_after, low_before = low[first + 1 :], low[first + 1 - length : bars + 1 - length]
    means = out[first:]
    for i in range(count):
        a, b = high_after[i], high_before[i]
        total = a - b
        part = a - total
        rest = ((a - (total + part)) + (part - b)) + (low_after[i] - low_before[i])
        quotient = total / length
        split = 134217729.0 * quotient
        head = split - (split - quotient)
        product = quotient * length
        error = (head * length - product) + (quotient - head) * length
        means[i] = quotient + (((total - product) - error) + rest) / length
    done = start
    for bar in broken:
        end = min(bar + length, bars)
        if end > done:
            out[max(bar, done) : end] = np.nan
            done = end


@compiled
def _crosses(sums: Series, fast: int, slow: int, up: Flags, down: Flags) -> None:
    """Compares sum(fast) * slow with sum(slow) * fast, whole numbers both, a chunk at a time so that it vectorizes."""
    bars, first = len(up), max(fast, slow)
    quick, steady = float(slow), float(fast)
    above, below = np.empty(_CHUNK + 1, np.bool_), np.empty(_CHUNK + 1, np.bool_)
    up[:first] = False
    down[:first] = False
    a, b = (sums[first] - sums[first - fast]) * quick, (sums[first] - sums[first - slow]) * steady
    above[0], below[0] = a > b, a < b
    for start in range(first, bars, _CHUNK):
        size = min(_CHUNK, bars - start)
        now = sums[start + 1 : start + 1 + size]
        recent = sums[start + 1 - fast : start + 1 - fast + size]
        old = sums[start + 1 - slow : start + 1 - slow + size]
        is_above, is_below = above[1 : size + 1], below[1 : size + 1]
        for i in range(size):
            a, b = (now[i] - recent[i]) * quick, (now[i] - old[i]) * steady
            is_above[i] = a > b
            is_below[i] = a < b
        was_above, was_below = above[:size], below[:size]
        to_up, to_down = up[start : start + size], down[start : start + size]
        for i in range(size):
            to_up[i] = is_above[i] > was_above[i]
        for i in range(size):
            to_down[i] = is_below[i] > was_below[i]
        above[0], below[0] = above[size], below[size]


@compiled
def _product(a: float, b: float) -> tuple[float, float]:
    """The product, and what its rounding took away (Dekker)."""
    product = a * b
    split = 134217729.0 * a
    a_head = split - (split - a)
    a_tail = a - a_head
    split = 134217729.0 * b
    b_head = split - (split - b)
    b_tail = b - b_head
    return product, ((a_head * b_head - product) + a_head * b_tail + a_tail * b_head) + a_tail * b_tail


@compiled
def _add_squares(values: Series, scale: float, high: Series, low: Series) -> None:
    big, small = 0.0, 0.0
    for i in range(len(high) - 1):
        number = np.rint(values[i] * scale)
        square, rest = _product(number, number)
        total = big + square
        part = total - big
        small += (big - (total - part)) + (square - part) + rest
        big = total + small
        small -= big - total
        high[i + 1], low[i + 1] = big, small


@compiled
def _exact_deviations(sums: Series, high: Series, low: Series, length: int, divisor: float, out: Series) -> None:
    """The root of (length * sum of squares - square of sum), whole numbers both, over the divisor."""
    out[: min(length - 1, len(out))] = np.nan
    count, many = len(out) - length + 1, float(length)
    if count <= 0:
        return
    sum_after, sum_before = sums[length : length + count], sums[:count]
    high_after, high_before = high[length : length + count], high[:count]
    low_after, low_before = low[length : length + count], low[:count]
    deviations = out[length - 1 : length - 1 + count]
    for i in range(count):
        a, b = high_after[i], high_before[i]
        squares = a - b
        part = a - squares
        rest = ((a - (squares + part)) + (part - b)) + (low_after[i] - low_before[i])
        scaled, scaled_rest = _product(squares, many)
        total = sum_after[i] - sum_before[i]
        square, square_rest = _product(total, total)
        variance = (scaled - square) + ((scaled_rest - square_rest) + rest * many)
        deviations[i] = np.sqrt(max(variance, 0.0)) / divisor


@compiled
def _window_deviations(values: Series, means: Series, length: int, start: int, out: Series) -> None:
    bars = len(values)
    out[start : max(start, min(length - 1, bars))] = np.nan
    for first in range(max(start, length - 1), bars, _WINDOWS):
        last = min(first + _WINDOWS, bars)
        total = out[first:last]
        total[:] = 0.0
        for lag in range(length):
            _add_squared_distances(values[first - lag : last - lag], means[first:last], total)
        for i in range(len(total)):
            total[i] = np.sqrt(total[i] / length)


@compiled
def _add_squared_distances(window: Series, middle: Series, total: Series) -> None:
    for i in range(len(total)):
        total[i] += (window[i] - middle[i]) * (window[i] - middle[i])
