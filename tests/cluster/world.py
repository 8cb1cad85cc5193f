"""A computer and its network, simulated: time passes as fast as it can be worked out, and every rule of Ray's that
matters to a supervisor holds in it. The supervisor is the real one.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import Literal

from bittrader.cluster import actions
from bittrader.cluster.policy import NodePolicy
from bittrader.cluster.seen import Ahead, Cluster, Heard, JobSeen, Place, RaySeen, Seen
from bittrader.cluster.supervisor import TICK_SECONDS, Memory, Rules, step
from bittrader.cluster.wishes import Wishes
from bittrader.execution.allowance import Allowed
from bittrader.host.base import Readings
from bittrader.host.clocks import Clocks

# What was measured of Ray with our settings.
DEAD_SECONDS = 8.0
"""After so long without an answer, the head's Ray counts a node as lost for ever."""
ORPHAN_SECONDS = 60.0
"""After so long without the head's Ray, a raylet ends."""
DRAIN_SECONDS = 1.0
COMPILING_SECONDS = 20.0
VISIT_SECONDS = 1.0
NEVER = math.inf


@dataclass
class Ray:
    """One start of this node's Ray."""

    place: Place
    began: float
    up_at: float
    fails: bool
    ended_at: float = NEVER
    registered: bool = False
    answered: float = -NEVER
    dead: bool = False
    connections: int = 14
    """Of a head's GCS."""
    draining: float | None = None


