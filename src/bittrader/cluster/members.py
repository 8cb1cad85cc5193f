"""Who was invited to the cluster, who has joined it, and who is no longer of it. Of every secret only a digest is kept.

It is a SQLite file, because two programs write it, the head's daemon and the command line: a computer joins with a code
once and for all or not at all, whoever is killed meanwhile.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Literal

from bittrader.cluster.invite import digest
from bittrader.cluster.messages import RefusedError
from bittrader.errors import ClusterError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KEPT_SECONDS = 30 * 86400
"""How long a code that is no longer good stays in the list."""
_BUSY_SECONDS = 10
_TABLES = """
CREATE TABLE IF NOT EXISTS invites (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT, made REAL NOT NULL, expires REAL NOT NULL,
    revoked REAL, node TEXT, used REAL
) STRICT;
CREATE TABLE IF NOT EXISTS members (
    node TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT NOT NULL, joined REAL NOT NULL, invite TEXT NOT NULL,
    revoked REAL
) STRICT;
"""

NOT_KNOWN = "the head does not know this computer: join again, with a new code"
"""What everyone hears who cannot say who they are, whatever the cause."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A join code as the head remembers it. Times are Unix seconds."""

    id: str
    name: str | None
    made: float
    expires: float
    revoked: float | None
    node: str | None
    """Who joined with it."""
    used: float | None

    def state(self, now: float) -> Literal["open", "used", "revoked", "expired"]:
        if self.revoked is not None:
            return "revoked"
        if self.used is not None:
            return "used"
        return "open" if now < self.expires else "expired"


@dataclass(frozen=True, slots=True)
class Member:
    """A computer that has joined. Times are Unix seconds."""

    node: str
    name: str
    joined: float
    invite: str
    revoked: float | None


class Members:
    """The members of a cluster, in the file of its head. Any thread and any process may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)
        with self._open() as database:
            database.executescript(_TABLES)

    def invite(self, secret: bytes, name: str | None, now: float, expires: float) -> Invited:
        """Remembers a code that was made for one computer."""
        known = digest(secret.hex())
        with self._open() as database:
            database.execute("DELETE FROM invites WHERE expires < ?", (now - _KEPT_SECONDS,))
            database.execute(
                "INSERT INTO invites (id, digest, name, made, expires) VALUES (?, ?, ?, ?, ?)",
                (known[:8], known, name, now, expires),
            )
        return Invited(known[:8], name, now, expires, None, None, None)

    def invites(self) -> tuple[Invited, ...]:
        """All codes that are remembered, the newest first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT id, name, made, expires, revoked, node, used FROM invites ORDER BY made DESC, id"
            ).fetchall()
        return tuple(Invited(*row) for row in rows)

    def members(self) -> tuple[Member, ...]:
        """All computers that ever joined, those that were revoked too, in the order in which they joined."""
        with self._open() as database:
            rows = database.execute(
                "SELECT node, name, joined, invite, revoked FROM members ORDER BY joined, node"
            ).fetchall()
        return tuple(Member(*row) for row in rows)

    def revoke(self, which: str, now: float) -> Invited | Member:
        """Revokes the code or the computer that is called so; ClusterError when there is none, or more than one."""
        codes = [code for code in self.invites() if code.id == which.lower()]
        nodes = [node for node in self.members() if node.node == which.lower()]
        named = [node for node in self.members() if node.name == which and node.revoked is None]
        found = codes or nodes or named
        if not found:
            known = [code.id for code in self.invites()] + [node.name for node in self.members()]
            raise ClusterError(f"no code and no computer is called {which!r}.{did_you_mean(which, known)}")
        if len(found) > 1:
            ids = ", ".join(node.node for node in named)
            raise ClusterError(f"{len(named)} computers are called {which!r}: name one of {ids}")
        one = found[0]
        with self._open() as database:
            if isinstance(one, Invited):
                database.execute("UPDATE invites SET revoked = COALESCE(revoked, ?) WHERE id = ?", (now, one.id))
            else:
                database.execute("UPDATE members SET revoked = COALESCE(revoked, ?) WHERE node = ?", (now, one.node))
        return one

    def check(self, secret: str, node: str, now: float) -> None:
        """RefusedError, with the reason, unless this computer may join with the code that has this secret."""
        with self._open() as database:
            _invite_of(database, secret, node, now)

    def admit(self, secret: str, node: str, name: str, now: float) -> str:
        """Makes a computer a member and returns its own secret, a new one each time; RefusedError as `check` does."""
        own = secrets.token_hex(32)
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")  # from here on nobody else can take the code
            code = _invite_of(database, secret, node, now)
            database.execute("UPDATE invites SET node = ?, used = COALESCE(used, ?) WHERE id = ?", (node, now, code))
            database.execute(
                "INSERT OR REPLACE INTO members (node, digest, name, joined, invite) VALUES (?, ?, ?, ?, ?)",
                (node, digest(own), name, now, code),
            )
        return own

    def leave(self, node: str) -> None:
        """Forgets a member; the code that it came with lets one computer in again, for as long as it is good."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            free = "UPDATE invites SET node = NULL, used = NULL WHERE id = (SELECT invite FROM members WHERE node = ?)"
            database.execute(free, (node,))
            database.execute("DELETE FROM members WHERE node = ?", (node,))

    def who(self, node: str, own: str) -> Member:
        """The member that shows its identity and its own secret; RefusedError when it is none, or none any more."""
        with self._open() as database:
            row = database.execute(
                "SELECT node, name, joined, invite, revoked, digest FROM members WHERE node = ?", (node,)
            ).fetchone()
        # Compared even with nobody's, so that the time it takes does not tell who is a member.
        if not compare_digest(row[-1] if row else digest(""), digest(own)) or not row:
            raise RefusedError(NOT_KNOWN)
        member = Member(*row[:-1])
        if member.revoked is not None:
            raise RefusedError(f"the head's owner revoked this computer on {_day(member.revoked)}: ask for a new code")
        return member

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                database.execute("PRAGMA synchronous = FULL")
                with database:
                    yield database
            finally:
                database.close()
        except sqlite3.Error as error:
            raise ClusterError(f"the list of members {self._path} cannot be used: {error}") from error


def _invite_of(database: sqlite3.Connection, secret: str, node: str, now: float) -> str:
    """The code with this secret, if this computer may join with it; else RefusedError."""
    known = digest(secret)
    row = database.execute(
        "SELECT id, digest, expires, revoked, node, used FROM invites WHERE id = ?", (known[:8],)
    ).fetchone()
    if row is None or not compare_digest(row[1], known):
        raise RefusedError("the head knows no such join code: ask for a new one (`bittrader head invite`)")
    code, _, expires, revoked, used_by, used = row
    if revoked is not None:
        raise RefusedError(f"this join code was revoked on {_day(revoked)}: ask for a new one")
    if used_by not in (None, node):
        raise RefusedError(f"this join code is for one computer; another used it on {_day(used)}: ask for a new one")
    if now >= expires:
        raise RefusedError(f"this join code expired on {_day(expires)}: ask for a new one (`bittrader head invite`)")
    return str(code)


def _day(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d at %H:%M UTC")
