"""What the owner of a head does about its nodes: invite them, see who was invited, and revoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import meeting_fingerprint, prepare_head
from bittrader.cluster.invite import HOURS, Invite, encode, fresh_secret
from bittrader.cluster.members import Invited, Member, Members
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import NAME_LENGTH
from bittrader.errors import ClusterError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOST_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class Invitation:
    """A join code that was just made. It is nowhere else, so it is shown now or never."""

    invited: Invited
    code: str


def invite(
    folder: Path, addresses: Sequence[str], port: int, now: float, name: str | None = None, hours: float = HOURS
) -> Invitation:
    """A join code for one computer, good for so many hours. `folder` is the head's own; it need not be running."""
    if not addresses:
        raise ClusterError("this computer is in no network in which another could meet it")
    if name is not None and (len(name) > NAME_LENGTH or not name.isprintable()):
        raise InputError(f"a name is one line of at most {NAME_LENGTH} characters, not {name[:100]!r}")
    if not 0 < hours <= _MOST_HOURS:
        raise ClusterError(f"a join code is good for more than 0 and at most {_MOST_HOURS} hours, not {hours:g}")
    secrets = Secrets(folder)
    prepare_head(secrets)
    secret = fresh_secret()
    code = encode(Invite(tuple(addresses), port, meeting_fingerprint(secrets), secret))
    return Invitation(_members(secrets).invite(secret, name, now, now + hours * 3600), code)


def invites(folder: Path) -> tuple[Invited, ...]:
    """All codes that the head remembers, the newest first."""
    secrets = Secrets(folder)
    return _members(secrets).invites() if secrets.has(kept.MEMBERS) else ()


def members(folder: Path) -> tuple[Member, ...]:
    """All computers that ever joined, in the order in which they did."""
    secrets = Secrets(folder)
    return _members(secrets).members() if secrets.has(kept.MEMBERS) else ()


def revoke(folder: Path, which: str, now: float) -> Invited | Member:
    """Revokes the code of that id, or the computer of that id or name, and returns it.

    A computer is sent away from the meeting point at once. It still knows Ray's token, so another one is planned, which
    holds from the next start of the head's Ray on: restart it to have the computer out of Ray as well.
    """
    secrets = Secrets(folder)
    if not secrets.has(kept.MEMBERS):
        raise ClusterError(f"no code and no computer is called {which!r}: nobody was invited yet")
    revoked = _members(secrets).revoke(which, now)
    if isinstance(revoked, Member):
        secrets.plan_token()
    return revoked


def _members(secrets: Secrets) -> Members:
    return Members(secrets.path(kept.MEMBERS))
