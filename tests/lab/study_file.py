"""A study's file, read from outside while a search writes it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Columns that say how an evaluation went, not what it gave.
_FACTS = {"number", "fold", "generation", "state", "cause", "same_as", "key", "violation", "seconds", "node", "ended"}


@dataclass(frozen=True)
class Trial:
    """One evaluation as the study has it."""

    number: int
    state: str
    node: str
    ended: float
    cause: str
    """Why it failed; empty when it did not."""
    numbers: tuple[float, ...]
    """The parameters and what they gave."""

    def is_like(self, other: Trial) -> bool:
        """Whether it is the same evaluation with the same end, wherever and whenever that was."""
        return (self.state, self.cause, self.numbers) == (other.state, other.cause, other.numbers)


class StudyFile:
    """A study's file, read from outside while others write it."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        self.path = home / "studies" / f"{name}.sqlite"

    def trials(self, since: float = 0.0) -> list[Trial]:
        """Those that are finished, as they ended."""
        rows = self._rows("SELECT * FROM trials WHERE state != 'asked' AND ended > ? ORDER BY ended, number", since)
        return [_trial(row) for row in rows]

    def finished(self) -> int:
        """How many are."""
        return int(self._rows("SELECT count(*) AS n FROM trials WHERE state != 'asked'")[0]["n"])

    def asked(self) -> set[int]:
        """The numbers of those that are not finished."""
        return {row["number"] for row in self._rows("SELECT number FROM trials WHERE state = 'asked'")}

    def gap(self, since: float, until: float) -> float:
        """The longest time between two moments in which nothing was finished."""
        moments = [since, *(trial.ended for trial in self.trials(since) if trial.ended < until), until]
        return max(later - sooner for sooner, later in pairwise(moments))

    def first(self, node: str, since: float) -> float | None:
        """Seconds from a moment to the first evaluation that this node finished after it; None while there is none."""
        return next((trial.ended - since for trial in self.trials(since) if trial.node == node), None)

    def gap_of(self, node: str, since: float) -> float:
        """The longest time between two moments at which this node finished an evaluation."""
        moments = [since, *(trial.ended for trial in self.trials(since) if trial.node == node)]
        return max((later - sooner for sooner, later in pairwise(moments)), default=0.0)

    def rate(self, skipped: float = 0.0) -> float:
        """Evaluations a second, from the first to the last but for that share at both ends."""
        ended = [trial.ended for trial in self.trials()]
        skip = int(skipped * len(ended))
        used = ended[skip : len(ended) - skip]
        return (len(used) - 1) / (used[-1] - used[0])

    def _rows(self, query: str, *values: float) -> list[sqlite3.Row]:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "unable to open" in str(error):  # it is being made
                return []
            raise
        finally:
            connection.close()


def _trial(row: sqlite3.Row) -> Trial:
    facts = dict(row)
    numbers = tuple(value for name, value in sorted(facts.items()) if name not in _FACTS)
    return Trial(
        facts["number"], facts["state"], facts["node"] or "", facts["ended"] or 0.0, facts["cause"] or "", numbers
    )
