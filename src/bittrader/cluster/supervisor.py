"""What a node's daemon is to do next: a pure function of what it remembers and what it sees.

Nothing is remembered that can be seen. Whatever happens between two turns, a process that dies, an address that goes, a
lid that closes, the next turn sees how things are and says what is missing. A node's Ray goes through four phases:

    down --StartRay--> starting --it is there--> up --a reason to stop--> stopping --no process is left--> down

and StartRay is said only while it is down and not one process of it, or of an earlier daemon, is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from bittrader.cluster import actions, job_rules
from bittrader.cluster.backoff import delay
from bittrader.cluster.policy import Allowance, Moment, NodePolicy, PolicyMemory, allow
from bittrader.errors import ExitCode
from bittrader.execution.allowance import Allowed
from bittrader.host.clocks import absence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.cluster.actions import Action
    from bittrader.cluster.job_rules import JobMemory
    from bittrader.cluster.seen import Place, RaySeen, Seen
    from bittrader.host.clocks import Clocks

Role = Literal["head", "worker"]
Phase = Literal["down", "starting", "up", "stopping"]

RESTART_CODE = ExitCode.BUSY
"""What `Exit` says when the owner asked for a restart."""
UNENDING_CODE = ExitCode.DEFECT
"""What it says when it ended and something that it started did not: a service is not begun anew for that."""

TICK_SECONDS = 0.5
SETTLED_SECONDS = 1.0
"""How long a place must be the same before a node is started there: an interface that comes up changes its mind."""
BETTER_SECONDS = 10.0
"""How long another address must be the better one before a node leaves one that is still up."""
START_SECONDS = 90.0
DRAIN_SECONDS = 5.0
LOST_SECONDS = 3.0
"""How long the head must say that it does not know this node's Ray, after it did."""
UNKNOWN_SECONDS = 10.0
"""How long a new node may take to be known."""
SILENT_SECONDS = 20.0
"""How long the head's own Ray may give no answer."""
MUTE_SECONDS = 15.0
"""How long the process that asks Ray may say nothing, not even that it got no answer."""
HEARD_SECONDS = 6.0
"""How old an answer of the head may be for a node to be started by it."""
# A node that vanishes without a goodbye leaves the head's GCS some of its connections, which only its end closes: Ray
# asks nothing over them, and so does not notice. Measured while nobody searched: 14, and 8 for each node.
HEAD_CONNECTIONS, NODE_CONNECTIONS = 60, 15
"""How many connections the head's GCS may hold in any case, and for each node: more are of nodes that have gone."""
QUIET_SECONDS, OLD_SECONDS = 60.0, 600.0
"""Such a Ray begins anew once nobody has searched for so long, if it is so old."""
MOST_CONNECTIONS = 4000
"""So many left behind are not borne during a search either: what a process may have open has an end."""
HEALTHY_SECONDS = 20.0
"""After so long a time at work, earlier failures are forgotten."""
END_SECONDS = 25.0
"""After so long the daemon ends, whatever is left."""
# Fewer seconds of difference between two clocks are corrections, as the network makes them all the time.
_JUMP_SECONDS = 2.0


@dataclass(frozen=True)
class Rules:
    """What does not change while a daemon runs."""

    role: Role
    policy: NodePolicy
    cores: int
    """How many the computer has."""


@dataclass(frozen=True)
class Memory:
    """What must be remembered from turn to turn. Times are monotonic seconds; a new one knows nothing."""

    clocks: Clocks | None = None
    looked: float = -math.inf
    """What was asked before this is not believed."""
    policy: PolicyMemory = field(default_factory=PolicyMemory)
    allowance: Allowance | None = None
    phase: Phase = "down"
    entered: float = -math.inf
    """When the phase began."""
    since: float = -math.inf
    """From when its time counts: from then on, or from shortly before a standstill ended."""
    place: Place | None = None
    """Where Ray is, while it is not down."""
    wanted: Place | None = None
    """Where it should be, as of the last turn."""
    wanted_since: float = -math.inf
    session: str | None = None
    """Which start of the head's Ray this node is part of, once that is known."""
    known: bool = False
    """Whether Ray's list has had this node as alive since it is up."""
    lost_since: float | None = None
    """Since when the list has not."""
    failures: int = 0
    """In a row."""
    not_before: float = -math.inf
    """When Ray may be started again."""
    waiting: str = ""
    """Why Ray is down, in words for the owner."""
    quiet_since: float | None = None
    """Since when a head knows of no search."""
    told: actions.WriteRayFile | None = None
    """What drivers on this computer were told of Ray."""
    membership_not_before: float = -math.inf
    jobs: Mapping[str, JobMemory] = field(default_factory=lambda: MappingProxyType({}))
    ending_since: float | None = None


