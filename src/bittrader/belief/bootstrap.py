"""Histories that could have been: returns drawn again in blocks, so that what hangs together stays together.

The stationary bootstrap: Politis and Romano (1994). Blocks begin anywhere, wrap around at the end, and last a random
number of periods.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Returns = NDArray[np.float64]

# So many small correlations in a row end the search for large ones: max(5, log10 n) is 5 for all that fits in memory.
_IN_A_ROW = 5


def draws(rng: np.random.Generator, resamples: int, periods: int, block: float) -> NDArray[np.int64]:
    """The period at each place of each resample, shape (resamples, periods); blocks last `block` on average."""
    begins = rng.random((resamples, periods)) < 1.0 / max(1.0, block)
    begins[:, 0] = True
    places = np.arange(periods)
    since = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    first = rng.integers(periods, size=(resamples, periods))
    return (np.take_along_axis(first, since, axis=1) + places - since) % periods


def counts(drawn: NDArray[np.int64]) -> Returns:
    """How often each resample holds each period: with it, the sums of all columns are one matrix product."""
    resamples, periods = drawn.shape
    flat = (drawn + np.arange(resamples)[:, None] * periods).ravel()
    return np.bincount(flat, minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


def block_length(series: Returns) -> float:
    """The average block, in periods, that estimates the variance of this series' mean best; at least 1.

    Politis and White, Automatic Block-Length Selection for the Dependent Bootstrap (2004), with the correction of
    Patton, Politis and White (2009).
    """
    count = len(series)
    centred = series - series.mean()
    if count < 8 or not centred.any():
        return 1.0
    most = math.ceil(math.sqrt(count)) + _IN_A_ROW
    products = [float(centred[lag:] @ centred[: count - lag]) for lag in range(min(most, count - 2) + 1)]
    covariances = np.array(products) / count
    reach = min(2 * max(_last_correlated(centred, products), 1), len(products) - 1)
    at = np.arange(1, reach + 1)
    weights = np.clip(2.0 * (1.0 - at / reach), 0.0, 1.0)  # the flat-top window
    long_run = covariances[0] + 2.0 * float(weights @ covariances[1 : reach + 1])
    slope = 2.0 * float((weights * at) @ covariances[1 : reach + 1])
    if long_run == 0.0:
        return 1.0
    length = (slope**2 / long_run**2 * count) ** (1.0 / 3.0)
    return float(np.clip(length, 1.0, math.ceil(min(3.0 * math.sqrt(count), count / 3.0))))


def _last_correlated(centred: Returns, products: list[float]) -> int:
    """The first lag of a row of correlations that are as small as chance makes them; the last lag where none is."""
    count = len(centred)
    small = 2.0 * math.sqrt(math.log10(count) / count)
    in_a_row = 0
    for lag, product in enumerate(products):
        ends = (centred[lag + 1 :], centred[: count - lag - 1])
        size = math.sqrt(float(ends[0] @ ends[0]) * float(ends[1] @ ends[1]))
        in_a_row = in_a_row + 1 if abs(product) < small * size else 0
        if in_a_row == _IN_A_ROW and lag + 1 < len(products):
            return lag + 1 - in_a_row
    return len(products) - 1