@dataclass
class World:
    """Everything around one node's supervisor."""

    role: Literal["head", "worker"] = "worker"
    seed: int = 0
    start_seconds: float = 5.0
    address: str | None = "10.0.0.2"
    link: bool = True
    """Whether the head can be reached."""
    head_session: str | None = "first"
    gcs: str = "10.0.0.1:6379"
    failing: int = 0
    """How many of the next starts fail."""
    refused: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    ending: bool = False
    leftovers: int = 0
    jobs_asked: set[str] = field(default_factory=set)
    allowed: Allowed | None = None
    """What stands in the file."""

    now: float = 1000.0
    wall: float = 1_800_000_000.0
    asleep: float = 0.0
    """Seconds slept so far, which the monotonic clock does not count."""
    ray: Ray | None = None
    memory: Memory = field(default_factory=Memory)
    heard: Heard | None = None
    told_place: Place | None = None
    visit_due: float = 0.0
    certified: str | None = None
    membership_at: float | None = None
    asks_after: float = 0.0
    """How long what asks a head's Ray takes to begin."""
    asks_from: float = 0.0
    answers: bool = True
    """Whether a head's Ray does, while it is up."""
    searching: bool = False
    """Whether somebody searches on a head's cluster."""
    compiling: Ahead = "not yet"
    compiled_at: float = 0.0
    jobs: dict[str, JobSeen] = field(default_factory=dict)
    code: int | None = None
    ray_file: actions.WriteRayFile | None = None
    starts: list[float] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    sessions: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._rules = Rules(self.role, NodePolicy(), 4)

    # What can be asked

    @property
    def at_work(self) -> bool:
        """Whether the head's Ray can use this node now."""
        ray = self.ray
        if ray is None or not ray.registered or ray.dead or self.memory.phase != "up":
            return False
        if self.role == "head":
            return self.ray_file is not None
        return self._reaches(ray) and ray.place.session == self.head_session and self.ray_file is not None

    def words(self) -> str:
        return "\n".join(f"{when:8.1f} {line}" for when, line in self.log)

    # What can happen

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end and self.code is None:
            self.tick()

    def run_until_at_work(self, most: float) -> float:
        """How long it took to be at work."""
        began = self.now
        while not self.at_work:
            assert self.now - began < most, f"not at work after {most} s\n{self.words()}"
            self.tick()
        return self.now - began

    def kill_raylet(self) -> None:
        if self.ray is not None and self.ray.registered:
            self.ray.ended_at = self.now

    def kill_asker(self) -> None:
        self.membership_at = None

    def restart_head(self, down: float) -> None:
        """The head's Ray is a new one after so many seconds."""
        self.head_session = None
        self.run(down)
        self.sessions += 1
        self.head_session = f"session {self.sessions}"

    def cut(self, seconds: float) -> None:
        self.link = False
        self.run(seconds)
        self.link = True

    def sleep(self, seconds: float) -> None:
        """The lid is closed: nothing runs, and the monotonic clock stands still."""
        self._be_missed(seconds)
        self.asleep += seconds
        self.wall += seconds

    def freeze(self, seconds: float) -> None:
        """All processes stand still while time goes on."""
        self._be_missed(seconds)
        self.now += seconds
        self.wall += seconds

    def _be_missed(self, seconds: float) -> None:
        """The head's Ray counts a worker as lost; a head's own stands still as the node does."""
        if self.ray is not None and self.ray.registered and seconds > DEAD_SECONDS and self.role == "worker":
            self.ray.dead = True

    def set_clock(self, seconds: float) -> None:
        self.wall += seconds

    # How it goes on

    def tick(self) -> None:
        self._live_ray()
        if self.compiling == "runs" and self.now >= self.compiled_at:
            self.compiling = "done"
        self._visit()
        self.memory, acts = step(self._rules, self.memory, self._seen())
        for action in acts:
            self._apply(action)
        self.now += TICK_SECONDS
        self.wall += TICK_SECONDS

    def _seen(self) -> Seen:
        place, obstacle = self._place()
        return Seen(
            clocks=Clocks(self.wall, self.now, self.now + self.asleep),
            chance=self._random.random(),
            hour=12.0,
            place=place,
            obstacle=obstacle,
            addresses=frozenset({self.address} - {None}),
            certified=self.certified,
            heard=self.heard,
            cluster=Cluster(1, self.searching) if self.role == "head" and self.heard else None,
            refused=self.refused,
            ray=self._ray_seen(),
            membership=self.membership_at,
            compiling=self.compiling,
            leftovers=self.leftovers,
            readings=Readings(has_screen=False),
            wishes=self.wishes,
            allowed=self.allowed,
            ending=self.ending,
            jobs_asked=frozenset(self.jobs_asked),
            jobs=self.jobs,
        )

    def _place(self) -> tuple[Place | None, str]:
        if self.address is None:
            return None, "there is no network"
        if self.role == "head":
            return Place(self.address, f"{self.address}:6379", encrypted=True), ""
        if self.told_place is None:
            return None, "the head has not answered yet"
        return replace(self.told_place, address=self.address), ""

    def _reaches(self, ray: Ray) -> bool:
        return self.link and self.address == ray.place.address and self.head_session is not None

    def _live_ray(self) -> None:
        ray = self.ray
        if ray is None:
            return
        if ray.draining is not None and self.now - ray.draining >= DRAIN_SECONDS:
            ray.ended_at = min(ray.ended_at, self.now)
        if not ray.registered and self.now >= ray.up_at and ray.ended_at > self.now:
            reaches = self.role == "head" or (self._reaches(ray) and ray.place.session == self.head_session)
            if ray.fails or not reaches:
                ray.fails, ray.ended_at = True, self.now
            else:
                ray.registered, ray.answered = True, self.now
        if ray.registered and ray.ended_at > self.now and self.role == "worker":
            self._live_with_the_head(ray)

    def _live_with_the_head(self, ray: Ray) -> None:
        if self._reaches(ray) and ray.place.session == self.head_session and not ray.dead:
            ray.answered = self.now
        elif self.now - ray.answered > DEAD_SECONDS:
            ray.dead = True
        if self.now - ray.answered > ORPHAN_SECONDS:
            ray.ended_at = self.now

    def _ray_seen(self) -> RaySeen:
        ray = self.ray
        if ray is None:
            return RaySeen()
        if self.now < ray.up_at and ray.ended_at > self.now:
            return RaySeen("running", processes=1)
        lives = ray.ended_at > self.now
        is_head = self.role == "head"
        # Its other processes outlive the raylet until they are killed.
        processes = 5 if lives else 3
        start, held = "failed" if ray.fails else "done", ray.connections if is_head else 0
        return RaySeen(start, node=lives, gcs=is_head, processes=processes, said="no way", connections=held)

    def _visit(self) -> None:
        """What the threads of the daemon bring."""
        if self.role == "head":
            if self.membership_at is not None and self.now >= self.asks_from:
                self.membership_at = self.now
                ray = self.ray
                if ray is not None and ray.registered and self.answers:
                    alive = ray.ended_at > self.now and not ray.dead
                    self.heard = Heard(self.now, f"own {len(self.starts)}", alive)
            return
        if self.now < self.visit_due or not self.link or self.address is None:
            return
        self.visit_due = self.now + VISIT_SECONDS
        ray = self.ray
        alive = ray is not None and ray.registered and not ray.dead and ray.place.session == self.head_session
        self.heard = Heard(self.now, self.head_session, alive)
        session = self.head_session
        self.told_place = None if session is None else Place(self.address, self.gcs, encrypted=True, session=session)

    def _apply(self, action: actions.Action) -> None:  # noqa: C901, PLR0912 - a table of what can be done
        assert self.code is None, "something is done after the end"
        match action:
            case actions.Log(line, _):
                self.log.append((self.now, line))
            case actions.LookAgain():
                self.visit_due = self.now
            case actions.EndLeftovers():
                self.leftovers = max(0, self.leftovers - 3)
            case actions.Certify(address):
                self.certified = address if self.role == "head" or self.link else self.certified
            case actions.StartRay(place):
                self._start_ray(place)
            case actions.DrainRay():
                assert self.ray is not None
                self.ray.draining = self.now
            case actions.KillRay():
                self.ray = None
            case actions.WriteRayFile():
                assert self.ray is not None
                assert self.ray.place == action.place
                self.ray_file = action
            case actions.RemoveRayFile():
                self.ray_file = None
            case actions.StartMembership():
                assert self.membership_at is None
                self.membership_at, self.asks_from = self.now, self.now + self.asks_after
            case actions.StopMembership():
                self.membership_at = None
            case actions.WriteAllowance(cores, reason):
                assert 0 <= cores <= 4
                self.allowed = Allowed(cores, reason)
            case actions.StartCompiling():
                assert self.compiling == "not yet"
                assert self.ray is not None, "compiles while this node may not work"
                self.compiling, self.compiled_at = "runs", self.now + COMPILING_SECONDS
            case actions.StopCompiling():
                self.compiling = "not yet"
            case actions.StartJob(name):
                assert self.jobs.get(name, JobSeen(0)).code is not None, f"{name} runs already"
                self.jobs[name] = JobSeen()
            case actions.StopJob(name, _):
                self.jobs[name] = JobSeen(130)
            case actions.FinishJob(name, _):
                self.jobs_asked.discard(name)
                self.jobs.pop(name, None)
            case actions.Exit(code):
                self.code = code

    def _start_ray(self, place: Place) -> None:
        assert self.ray is None, f"two Ray nodes at a time\n{self.words()}"
        assert not self.leftovers, "started beside what an earlier daemon left"
        assert not place.encrypted or self.certified == place.address, "started without a certificate"
        fails, self.failing = self.failing > 0, max(0, self.failing - 1)
        took = 1.0 if fails else self.start_seconds
        self.ray = Ray(place, self.now, self.now + took, fails)
        self.starts.append(self.now)
