"""Returns by calendar month and year, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Year:
    """A year's twelve monthly returns and its own; None where there were no bars, or no equity to grow."""

    year: int
    months: tuple[float | None, ...]
    total: float | None


def monthly_returns(time: NDArray[np.int64], equity: NDArray[np.float64]) -> tuple[Year, ...]:
    """The years from the first bar to the last; a bar belongs to the month in which it starts, equity begins at 1.

    Months compound to their year, and years to the total return.
    """
    month = time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(month)), len(month) - 1)
    ends = equity[last]
    starts = np.concatenate([[1.0], ends[:-1]])
    returns = {int(key): _growth(a, b) for key, a, b in zip(month[last], starts, ends, strict=True)}
    years = range(int(month[0]) // 12, int(month[-1]) // 12 + 1)
    return tuple(_year(1970 + year, [returns.get(12 * year + m) for m in range(12)]) for year in years)


def _growth(start: float, end: float) -> float | None:
    return end / start - 1.0 if start > 0 else None


def _year(year: int, months: list[float | None]) -> Year:
    known = [1.0 + value for value in months if value is not None]
    return Year(year, tuple(months), float(np.prod(known)) - 1.0 if known else None)
