"""What the head answers at the meeting point: a message in, a message out. The connections are `meeting.py`'s."""

from __future__ import annotations

from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

from bittrader.cluster import messages
from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import sign
from bittrader.cluster.facts import Facts, differences, in_words
from bittrader.cluster.members import Member
from bittrader.cluster.messages import Asking, Joined, RefusedError, Told
from bittrader.cluster.network import probe
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bittrader.cluster.members import Members
    from bittrader.cluster.messages import Hosting, Json
    from bittrader.cluster.secrets import Secrets

_PATIENCE_SECONDS = 2.5
"""How long a node waits for its turn to have its ports tried; it takes 2 s, and the node waits for 5."""


@dataclass(frozen=True, slots=True)
class Head:
    """What does not change about a head while it runs."""

    node: str
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Report:
    at: float
    address: str
    state: Json
    skew_seconds: float
    """How far the node's clock is ahead of the head's, give or take the way there."""
    refused: str | None


class Desk:
    """Answers computers that ask to join, and nodes. Any thread may call it."""

    def __init__(
        self,
        head: Head,
        secrets: Secrets,
        members: Members,
        hosting: Callable[[], Hosting],
        now: Callable[[], float],
    ) -> None:
        self._head = head
        self._secrets = secrets
        self._members = members
        self._hosting = hosting
        self._now = now
        self._reports: dict[str, _Report] = {}
        self._lock = Lock()
        self._probing = BoundedSemaphore(2)  # each holds up to 32 sockets

    def check(self, message: Mapping[str, Any], _source: str) -> Json:
        """Whose head it is, for a computer that may join with its code; RefusedError, with the reason, for another."""
        self._members.check(messages.text(message, "secret", 40), messages.node(message, "node"), self._now())
        if differing := in_words(differences(messages.facts(message, "facts"), self._head.facts)):
            raise RefusedError(differing)
        return {"head": self._head.name}

    def join(self, message: Mapping[str, Any], source: str) -> Json:
        """Makes a computer a member, or RefusedError with the reason."""
        now = self._now()
        # Before the rest is looked at: another version may well ask in another way, and is to hear that it differs.
        self.check(message, source)
        asking = Asking.of(message)
        certificate = sign(self._secrets, asking.request, asking.name, source)
        own = self._members.admit(asking.secret, asking.node, asking.name, now)
        return Joined(
            token=self._secrets.token(),
            node_secret=own,
            authority=self._secrets.read(kept.AUTHORITY),
            certificate=certificate,
            seen_at=source,
            head=self._head.name,
        ).as_json()

    def report(self, member: Member, message: Mapping[str, Any], source: str) -> Json:
        """Keeps what a node says of itself, and tells it what it must know."""
        now = self._now()
        state = messages.field(message, "state", dict)
        refused = in_words(differences(messages.facts(message, "facts"), self._head.facts))
        report = _Report(now, source, state, messages.number(message, "time") - now, refused)
        with self._lock:
            self._reports[member.node] = report
        hosting = self._hosting()
        return Told(
            session=hosting.session,
            alive=member.node in hosting.alive,
            gcs=hosting.gcs,
            time=now,
            addresses=hosting.addresses,
            seen_at=source,
            encrypted=hosting.encrypted,
            token=kept.mark(self._secrets.token()),
            refused=refused,
        ).as_json()

    def note(self, state: Json) -> None:
        """Keeps what the head says of itself."""
        with self._lock:
            self._reports[self._head.node] = _Report(self._now(), "", state, 0.0, None)

    def renew(self, member: Member, message: Mapping[str, Any], source: str) -> Json:
        """A certificate for the address where the node is now."""
        wanted = messages.address(message, "address")
        if wanted != source:
            raise RefusedError(
                f"this computer goes by {wanted} and is seen here as {source}: something between changes addresses "
                "(NAT), and Ray's nodes must reach each other directly. Use Tailscale on both, or one local network"
            )
        certificate = sign(self._secrets, messages.text(message, "request", 4000), member.name, source)
        return {"certificate": certificate, "authority": self._secrets.read(kept.AUTHORITY)}

    def leave(self, member: Member, _message: Mapping[str, Any], _source: str) -> Json:
        """Forgets a computer that wants to be none of the cluster's any more."""
        self._members.leave(member.node)
        with self._lock:
            self._reports.pop(member.node, None)
        return {}

    def token(self, _member: Member, _message: Mapping[str, Any], _source: str) -> Json:
        """Ray's token."""
        return {"token": self._secrets.token()}

    def reach(self, _member: Member, message: Mapping[str, Any], source: str) -> Json:
        """Whether the head gets through to these ports of the node: of the address that asks, and of no other."""
        ports = messages.ports(message, "ports")
        if not self._probing.acquire(timeout=_PATIENCE_SECONDS):
            raise ClusterError("it is trying other nodes' ports just now, ask again")
        try:
            found = probe(source, ports)
        finally:
            self._probing.release()
        return {"seen_at": source, "ports": {str(port): outcome for port, outcome in found.items()}}

    def status(self) -> Json:
        """What is known of all nodes, and what is running on the cluster."""
        now = self._now()
        alive = self._hosting().alive
        with self._lock:
            reports = dict(self._reports)
        members = [member for member in self._members.members() if member.revoked is None]
        if self._head.node in reports:
            members.insert(0, Member(self._head.node, self._head.name, 0.0, "", None))
        return {
            "time": now,
            "head": {"node": self._head.node, "name": self._head.name, "facts": self._head.facts.as_json()},
            "nodes": [_node(member, reports.get(member.node), alive, now) for member in members],
            "studies": [
                {"node": node, **study}
                for node, report in reports.items()
                if report.refused is None  # what another version says may mean anything
                for study in report.state.get("studies") or ()
                if isinstance(study, dict)
            ],
        }


def _node(member: Member, report: _Report | None, alive: frozenset[str], now: float) -> Json:
    known: Json = {"node": member.node, "name": member.name, "joined": member.joined, "alive": member.node in alive}
    if report is None:
        return known | {"age_seconds": None, "address": None, "state": None, "skew_seconds": None, "refused": None}
    return known | {
        "age_seconds": now - report.at,
        "address": report.address,
        "state": report.state,
        "skew_seconds": report.skew_seconds,
        "refused": report.refused,
    }