@dataclass(frozen=True)
class _Stop:
    """A reason to stop a Ray node."""

    why: str
    drain: bool = False
    failure: bool = False


def step(rules: Rules, memory: Memory, seen: Seen) -> tuple[Memory, tuple[Action, ...]]:
    """What to remember, and what to do now."""
    turn = _Turn(rules, memory, seen)
    turn.notice_time()
    turn.notice_end()
    turn.notice_place()
    turn.notice_searches()
    turn.set_allowance()
    turn.end_leftovers()
    turn.run_ray()
    turn.run_membership()
    turn.compile_ahead()
    turn.tell_drivers()
    turn.run_jobs()
    turn.exit_when_ended()
    return turn.memory, tuple(turn.actions)


class _Turn:
    """One turn, while it is worked out."""

    def __init__(self, rules: Rules, memory: Memory, seen: Seen) -> None:
        self.rules, self.memory, self.seen = rules, memory, seen
        self.now = seen.clocks.monotonic
        self.actions: list[Action] = []

    def notice_time(self) -> None:
        """After a sleep, a standstill or a jump of the clock, nothing that was heard before is believed."""
        before, now = self.memory.clocks, self.seen.clocks
        self._remember(clocks=now)
        if before is None:
            return
        away = absence(before, now, TICK_SECONDS)
        jumped = (now.wall - before.wall) - (now.boottime - before.boottime)
        if away is not None:
            words = "the computer slept" if away.kind == "slept" else "this program stood still"
            self._look_again(f"{words} for {away.seconds:.0f} s: looks at everything anew")
            # Ray's own checks stood still as well: how long something has been so is counted from now on.
            self._remember(lost_since=None, since=max(self.memory.since, self.now - UNKNOWN_SECONDS))
        elif abs(jumped) > _JUMP_SECONDS:
            self._look_again(f"the clock was set {jumped:+.0f} s: looks at everything anew")

    def notice_end(self) -> None:
        """Notes since when all is to end, and that it no longer is."""
        if not self._ending:
            self._remember(ending_since=None)
        elif self.memory.ending_since is None:
            why = "Ctrl-C or the system ends it" if self.seen.ending else f"you asked for a {self.seen.wishes.run}"
            self._log(f"stops, because {why}")
            self._remember(ending_since=self.now)

    def notice_place(self) -> None:
        """Notes since when the node should be where it should be now."""
        if self.seen.place == self.memory.wanted:
            return
        before = self.memory.wanted
        self._remember(wanted=self.seen.place, wanted_since=self.now)
        if before is not None and (self.seen.place is None or self.seen.place.address != before.address):
            self.actions.append(actions.LookAgain())
            self._remember(looked=self.now)

    def notice_searches(self) -> None:
        """Notes since when a head's cluster is quiet."""
        cluster = self.seen.cluster
        if cluster is None or cluster.searching or self.seen.jobs_asked:
            self._remember(quiet_since=None)
        elif self.memory.quiet_since is None:
            self._remember(quiet_since=self.now)

    def set_allowance(self) -> None:
        """Says how many cores may be used, when that is not what was said: for whatever cause, a lost file too."""
        moment = Moment(self.now, self.seen.clocks.wall, self.seen.hour)
        policy, allowance = allow(
            self.rules.policy, self.memory.policy, self.seen.readings, self.seen.wishes, self.rules.cores, moment
        )
        before = self.memory.allowance
        self._remember(policy=policy, allowance=allowance)
        if self.seen.allowed != Allowed(allowance.cores, allowance.reason):
            self.actions.append(actions.WriteAllowance(allowance.cores, allowance.reason))
        if before is None or (before.cores, before.cause) != (allowance.cores, allowance.cause):
            self._log(f"{allowance.cores} of {self.rules.cores} cores allowed: {allowance.reason}")

    def end_leftovers(self) -> None:
        """Has what an earlier daemon left killed, before anything is started."""
        if self.seen.leftovers:
            self.actions.append(actions.EndLeftovers())

    def run_ray(self) -> None:
        """Brings this node's Ray from its phase to the next, if it is time."""
        memory, ray = self.memory, self.seen.ray
        if memory.phase == "starting" and ray.start == "done" and self._is_there(ray):
            self._log(f"Ray is up at {self._where} after {self.now - memory.since:.1f} s")
            self._enter("up", session=memory.place and memory.place.session, known=False, lost_since=None)
        if self.memory.phase == "up":
            self._listen()
        if self.memory.phase in ("starting", "up") and (stop := self._reason_to_stop()) is not None:
            self._stop_ray(stop)
        elif self.memory.phase == "stopping":
            self._go_on_stopping()
        elif self.memory.phase == "down":
            self._start_ray()

    def run_membership(self) -> None:
        """Has the head's Ray asked for its list while there is one."""
        said = self.seen.membership
        wanted = self.rules.role == "head" and self.memory.phase in ("starting", "up")
        mute = said is not None and self.now - max(said, self.memory.looked) > MUTE_SECONDS
        if said is not None and (mute or not wanted):
            self.actions.append(actions.StopMembership())
        elif wanted and said is None and self.memory.place and self.now >= self.memory.membership_not_before:
            self.actions.append(actions.StartMembership(self.memory.place.gcs))
            self._remember(membership_not_before=self.now + delay(2, self.seen.chance))

    def compile_ahead(self) -> None:
        """Has the node ready for its first search, when its owner lets it work."""
        allowance = self.memory.allowance
        may = self.memory.phase == "up" and allowance is not None and allowance.cores > 0
        if may and self.seen.compiling == "not yet":
            self.actions.append(actions.StartCompiling())
        elif not may and self.seen.compiling == "runs":
            self.actions.append(actions.StopCompiling())

    def tell_drivers(self) -> None:
        """Keeps what drivers on this computer are told in step with how it is."""
        memory = self.memory
        is_up = memory.phase == "up" and memory.place is not None and memory.session is not None
        wanted = actions.WriteRayFile(memory.place, memory.session) if is_up else None  # type: ignore[arg-type]
        if wanted != memory.told:
            self.actions.append(actions.RemoveRayFile() if wanted is None else wanted)
            self._remember(told=wanted)

    def run_jobs(self) -> None:
        """Runs the studies that are to run."""
        asked = frozenset() if self._ending or self.seen.leftovers else self.seen.jobs_asked
        jobs, acts = job_rules.decide(self.memory.jobs, asked, self.seen.jobs, self.now, self.seen.chance)
        self._remember(jobs=jobs)
        self.actions.extend(acts)

    def exit_when_ended(self) -> None:
        """Leaves once all has ended, or will not."""
        if self.memory.ending_since is None:
            return
        code = RESTART_CODE if self.seen.wishes.run == "restart" and not self.seen.ending else 0
        if not self._left():
            self.actions.append(actions.Exit(code))
        elif self.now - self.memory.ending_since >= END_SECONDS:
            self._log(f"ends, although not all that it started does: {', '.join(self._left())}", trouble=True)
            self.actions.append(actions.Exit(UNENDING_CODE))

    def _left(self) -> list[str]:
        """What has not ended yet."""
        count, jobs = self.seen.ray.processes, self.seen.jobs.items()
        return [
            *([f"Ray ({count} processes)"] if count or self.memory.phase != "down" else []),
            *(["what asks Ray for its list"] if self.seen.membership is not None else []),
            *(["what compiles ahead"] if self.seen.compiling == "runs" else []),
            *(f"the study {name}" for name, job in jobs if job.code is None),
        ]

    def _start_ray(self) -> None:
        """Starts Ray, unless something is in its way; what that is, is said once."""
        if self.seen.ray.processes:  # of a start that is over, and that nothing remembers
            self.actions.append(actions.KillRay())
            return
        obstacle, place = self._obstacle(), self.seen.place
        if obstacle != self.memory.waiting:
            self._remember(waiting=obstacle)
            if obstacle and not self._ending:
                self._log(f"Ray is down: {obstacle}")
        if not obstacle and place is not None and self._is_ready(place):
            self.actions.append(actions.StartRay(place))
            self._remember(place=place)
            self._enter("starting")
            self._log(f"starts Ray at {self._where}")

    def _obstacle(self) -> str:
        """Why Ray is to stay down, in words that stay the same while the cause does; nothing if it is not."""
        seen = self.seen
        if self._ending or seen.refused is not None or seen.leftovers:
            return self._prohibition()
        if seen.place is None:
            return seen.obstacle
        if self.rules.role == "worker" and not self._is_fresh(HEARD_SECONDS) and self._looked_for(HEARD_SECONDS):
            return "the head does not answer"
        if seen.place.encrypted and seen.certified != seen.place.address:
            self.actions.append(actions.Certify(seen.place.address))
            return f"there is no certificate yet for {seen.place.address}"
        return ""

    def _prohibition(self) -> str:
        """Why nothing may be started, wherever."""
        if self._ending:
            return "it is being stopped"
        if self.seen.refused is not None:
            return f"the head refuses this node: {self.seen.refused}"
        return "processes of an earlier daemon are still there"

    def _is_ready(self, place: Place) -> bool:
        """Whether it is time to start there."""
        settled = self.now - self.memory.wanted_since >= SETTLED_SECONDS and place == self.memory.wanted
        return (
            settled
            and self.now >= self.memory.not_before
            and (self.rules.role == "head" or self._is_fresh(HEARD_SECONDS))
        )

    def _is_fresh(self, seconds: float) -> bool:
        """Whether something was heard lately, and since the last look."""
        heard = self.seen.heard
        return heard is not None and heard.asked >= self.memory.looked and self.now - heard.asked <= seconds

    def _looked_for(self, seconds: float) -> bool:
        return self.now - self.memory.looked > seconds

    def _listen(self) -> None:
        """Notes what Ray's list says of this node, if it was asked since the node is up."""
        heard, memory = self.seen.heard, self.memory
        if heard is None or heard.asked < max(memory.since, memory.looked):
            return
        if self.rules.role == "head" and memory.session is None:
            self._remember(session=heard.session)
        if heard.alive:
            self._remember(known=True, lost_since=None)
        elif memory.lost_since is None and heard.session is not None:
            self._remember(lost_since=self.now)
        if self.memory.known and self.now - memory.since >= HEALTHY_SECONDS:
            self._remember(failures=0)

    def _reason_to_stop(self) -> _Stop | None:
        """Why a Ray node that starts or is up must not go on."""
        memory, seen = self.memory, self.seen
        if self._ending:
            return _Stop("all is to stop", drain=True)
        if seen.refused is not None:
            return _Stop(f"the head refuses this node: {seen.refused}", drain=True)
        if (moved := self._reason_to_move()) is not None:
            return _Stop(moved)
        if memory.phase == "starting":
            return self._failure_to_start()
        return self._failure() or self._clutter()

    def _reason_to_move(self) -> str | None:
        """Why this node must be elsewhere; while it is nowhere to be, it stays: a short cut loses nothing."""
        here, there = self.memory.place, self.memory.wanted
        if there is None or here is None or there == here:
            return None
        settled = self.now - self.memory.wanted_since
        if there.session != here.session:
            return "the head's Ray is another one now"
        if (there.gcs, there.encrypted) != (here.gcs, here.encrypted):
            return f"the head is met at {there.gcs} now"
        if here.address not in self.seen.addresses:
            return (
                f"this computer's address was {here.address} and is {there.address}"
                if settled >= SETTLED_SECONDS
                else None
            )
        return f"{there.address} is the better address" if settled >= BETTER_SECONDS else None

    def _failure_to_start(self) -> _Stop | None:
        ray, took = self.seen.ray, self.now - self.memory.since
        if ray.start == "none" and took > SETTLED_SECONDS:
            return _Stop("its program could not be started", failure=True)
        if ray.start == "failed":
            return _Stop(f"it could not start: {ray.said or 'it did not say why'}", failure=True)
        if ray.start == "done" and not self._is_there(ray):
            return _Stop("it started and was gone at once", failure=True)
        return _Stop(f"it was not up after {took:.0f} s", failure=True) if took > START_SECONDS else None

    def _failure(self) -> _Stop | None:
        """What is wrong with a node that is up."""
        memory, heard = self.memory, self.seen.heard
        if not self._is_there(self.seen.ray):
            gone = "raylet" if self.seen.ray.gcs or self.rules.role == "worker" else "GCS"
            return _Stop(f"its {gone} has gone", failure=True)
        if self.rules.role == "head":
            silent = self.now - max(memory.since, memory.looked, heard.asked if heard else -math.inf)
            if silent > SILENT_SECONDS:
                return _Stop(f"it has not answered for {silent:.0f} s", failure=True)
        if memory.lost_since is None:
            return None
        if not memory.known:
            late = self.now - memory.since >= UNKNOWN_SECONDS
            return _Stop("Ray's list does not have this node", failure=True) if late else None
        if self.now - memory.lost_since < LOST_SECONDS and memory.lost_since - memory.looked > LOST_SECONDS:
            return None
        return _Stop("Ray's list has this node as lost", failure=True)

    def _clutter(self) -> _Stop | None:
        """What vanished nodes left in the head's Ray, if that is much, and it can begin anew."""
        cluster, held, quiet = self.seen.cluster, self.seen.ray.connections, self.memory.quiet_since
        if cluster is None:
            return None
        left = held - HEAD_CONNECTIONS - NODE_CONNECTIONS * cluster.nodes
        idle = quiet is not None and self.now - quiet >= QUIET_SECONDS and self.now - self.memory.entered >= OLD_SECONDS
        if left > MOST_CONNECTIONS or (left > 0 and idle):
            return _Stop(f"it holds {held} connections, most of them of nodes that have gone", drain=True)
        return None

    def _stop_ray(self, stop: _Stop) -> None:
        self._log(f"stops Ray at {self._where}: {stop.why}", trouble=stop.failure)
        self.actions.append(actions.DrainRay() if stop.drain and self.memory.phase == "up" else actions.KillRay())
        if stop.failure:
            self._failed()
        self._enter("stopping")

    def _failed(self) -> None:
        """Counts a failure, and sets when the next start may be."""
        failures = self.memory.failures + 1
        self._remember(failures=failures, not_before=self.now + delay(failures, self.seen.chance))

    def _go_on_stopping(self) -> None:
        ray = self.seen.ray
        if not ray.processes:
            self._enter("down", place=None, session=None, known=False, lost_since=None)
        elif not ray.node or self.now - self.memory.since >= DRAIN_SECONDS:
            self.actions.append(actions.KillRay())

    def _is_there(self, ray: RaySeen) -> bool:
        return ray.node and (ray.gcs or self.rules.role == "worker")

    @property
    def _ending(self) -> bool:
        return self.seen.ending or self.seen.wishes.run != "yes"

    @property
    def _where(self) -> str:
        place = self.memory.place
        if place is None:
            return "nowhere"
        return place.gcs if self.rules.role == "head" else f"{place.address}, of the head at {place.gcs}"

    def _look_again(self, why: str) -> None:
        self._log(why)
        self.actions.append(actions.LookAgain())
        self._remember(looked=self.now)

    def _enter(self, phase: Phase, **facts: object) -> None:
        self._remember(phase=phase, entered=self.now, since=self.now, **facts)

    def _remember(self, **facts: object) -> None:
        self.memory = replace(self.memory, **facts)  # type: ignore[arg-type]

    def _log(self, line: str, *, trouble: bool = False) -> None:
        self.actions.append(actions.Log(line, trouble))
