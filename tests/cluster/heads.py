"""A head that is met on the loopback, for tests."""

from __future__ import annotations

import itertools
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bittrader.cluster import inviting
from bittrader.cluster.desk import Head
from bittrader.cluster.facts import Facts
from bittrader.cluster.invite import Invite, decode
from bittrader.cluster.meeting import Meeting
from bittrader.cluster.members import Members
from bittrader.cluster.messages import Hosting
from bittrader.cluster.secrets import MEMBERS, Secrets
from bittrader.cluster.visit import Visitor, join

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACTS = Facts("3.11.7", "2.60.0", "0.1.0")
HERE = "127.0.0.1"
_numbers = itertools.count(1)


@dataclass
class Lone:
    """A head without Ray: what its Ray would say is set by the test."""

    folder: Path
    hosting: Hosting = field(
        default_factory=lambda: Hosting("one", f"{HERE}:6379", frozenset(), (HERE,), encrypted=True)
    )
    log: list[str] = field(default_factory=list)
    ahead: float = 0.0
    meeting: Meeting | None = None

    @property
    def secrets(self) -> Secrets:
        return Secrets(self.folder)

    @property
    def members(self) -> Members:
        return Members(self.secrets.path(MEMBERS))

    def now(self) -> float:
        return time.time() + self.ahead

    def open(self, port: int = 0) -> None:
        head = Head("0" * 16, "studio", FACTS)
        self.meeting = Meeting(self.folder, head, lambda: self.hosting, port=port, log=self.log.append, now=self.now)

    def invite(self, *addresses: str, hours: float = 24) -> Invite:
        made = inviting.invite(self.folder, addresses or (HERE,), self.meeting.port, self.now(), "air", hours)
        return decode(made.code)

    def change(self, **changes: object) -> None:
        self.hosting = replace(self.hosting, **changes)

    def node(self, folder: Path, facts: Facts = FACTS) -> Visitor:
        """A node that has just joined."""
        node = f"{next(_numbers):016x}"
        join(folder, self.invite(), node, f"node {node[-2:]}", FACTS)
        return Visitor(folder, node, facts)


@contextmanager
def lone_head(folder: Path, prepared: Path) -> Iterator[Lone]:
    """A head in a new folder; its certificates are those of `prepared`, which take a second to make."""
    shutil.copytree(prepared / "secrets", folder / "secrets")
    head = Lone(folder)
    head.open()
    try:
        yield head
    finally:
        head.meeting.close()
