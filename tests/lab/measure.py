"""What was measured: one row an event, printed as one table, and kept as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FULL = os.environ.get("BITTRADER_LAB") == "full"
"""Whether the lab may take its time."""

_HEADS = ("event", "must hold", "figure", "held")


@dataclass(frozen=True)
class Row:
    """One event: what must hold, what was found, and whether it held."""

    event: str
    must_hold: str
    figure: str
    held: bool

    def cells(self) -> tuple[str, str, str, str]:
        return self.event, self.must_hold, self.figure, "yes" if self.held else "NO"


class Recorder:
    """Rows in the order in which they came."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def record(self, event: str, must_hold: str, figure: object, *, held: bool) -> bool:
        """Adds a row; returns `held`, so that a test can say `assert recorder.record(…)`."""
        self.rows.append(Row(event, must_hold, str(figure), bool(held)))
        return bool(held)

    def table(self) -> str:
        """All rows as one table of Markdown."""
        lines = [_HEADS, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
        head, *body = ("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join((head, rule, *body))

    def save(self, path: Path) -> None:
        """Writes all rows as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(row) for row in self.rows], indent=1, ensure_ascii=False) + "\n")
