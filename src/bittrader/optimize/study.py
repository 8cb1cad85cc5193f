"""What was asked and what came of it: one SQLite file that loses no finished evaluation.

A parameter set is written before it is evaluated, and reaches exactly one end: finished with its metrics, or failed
with its cause. A set that was asked before in the same study is not evaluated again: it gets the earlier one's end.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import BittraderError, StudyError, cause_of, did_you_mean
from bittrader.files import written_whole
from bittrader.optimize.database import (
    WriterLock,
    check_schema,
    connect,
    lay_out,
    parameter_column,
    quoted,
    told,
    transaction,
)
from bittrader.optimize.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows


@dataclass(frozen=True)
class Counts:
    """How far a study is."""

    asked: int
    finished: int
    failed: int
    repeated: int
    """How many of the asked were sets asked before."""

    @property
    def unanswered(self) -> int:
        """Asked, and neither finished nor failed."""
        return self.asked - self.finished - self.failed


class Study:
    """An open study. Made by `create`, `write` or `read`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None = None) -> None:
        self.path = path
        self.connection = connection
        self._lock = lock
        with told(path):
            check_schema(connection, path)
            facts = connection.execute("SELECT experiment, budget FROM study").fetchone()
        try:
            text, self.budget = facts
            self.experiment = Experiment.from_json(json.loads(text))
        except (BittraderError, ValueError, TypeError, KeyError) as error:
            reason = cause_of(error)
            raise StudyError(f"the study {path} does not say what it searched ({reason}). Restore a copy.") from error
        self.parameter_columns = [parameter_column(name) for name in self.experiment.space.names]
        self.metric_columns = [quoted(name) for name in self.experiment.metrics]
        self._session: int | None = None
        self._session_began = 0.0

    @classmethod
    def create(cls, path: Path, experiment: Experiment) -> Self:
        """A new study, open for writing; StudyError when there is one."""
        if path.exists():
            raise StudyError(
                f"there is a study {path.stem!r} already. Go on with `bittrader studies resume {path.stem}`,"
                " or choose another name with --study."
            )
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = WriterLock(path)
            try:
                _lay_out(path, experiment)
                return cls(path, connect(path, write=True), lock)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def write(cls, path: Path) -> Self:
        """An existing study, open for writing; StudyError when it runs elsewhere."""
        require(path)
        with told(path):
            lock = WriterLock(path)
            try:
                return cls(path, connect(path, write=True), lock)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def read(cls, path: Path) -> Self:
        """An existing study, to be read, also while it runs."""
        require(path)
        with told(path):
            return cls(path, connect(path, write=False))

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.path.stem

    def allow(self, budget: int) -> None:
        """Sets how many trials the study may have in all."""
        with told(self.path), transaction(self.connection):
            self.connection.execute("UPDATE study SET budget = ?", (budget,))
        self.budget = budget

    def redefine(self, experiment: Experiment) -> None:
        """Writes the same experiment with what may change in it: where its strategy and its candles are."""
        assert experiment.fingerprint == self.experiment.fingerprint
        with told(self.path), transaction(self.connection):
            self.connection.execute("UPDATE study SET experiment = ?", (json.dumps(experiment.to_json()),))
        self.experiment = experiment

    def begin(self, cores: int) -> None:
        """Starts a session, whose time counts."""
        self._session_began = time.monotonic()
        with told(self.path), transaction(self.connection):
            row = (time.time(), 0.0, cores)
            self._session = self.connection.execute("INSERT INTO sessions VALUES (?, ?, ?)", row).lastrowid

    def ask(self, generation: int, rows: Rows) -> list[int]:
        """Writes parameter sets as the next trials, in order; the indexes of those that must be evaluated."""
        keys = _keys(rows)
        with told(self.path), transaction(self.connection):
            first = self.connection.execute("SELECT COALESCE(MAX(number) + 1, 0) FROM trials").fetchone()[0]
            twins = self._twins(first, keys, rows)
            columns = ", ".join(["number", "generation", "state", "same_as", "key", *self.parameter_columns])
            marks = ", ".join("?" * (5 + len(self.parameter_columns)))
            self.connection.executemany(
                f"INSERT INTO trials ({columns}) VALUES ({marks})",  # noqa: S608 - columns are quoted, values bound
                (
                    (first + index, generation, "asked", twin, key, *row)
                    for index, (key, twin, row) in enumerate(zip(keys, twins, rows.tolist(), strict=True))
                ),
            )
        return [index for index, twin in enumerate(twins) if twin is None]

    def _twins(self, first: int, keys: list[int], rows: Rows) -> list[int | None]:
        """For each row, the number of the earlier trial with the same values, if any."""
        columns = "".join(f", t.{name}" for name in self.parameter_columns)
        found = self.connection.execute(
            f"SELECT t.key, MIN(t.number){columns} FROM json_each(?) AS asked JOIN trials AS t ON t.key = asked.value"  # noqa: S608 - quoted columns
            " GROUP BY t.key",
            (json.dumps(keys),),
        )
        known = {key: (number, row) for key, number, *row in found}
        twins: list[int | None] = []
        for index, (key, row) in enumerate(zip(keys, rows.tolist(), strict=True)):
            number, same = known.setdefault(key, (first + index, row))
            twins.append(number if number != first + index and same == row else None)
        return twins

    def unanswered(self) -> tuple[list[int], Rows]:
        """The trials that must be evaluated: numbers and rows."""
        columns = ", ".join(["number", *self.parameter_columns])
        with told(self.path):
            found = self.connection.execute(
                f"SELECT {columns} FROM trials WHERE state = 'asked' AND same_as IS NULL ORDER BY number"  # noqa: S608 - quoted columns
            ).fetchall()
        return [row[0] for row in found], self._rows([row[1:] for row in found])

    def answer(
        self, numbers: Sequence[int], metrics: NDArray[np.float64], causes: Mapping[int, str], seconds: float
    ) -> None:
        """Writes what became of trials, in one transaction: row by row the metrics, or the cause at that index."""
        share, now = seconds / max(1, len(numbers)), time.time()
        measured = [[None if value != value else value for value in row] for row in metrics.tolist()]  # noqa: PLR0124 - NaN
        sets = ", ".join(f"{name} = ?" for name in ["state", "cause", "seconds", "ended", *self.metric_columns])
        nothing = [None] * len(self.metric_columns)
        with told(self.path), transaction(self.connection):
            self.connection.executemany(
                f"UPDATE trials SET {sets} WHERE number = ? AND state = 'asked'",  # noqa: S608 - quoted columns
                (
                    ("failed", causes[index], share, now, *nothing, number)
                    if index in causes
                    else ("finished", None, share, now, *measured[index], number)
                    for index, number in enumerate(numbers)
                ),
            )
            self._touch()

    def settle(self) -> dict[str, int]:
        """Gives each repeated set the end of the trial it repeats, where that has one; how many came to which end."""
        names = ["state", "cause", "ended", *self.metric_columns]
        sets = ", ".join(f"{name} = twin.{name}" for name in names)
        with told(self.path), transaction(self.connection):
            ends = self.connection.execute(
                f"UPDATE trials SET {sets}, seconds = 0 FROM trials AS twin"  # noqa: S608 - quoted columns
                " WHERE trials.state = 'asked' AND trials.same_as IS NOT NULL"
                " AND twin.number = trials.same_as AND twin.state != 'asked' RETURNING state"
            ).fetchall()
            self._touch()
        return Counter(state for (state,) in ends)

    def _touch(self) -> None:
        seconds = time.monotonic() - self._session_began
        self.connection.execute("UPDATE sessions SET seconds = ? WHERE rowid = ?", (seconds, self._session))

    def counts(self) -> Counts:
        """How far it is."""
        with told(self.path):
            row = self.connection.execute(
                "SELECT COUNT(*), COALESCE(SUM(state = 'finished'), 0), COALESCE(SUM(state = 'failed'), 0),"
                " COUNT(same_as) FROM trials"
            ).fetchone()
        return Counts(*row)

    def next_generation(self) -> int:
        """The number of the generation to be asked next."""
        with told(self.path):
            last = self.connection.execute("SELECT generation FROM trials ORDER BY number DESC LIMIT 1").fetchone()
        return 0 if last is None else int(last[0]) + 1

    def generations(self) -> Iterator[tuple[Rows, NDArray[np.float64]]]:
        """Each generation's rows and objective values (NaN where failed), in order, one at a time in memory."""
        columns = ", ".join(["generation", quoted(self.experiment.objective), *self.parameter_columns])
        with told(self.path):
            found = self.connection.execute(f"SELECT {columns} FROM trials ORDER BY number")  # noqa: S608 - quoted columns
            for _, group in groupby(found, key=lambda row: row[0]):
                yield self._generation(list(group))

    def generation(self, number: int) -> tuple[Rows, NDArray[np.float64]]:
        """The rows and objective values (NaN where failed) of the last generation, which is `number`."""
        columns = ", ".join(["generation", quoted(self.experiment.objective), *self.parameter_columns])
        with told(self.path):
            found = self.connection.execute(
                f"SELECT {columns} FROM trials WHERE number > (SELECT MAX(number) FROM trials) - ? AND generation = ?"  # noqa: S608 - quoted columns
                " ORDER BY number",
                (self.experiment.generation, number),
            ).fetchall()
        return self._generation(found)

    def _generation(self, found: list[tuple[Any, ...]]) -> tuple[Rows, NDArray[np.float64]]:
        values = np.array([np.nan if row[1] is None else row[1] for row in found], dtype=np.float64)
        return self._rows([row[2:] for row in found]), values

    def _rows(self, found: list[tuple[Any, ...]]) -> Rows:
        return np.array(found, dtype=np.float64).reshape(len(found), len(self.parameter_columns))

    def close(self) -> None:
        """Ends the session; the file is then whole by itself, without its -wal."""
        try:
            if self._session is not None:
                with told(self.path), transaction(self.connection):
                    self._touch()
        finally:
            self.connection.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lay_out(path: Path, experiment: Experiment) -> None:
    """Writes an empty study."""
    with (
        written_whole(path) as part,
        closing(sqlite3.connect(part, isolation_level=None)) as connection,
        transaction(connection),
    ):
        lay_out(connection, experiment.space.names, experiment.metrics)
        facts = (json.dumps(experiment.to_json()), experiment.trials, time.time())
        connection.execute("INSERT INTO study VALUES (?, ?, ?)", facts)


def require(path: Path) -> None:
    """StudyError when there is no such study."""
    if not path.exists():
        known = [file.stem for file in path.parent.glob(f"*{path.suffix}")]
        hint = did_you_mean(path.stem, known) or " `bittrader studies list` shows those there are."
        raise StudyError(f"there is no study {path.stem!r}.{hint}")


def _keys(rows: Rows) -> list[int]:
    """A whole number for each row that is the same for the same values."""
    clean = np.ascontiguousarray(rows + 0.0, dtype="<f8")  # -0.0 is 0.0
    return [int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), signed=True) for row in clean]
