"""What is different about being a head and being a worker, as the daemon sees it."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from bittrader import paths
from bittrader.cluster import authority
from bittrader.cluster.desk import Head
from bittrader.cluster.facts import facts_here
from bittrader.cluster.meeting import Meeting
from bittrader.cluster.messages import Hosting
from bittrader.cluster.ray_list import Membership, answered
from bittrader.cluster.ray_place import head_place, worker_place
from bittrader.cluster.ray_process import clean_environment
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.seen import Cluster, Heard
from bittrader.cluster.visit import Visitor
from bittrader.cluster.visits import Visits
from bittrader.errors import ClusterError
from bittrader.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bittrader.cluster.identity import Identity
    from bittrader.cluster.ledger import Ledger
    from bittrader.cluster.messages import Json
    from bittrader.cluster.ray_list import Listed
    from bittrader.cluster.seen import Place
    from bittrader.cluster.settings import Settings
    from bittrader.host.base import Address


STATUS_SECONDS = 2.0
"""How often a head writes what it knows of all nodes, for the command line: the file `cluster.json`."""
_WATCHED_SECONDS = 0.5
"""How often it does so while a study runs, which somebody may be watching."""
FORGOTTEN_SECONDS = 120.0
"""After so long without a word from the computer that runs a search, nobody counts on its coming back."""


class Side(Protocol):
    """A head's or a worker's own way."""

    def place(self, addresses: Sequence[Address]) -> tuple[Place | None, str]:
        """Where this node is to take part, or why nowhere."""

    def heard(self) -> Heard | None:
        """What Ray's list says of this node."""

    def cluster(self) -> Cluster | None:
        """What a head knows of its cluster; None on a worker, and while the head's Ray does not answer."""

    def refused(self) -> str | None:
        """Why the head does not let it take part."""

    def certify(self, address: str) -> None:
        """Begins to get a certificate for an address."""

    def look_again(self) -> None:
        """Asks at once."""

    def before_start(self) -> None:
        """What must be done before Ray starts."""

    def start_membership(self, gcs: str, environment: dict[str, str]) -> None:
        """Starts the process that asks Ray for its list."""

    def stop_membership(self) -> None:
        """Ends it."""

    @property
    def membership_since(self) -> float | None:
        """When the membership process last said anything, in monotonic seconds; None while there is none."""

    def news(self) -> tuple[float | None, str, int | None]:
        """When the head last answered (Unix seconds), what troubles it, and how many nodes it has."""

    def invite_to(self, hosting: Hosting) -> None:
        """What nodes that visit are told of this node's Ray."""

    def say(self, state: Json) -> None:
        """How this node is, to be told to whoever wants to know."""

    def close(self) -> None:
        """Ends its threads and processes."""


