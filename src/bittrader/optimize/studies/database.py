"""A study's SQLite file: how it is opened, laid out and locked, and its errors in words."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bittrader.errors import ExitCode, InputError, StudyError, exit_code_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SCHEMA = 3
# SQLite has 2,000 columns a table.
_MOST_PARAMETERS = 1_000
_APPLICATION = 0x42547264  # "BTrd": tells our files from other SQLite files

_FACTS = ("number", "fold", "generation", "state", "cause", "same_as", "key", "violation", "seconds", "node", "ended")
_ROW_NUMBERS = ("rowid", "oid", "_rowid_")

_WORDS = {
    "SQLITE_FULL": "the disk is full. Free some space, and resume",
    "SQLITE_READONLY": "it may not be written. Look at its permissions",
    "SQLITE_CANTOPEN": "it cannot be opened. Look at the permissions of its folder",
    "SQLITE_PERM": "it may not be opened. Look at its permissions",
    "SQLITE_CORRUPT": "it is damaged. Restore a copy, or delete it and search again",
    "SQLITE_NOTADB": "it is not a study",
    "SQLITE_BUSY": "another program is writing to it. Try again when that has ended",
    "SQLITE_IOERR": "the disk did not do as asked. Look whether it is full or failing, and resume",
}


# Those of them that may pass.
_EXIT_CODES = {"SQLITE_FULL": ExitCode.SYSTEM, "SQLITE_IOERR": ExitCode.SYSTEM, "SQLITE_BUSY": ExitCode.BUSY}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns SQLite's and the system's errors into StudyError with one clear line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        words = next((words for key, words in _WORDS.items() if code.startswith(key)), f"SQLite says: {error}")
        exit_code = next((one for key, one in _EXIT_CODES.items() if code.startswith(key)), ExitCode.REFUSED)
        kept = " Every finished evaluation is kept." if exit_code == ExitCode.SYSTEM else ""
        raise _failed(f"the study {path}: {words}.{kept}", exit_code) from error
    except OSError as error:
        words = f"the study {path}: {error.strerror or error}. Look at its folder."
        raise _failed(words, exit_code_of(error)) from error


def _failed(words: str, exit_code: ExitCode) -> StudyError:
    error = StudyError(words)
    error.exit_code = exit_code
    return error


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """An open connection; transactions are begun by hand."""
    mode = "rwc" if write else "rw"  # who reads clears away what SQLite put beside the file, if nobody else has it open
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=5.0)
    try:
        if write:
            # A finished evaluation survives kill -9 and a power cut; others may read meanwhile.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what happens inside is written, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise


def lay_out(connection: sqlite3.Connection, parameters: Sequence[str], metrics: Sequence[str]) -> None:
    """Creates the tables of a new study."""
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    connection.execute(f"PRAGMA user_version={SCHEMA}")
    connection.execute("CREATE TABLE study (experiment TEXT NOT NULL, budget INTEGER NOT NULL, created REAL NOT NULL)")
    connection.execute("CREATE TABLE sessions (started REAL NOT NULL, seconds REAL NOT NULL, cores INTEGER NOT NULL)")
    columns = [*map(parameter_column, parameters), *map(metric_column, metrics)]
    columns_sql = "".join(f", {name} REAL" for name in columns)
    connection.execute(
        "CREATE TABLE trials (number INTEGER PRIMARY KEY, fold INTEGER NOT NULL, generation INTEGER NOT NULL,"
        " state TEXT NOT NULL, cause TEXT, same_as INTEGER, key INTEGER NOT NULL, violation REAL, seconds REAL,"
        f" node TEXT, ended REAL{columns_sql})"
    )
    connection.execute("CREATE TABLE findings (kind TEXT PRIMARY KEY, facts TEXT NOT NULL, made REAL NOT NULL)")
    connection.execute("CREATE INDEX trials_key ON trials (key, fold)")
    connection.execute("CREATE INDEX trials_repeating ON trials (number) WHERE state = 'asked' AND same_as IS NOT NULL")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """StudyError when the file is no study, or one of another format."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise StudyError(f"{path} is not a study.")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise StudyError(f"the study {path} was written by a newer bittrader (format {version}). Update bittrader.")
    if version < SCHEMA:
        raise StudyError(f"the study {path} has an old format ({version}), which is no longer read. Search again.")


def quoted(name: str) -> str:
    """A name as a column."""
    return '"' + name.replace('"', '""') + '"'


def parameter_column(name: str) -> str:
    """The column of a parameter, which may be called like one of ours."""
    return quoted(f"param_{name}")


def metric_name(name: str) -> str:
    """What a metric is called beside our own columns; a function of the user's own may call its numbers like them."""
    taken = name.lower() in (*_FACTS, *_ROW_NUMBERS) or name.lower().startswith(("param_", "metric_"))
    return f"metric_{name}" if taken else name


def metric_column(name: str) -> str:
    """The column of a metric."""
    return quoted(metric_name(name))


def require_distinct(parameters: Sequence[str]) -> None:
    """InputError for names that SQLite would take for one column, or that are more than it has columns for."""
    if len(parameters) > _MOST_PARAMETERS:
        raise InputError(f"a study keeps {_MOST_PARAMETERS:,} parameters, not {len(parameters):,}. Search fewer.")
    seen: dict[str, str] = {}
    for name in parameters:
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise InputError(f"a study cannot tell the parameters {other} and {name} apart. Rename one.")


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one in its place; None when there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


class StudyRunningError(StudyError):
    """Another process writes to the study."""

    exit_code = ExitCode.BUSY


class WriterLock:
    """Held by the one process that writes to a study; the system frees it when that process ends, however it ends."""

    def __init__(self, study: Path) -> None:
        self._connection = sqlite3.connect(lock_file(study), timeout=0.0, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode=MEMORY")  # a full disk can be locked too
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            self._connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise StudyRunningError(
                f"the study {study.stem} is running in another process. Wait for it, or stop it first."
            ) from None

    def release(self) -> None:
        """Lets others write."""
        self._connection.close()


def lock_file(study: Path) -> Path:
    """The file whose SQLite lock means that the study is being written."""
    return study.with_suffix(".lock")


def beside(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside one while it is open."""
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
