"""The files that nobody else may read: a folder of mode 0700 with files of mode 0600, each written whole or not at all.

Windows knows no such modes; there the owner's home folder, in which they lie, is closed to other users.
"""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING

from bittrader import paths
from bittrader.cluster.invite import digest
from bittrader.errors import ClusterError
from bittrader.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "token"  # noqa: S105 - a file's name
NEXT_TOKEN = "token.next"  # noqa: S105 - likewise
NODE_SECRET = "node_secret"  # noqa: S105 - likewise
AUTHORITY = "ca.pem"
AUTHORITY_KEY = "ca.key"
MEETING = "meeting.pem"
MEETING_KEY = "meeting.key"
NODE = "node.pem"
NODE_KEY = "node.key"
NODE_REQUEST = "node.csr"
NODE_ADDRESS = "node_address"
"""Which address the node's certificate is good for."""
MEMBERS = "members.sqlite"

_ONLY_OURS = 0o077


class Secrets:
    """The secrets of one head or worker, in the folder `secrets` of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / paths.SECRETS

    def path(self, name: str) -> Path:
        """Where a secret is kept."""
        return self.folder / name

    def prepare(self) -> None:
        """Makes the folder, closed to everyone else; closes it again should it have been opened."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def has(self, *names: str) -> bool:
        """Whether all of these are kept."""
        return all(self.path(name).is_file() for name in names)

    def read(self, name: str) -> str:
        """A secret's text; ClusterError when it is not there, or empty, as a disk that was full leaves it."""
        try:
            text = self.path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self.fault(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if not text:
            raise self.fault(name, "is empty")
        return text

    def fault(self, name: str, what: str) -> ClusterError:
        """What to raise for a secret with which something is wrong: it says what mends that."""
        return ClusterError(f"{self.path(name)} {what}. {self._remedy(name)}")

    def _remedy(self, name: str) -> str:
        if not self._is_heads:
            return "Join again, with a new code"
        start = "delete it and start the head again" if self.path(name).exists() else "start the head again"
        if name in (AUTHORITY, AUTHORITY_KEY):
            return f"Put a copy back; or {start}, and every computer joins again"
        return f"{start.capitalize()}: it makes another"

    @property
    def _is_heads(self) -> bool:
        return any(self.path(name).exists() for name in (AUTHORITY_KEY, MEETING_KEY, MEMBERS))

    def keep(self, name: str, text: str) -> None:
        """Writes a secret in the place of the old one."""
        try:
            self.prepare()
            with written_whole(self.path(name)) as part:
                part.touch(mode=0o600)
                part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ClusterError(f"{self.path(name)} cannot be written: {error.strerror}") from error

    def token(self) -> str:
        """Ray's token, the same on all nodes."""
        return self.read(TOKEN)

    def plan_token(self) -> None:
        """Draws another token, for `adopt_token` to put in its place: then, who knows only the old one is out."""
        self.keep(NEXT_TOKEN, secrets.token_hex(32))

    def adopt_token(self) -> bool:
        """Makes the planned token the one that holds, if there is one; for the head, before it starts its Ray."""
        if not self.has(NEXT_TOKEN):
            return False
        self.path(NEXT_TOKEN).replace(self.path(TOKEN))
        return True

    def loose(self) -> list[Path]:
        """What other users of this computer may read or change, and must not."""
        if not self.folder.exists():
            return []
        return [path for path in (self.folder, *sorted(self.folder.iterdir())) if is_loose(path)]


def is_loose(path: Path) -> bool:
    """Whether other users of this computer may read or change what is there."""
    return hasattr(os, "getuid") and bool(stat.S_IMODE(path.stat().st_mode) & _ONLY_OURS)


def mark(token: str) -> str:
    """What may be said of a token so that two can be compared: nobody gets from it to the token."""
    return digest(f"token {token}")[:16]
