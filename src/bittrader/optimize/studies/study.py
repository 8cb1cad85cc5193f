"""What was asked and what came of it: one SQLite file that loses no finished evaluation.

A parameter set is written before it is evaluated, and reaches exactly one end: finished with its metrics, or failed
with its cause. A set that was asked before in the same fold is not evaluated again: it gets the earlier one's end.

Fold 0 is the search over all bars that a search may see; 1, 2, … are the searches over the training bars of each fold
of a validation.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import BittraderError, StudyError, cause_of, did_you_mean
from bittrader.files import make_folder, written_whole
from bittrader.optimize.goals import violations
from bittrader.optimize.studies.database import (
    WriterLock,
    beside,
    check_schema,
    connect,
    identity,
    lay_out,
    metric_column,
    parameter_column,
    require_distinct,
    told,
    transaction,
)
from bittrader.optimize.studies.duplicates import keys, twins
from bittrader.optimize.studies.experiment import Experiment
from bittrader.optimize.studies.history import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows


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
        self._file = identity(path)
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
        require_distinct(experiment.space.names)
        with told(path):
            make_folder(path.parent)
            lock = WriterLock(path)
            try:
                _lay_out(path, experiment)
                return cls._open(path, lock)
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
                return cls._open(path, lock)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def read(cls, path: Path) -> Self:
        """An existing study, to be read, also while it runs."""
        require(path)
        with told(path):
            return cls._open(path)

    @classmethod
    def _open(cls, path: Path, lock: WriterLock | None = None) -> Self:
        """To be written by whoever holds the lock, else to be read."""
        connection = connect(path, write=lock is not None)
        try:
            return cls(path, connection, lock)
        except BaseException:
            connection.close()
            raise

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

    @property
    def metric_columns(self) -> list[str]:
        """The columns of the experiment's metrics, in order."""
        return [metric_column(name) for name in self.experiment.metrics]

    def discover(self, names: Sequence[str]) -> None:
        """Makes room for metrics that a function was not known to give; what ended before has none of them."""
        known, needed = self.experiment.metrics, self.experiment.needed
        others = sorted({*known, *names} - {*needed})
        experiment = replace(self.experiment, metrics=(*needed, *others))
        with told(self.path), transaction(self.connection):
            for name in names:
                self.connection.execute(f"ALTER TABLE trials ADD COLUMN {metric_column(name)} REAL")
            self.connection.execute("UPDATE study SET experiment = ?", (json.dumps(experiment.to_json()),))
        self.experiment = experiment

    def begin(self, cores: int) -> None:
        """Starts a session, whose time counts."""
        self._session_began = time.monotonic()
        with told(self.path), transaction(self.connection):
            row = (time.time(), 0.0, cores)
            self._session = self.connection.execute("INSERT INTO sessions VALUES (?, ?, ?)", row).lastrowid

    def ask(self, generation: int, rows: Rows, fold: int = 0) -> tuple[int, list[int]]:
        """Writes parameter sets as the next trials, in order: the first one's number, and the indexes of those rows
        that must be evaluated.
        """
        self._require_file()
        hashed = keys(rows)
        with told(self.path), transaction(self.connection):
            first = self.connection.execute("SELECT COALESCE(MAX(number) + 1, 0) FROM trials").fetchone()[0]
            earlier = twins(self.connection, self.parameter_columns, fold, first, hashed, rows)
            columns = ", ".join(["number", "fold", "generation", "state", "same_as", "key", *self.parameter_columns])
            marks = ", ".join("?" * (6 + len(self.parameter_columns)))
            self.connection.executemany(
                f"INSERT INTO trials ({columns}) VALUES ({marks})",  # noqa: S608 - columns are quoted, values bound
                (
                    (first + index, fold, generation, "asked", twin, key, *row)
                    for index, (key, twin, row) in enumerate(zip(hashed, earlier, rows.tolist(), strict=True))
                ),
            )
        return first, [index for index, twin in enumerate(earlier) if twin is None]

    def unanswered(self, fold: int = 0) -> tuple[list[int], Rows]:
        """The trials that must be evaluated: numbers and rows."""
        columns = ", ".join(["number", *self.parameter_columns])
        with told(self.path):
            found = self.connection.execute(
                f"SELECT {columns} FROM trials WHERE state = 'asked' AND same_as IS NULL AND fold = ? ORDER BY number",  # noqa: S608 - quoted columns
                (fold,),
            ).fetchall()
        return [row[0] for row in found], self._rows([row[1:] for row in found])

    def answer(
        self,
        numbers: Sequence[int],
        metrics: NDArray[np.float64],
        causes: Mapping[int, str],
        seconds: float,
        nodes: Sequence[str] = (),
        cores: int = 0,
    ) -> None:
        """Writes what became of trials, in one transaction: row by row the metrics, or the cause at that index.

        Beside the metrics it writes how far they are from keeping the conditions. `nodes`: the computers that evaluated
        them, where that was not this one; `cores`: how many there are to evaluate on now.
        """
        self._require_file()
        share, now = seconds / max(1, len(numbers)), time.time()
        off = violations(self.experiment.where, self.experiment.metrics, metrics).tolist()
        measured = [[None if value != value else value for value in row] for row in metrics.tolist()]  # noqa: PLR0124 - NaN
        names = ["state", "cause", "violation", "seconds", "node", "ended", *self.metric_columns]
        sets = ", ".join(f"{name} = ?" for name in names)
        where = [node or None for node in nodes] or [None] * len(numbers)
        nothing = [None] * len(self.metric_columns)
        with told(self.path), transaction(self.connection):
            self.connection.executemany(
                f"UPDATE trials SET {sets} WHERE number = ? AND state = 'asked'",  # noqa: S608 - quoted columns
                (
                    ("failed", causes[index], None, share, where[index], now, *nothing, number)
                    if index in causes
                    else ("finished", None, off[index], share, where[index], now, *measured[index], number)
                    for index, number in enumerate(numbers)
                ),
            )
            self._touch(cores)

    def settle(self, fold: int = 0) -> dict[str, int]:
        """Gives each repeated set the end of the trial it repeats, where that has one; how many came to which end."""
        names = ["state", "cause", "violation", "ended", *self.metric_columns]
        sets = ", ".join(f"{name} = twin.{name}" for name in names)
        with told(self.path), transaction(self.connection):
            ends = self.connection.execute(
                f"UPDATE trials SET {sets}, seconds = 0 FROM trials AS twin"  # noqa: S608 - quoted columns
                " WHERE trials.state = 'asked' AND trials.same_as IS NOT NULL AND trials.fold = ?"
                " AND twin.number = trials.same_as AND twin.state != 'asked' RETURNING state",
                (fold,),
            ).fetchall()
            self._touch()
        return Counter(state for (state,) in ends)

    def _require_file(self) -> None:
        """StudyError when the file is gone: what is written then would be in no file."""
        if identity(self.path) != self._file:
            raise StudyError(f"the study {self.path} was deleted or replaced while it was searched. Search again.")

    def _touch(self, cores: int = 0) -> None:
        facts = (time.monotonic() - self._session_began, cores, self._session)
        self.connection.execute("UPDATE sessions SET seconds = ?, cores = MAX(cores, ?) WHERE rowid = ?", facts)

    def counts(self, fold: int = 0) -> Counts:
        """How far it is."""
        with told(self.path):
            row = self.connection.execute(
                "SELECT COUNT(*), COALESCE(SUM(state = 'finished'), 0), COALESCE(SUM(state = 'failed'), 0),"
                " COUNT(same_as), COALESCE(SUM(violation > 0), 0) FROM trials WHERE fold = ?",
                (fold,),
            ).fetchone()
        return Counts(*row)

    def next_generation(self, fold: int = 0) -> int:
        """The number of the generation to be asked next."""
        with told(self.path):
            last = self.connection.execute(
                "SELECT generation FROM trials WHERE fold = ? ORDER BY number DESC LIMIT 1", (fold,)
            ).fetchone()
        return 0 if last is None else int(last[0]) + 1

    def note(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Keeps something computed about the whole study, in place of what was kept as this kind before."""
        row = (kind, json.dumps(facts, allow_nan=False), time.time())
        with told(self.path), transaction(self.connection):
            self.connection.execute("INSERT OR REPLACE INTO findings VALUES (?, ?, ?)", row)

    def noted(self, kind: str) -> dict[str, Any] | None:
        """What `note` kept as this kind; None when it kept nothing."""
        with told(self.path):
            found = self.connection.execute("SELECT facts FROM findings WHERE kind = ?", (kind,)).fetchone()
        return None if found is None else dict(json.loads(found[0]))

    def _rows(self, found: list[tuple[Any, ...]]) -> Rows:
        return np.array(found, dtype=np.float64).reshape(len(found), len(self.parameter_columns))

    def end(self) -> None:
        """Ends the session, if one has begun: what follows does not count as time of the search."""
        if self._session is not None:
            with told(self.path), transaction(self.connection):
                self._touch()
            self._session = None

    def close(self) -> None:
        """Ends the session; the file is then whole by itself, without its -wal."""
        try:
            self.end()
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
    facts = (json.dumps(experiment.to_json()), experiment.trials, time.time())
    with written_whole(path) as part:
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as connection:
                with transaction(connection):
                    lay_out(connection, experiment.space.names, experiment.metrics)
                    connection.execute("INSERT INTO study VALUES (?, ?, ?)", facts)
                # Not before: it is whole in one file. Not later: who reads could not undo a change cut off halfway.
                connection.execute("PRAGMA journal_mode=WAL")
        finally:
            for file in beside(part):  # those of a full disk
                file.unlink(missing_ok=True)


def require(path: Path) -> None:
    """StudyError when there is no such study."""
    if not path.exists():
        known = [file.stem for file in path.parent.glob(f"*{path.suffix}")]
        hint = did_you_mean(path.stem, known) or " `bittrader studies list` shows those there are."
        raise StudyError(f"there is no study {path.stem!r}.{hint}")
