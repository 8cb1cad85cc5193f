"""Which parameter sets of a study were asked before."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bittrader.strategies.parameters import Rows


def keys(rows: Rows) -> list[int]:
    """A whole number for each row that is the same for the same values."""
    clean = np.ascontiguousarray(rows + 0.0, dtype="<f8")  # -0.0 is 0.0
    return [int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), signed=True) for row in clean]


def twins(
    connection: sqlite3.Connection, columns: Sequence[str], fold: int, first: int, hashed: list[int], rows: Rows
) -> list[int | None]:
    """For each row, with its key, the number of the earlier trial of the fold with the same values, if any.

    The rows are to become the trials `first`, `first` + 1, …
    """
    values = "".join(f", t.{name}" for name in columns)
    found = connection.execute(
        f"SELECT t.key, MIN(t.number){values} FROM json_each(?) AS asked"  # noqa: S608 - quoted columns
        " JOIN trials AS t ON t.key = asked.value AND t.fold = ? GROUP BY t.key",
        (json.dumps(hashed), fold),
    )
    known = {key: (number, row) for key, number, *row in found}
    twins: list[int | None] = []
    for index, (key, row) in enumerate(zip(hashed, rows.tolist(), strict=True)):
        number, same = known.setdefault(key, (first + index, row))
        twins.append(number if number != first + index and same == row else None)
    return twins
