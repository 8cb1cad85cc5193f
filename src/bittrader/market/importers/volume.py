"""The base volume, where a file has it beside the quote volume and may have mixed them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import DataError
from bittrader.market.table import utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

# Prices this near to 1 cannot tell a value from an amount.
_NO_EVIDENCE = np.log(1.5)
# Quote volume / base volume is the bar's mean price; in half of the rows it must be this near to the close.
_NEAR = np.log(1.25)


def base_volume(
    columns: dict[str, Column], time: NDArray[np.int64], close: Column, claimed: str | None
) -> tuple[Column, list[str]]:
    """The volume in base units from two columns, decided in each row by the price: quote / base is about the close.

    `claimed` is the column whose name says that it is the base volume; it counts where nothing was traded, and where
    the price is about 1. DataError when the prices do not show which column is which.
    """
    (first, a), (second, b) = columns.items()
    with np.errstate(divide="ignore", invalid="ignore"):
        off_first = np.abs(np.log(b / a) - np.log(close))
        off_second = np.abs(np.log(a / b) - np.log(close))
    known = np.isfinite(off_first) & np.isfinite(off_second) & (np.abs(np.log(close)) > _NO_EVIDENCE)
    nearest = np.minimum(off_first, off_second)[known]
    if np.median(nearest) > _NEAR if len(nearest) else claimed is None:
        raise DataError(
            f"{first!r} and {second!r} may both be the volume, and their ratio is not the price. "
            "Say which: --columns time,open,high,low,close,volume (- leaves one out)."
        )
    is_first = off_first < off_second
    expected = bool(2 * is_first[known].sum() >= known.sum()) if claimed is None else claimed == first
    is_first[~known] = expected
    base, quote = (first, second) if expected else (second, first)
    reason = "their ratio is the price" if known.any() else "so they are called"
    notes = [f"{base!r} is the volume in base units, {quote!r} its value: {reason}"]
    swapped = is_first != expected
    if swapped.any():
        notes.append(
            f"but they are swapped in {swapped.sum():,} rows, put right here: {_ranges(time[known], swapped[known])}"
        )
    return np.where(is_first, a, b), notes


def _ranges(time: NDArray[np.int64], flags: NDArray[np.bool_]) -> str:
    """The first few stretches of time that are flagged, in words."""
    order = np.argsort(time, kind="stable")
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags[order], [False]]).astype(np.int8)))
    starts, ends = time[order][edges[::2]], time[order][edges[1::2] - 1]
    words = [f"{utc(start)} to {utc(end)}" for start, end in zip(starts[:3], ends[:3], strict=True)]
    return ", ".join(words) + (f" and {len(starts) - 3:,} more" if len(starts) > 3 else "")