class HeadSide:
    """A head: it meets its nodes, and asks its own Ray."""

    def __init__(
        self, folder: Path, who: Identity, settings: Settings, ledger: Ledger, log: Callable[..., None]
    ) -> None:
        self._folder, self._who, self._network, self._ledger, self._log = folder, who, settings.network, ledger, log
        self._secrets = Secrets(folder)
        authority.prepare_head(self._secrets)
        self._membership: Membership | None = None
        self._membership_started = -math.inf
        self._answered: Listed | None = None
        self._hosting = Hosting(None, None, frozenset(), (), encrypted=False)
        self._errand: Thread | None = None
        self._troubled = ""
        self._status_due = -math.inf
        self._searching = True
        head = Head(who.node, who.name, facts_here())
        self._meeting = Meeting(
            folder,
            head,
            lambda: self._hosting,
            port=settings.network.ports.meeting,
            log=lambda line: log(line, trouble=True),
        )

    def place(self, addresses: Sequence[Address]) -> tuple[Place | None, str]:
        return head_place(addresses, self._network)

    def heard(self) -> Heard | None:
        last = self._answer()
        return None if last is None else Heard(last.asked, last.session, self._who.node in last.alive)

    def cluster(self) -> Cluster | None:
        last = self._membership.last if self._membership else None
        if last is None or last.session is None:
            return None
        return Cluster(len(last.alive), self._searching)

    def refused(self) -> str | None:
        return None

    def certify(self, address: str) -> None:
        if self._errand is None or not self._errand.is_alive():
            self._errand = Thread(target=self._certify, args=(address,), name="certificate", daemon=True)
            self._errand.start()

    def look_again(self) -> None:
        """Nothing is asked less often than once a second."""

    def before_start(self) -> None:
        if self._secrets.adopt_token():
            self._log("takes up another token for Ray: nodes fetch it at their next visit")

    def start_membership(self, gcs: str, environment: dict[str, str]) -> None:
        self.stop_membership()
        everything = {**clean_environment(), **environment}
        self._membership = Membership(self._ledger, gcs, everything, self._folder / paths.LOGS / "membership.log")
        self._membership_started = time.monotonic()

    def stop_membership(self) -> None:
        self._answer()
        if self._membership is not None:
            self._membership.close()
        self._membership = None

    @property
    def membership_since(self) -> float | None:
        if self._membership is None or not self._membership.runs:
            return None
        last = self._membership.last
        return self._membership_started if last is None else max(last.asked, self._membership_started)

    def news(self) -> tuple[float | None, str, int | None]:
        last = self._membership.last if self._membership else None
        if last is None:
            return None, "", None
        asked = time.time() - (time.monotonic() - last.asked)
        return asked, last.error, len(last.alive) if last.session else None

    def invite_to(self, hosting: Hosting) -> None:
        last = self._answer()
        alive = last.alive if last is not None and hosting.session == last.session else frozenset()
        self._hosting = replace(hosting, alive=alive)

    def say(self, state: Json) -> None:
        self._meeting.note(state)
        if time.monotonic() >= self._status_due:
            known = self._meeting.status()
            self._searching = searching(known)
            self._status_due = time.monotonic() + (_WATCHED_SECONDS if known["studies"] else STATUS_SECONDS)
            write_whole(self._folder / paths.CLUSTER, json.dumps(known), lasting=False)

    def close(self) -> None:
        self._meeting.close()
        self.stop_membership()

    def _answer(self) -> Listed | None:
        """What Ray answered last, whichever process asked it: it goes on while that is begun anew."""
        self._answered = answered(self._answered, self._membership.last if self._membership else None)
        return self._answered

    def _certify(self, address: str) -> None:
        try:
            authority.certify_head(self._secrets, self._who.name, address)
            self._troubled = ""
        except ClusterError as error:
            if str(error) != self._troubled:
                self._log(str(error), trouble=True)
            self._troubled = str(error)


class WorkerSide:
    """A worker: it visits its head, and believes what that says."""

    def __init__(self, folder: Path, who: Identity, settings: Settings) -> None:
        """ClusterError when this computer has never joined."""
        self._network = settings.network
        self._state: Json = {}
        facts = facts_here()
        Visitor(folder, who.node, facts)  # so that a folder that has never joined is refused here, and not in a thread
        self._visits = Visits(lambda: Visitor(folder, who.node, facts), lambda: self._state, who.name)

    def place(self, addresses: Sequence[Address]) -> tuple[Place | None, str]:
        latest = self._visits.latest
        place, why = worker_place(addresses, self._network, latest.told)
        return place, (latest.trouble or why) if latest.told is None else why

    def heard(self) -> Heard | None:
        latest = self._visits.latest
        return None if latest.told is None else Heard(latest.asked, latest.told.session, latest.told.alive)

    def cluster(self) -> Cluster | None:
        return None

    def refused(self) -> str | None:
        return self._visits.latest.refused

    def certify(self, address: str) -> None:
        self._visits.certify(address)

    def look_again(self) -> None:
        self._visits.look_again()

    def before_start(self) -> None:
        """The visits keep the token up to date."""

    def start_membership(self, gcs: str, environment: dict[str, str]) -> None:
        """The head asks, and tells at each visit."""

    def stop_membership(self) -> None:
        """There is none."""

    @property
    def membership_since(self) -> float | None:
        return None

    def news(self) -> tuple[float | None, str, int | None]:
        latest = self._visits.latest
        return latest.at, latest.trouble, None

    def invite_to(self, hosting: Hosting) -> None:
        """Nobody visits a worker."""

    def say(self, state: Json) -> None:
        self._state = state

    def close(self) -> None:
        if self._state:
            self._state = {**self._state, "stopped": True, "studies": []}
        self._visits.close()


def searching(known: Json) -> bool:
    """Whether a search runs on the cluster, as its status has it."""
    ages = {node["node"]: node["age_seconds"] for node in known["nodes"]}
    return any(ages.get(study["node"], math.inf) < FORGOTTEN_SECONDS for study in known["studies"])
