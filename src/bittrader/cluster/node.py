"""A node as its daemon holds it: everything that can be looked at and done, and nothing that decides."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from bittrader import host, paths
from bittrader.cluster import actions, codesync, jobs, portrait, ray_command
from bittrader.cluster.authority import certified_address, tls_environment
from bittrader.cluster.compiling import Compiling
from bittrader.cluster.daemon_log import DaemonLog
from bittrader.cluster.drivers import read_running
from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import identity
from bittrader.cluster.ledger import Ledger
from bittrader.cluster.node_state import NodeState, read_state, write_state
from bittrader.cluster.ray_command import RayNode
from bittrader.cluster.ray_folder import make_temp_dir, rays_own, temp_dir
from bittrader.cluster.ray_process import RayProcess, clean_environment, kill, members
from bittrader.cluster.secrets import TOKEN, Secrets
from bittrader.cluster.seen import Seen
from bittrader.cluster.settings import read_settings
from bittrader.cluster.side import HeadSide, WorkerSide
from bittrader.cluster.supervisor import Memory, Rules, step
from bittrader.cluster.wishes import read_wishes
from bittrader.errors import BittraderError, ClusterError, InputError, cause_of
from bittrader.execution.allowance import Allowed, read_allowed, write_allowed
from bittrader.files import write_whole
from bittrader.host.base import Readings
from bittrader.notify.teller import Teller

if TYPE_CHECKING:
    from pathlib import Path

    from bittrader.cluster.actions import Action
    from bittrader.cluster.identity import Role
    from bittrader.cluster.seen import Place
    from bittrader.cluster.side import Side

_STATE_SECONDS = 1.0


class Node:
    """One life of a node's daemon, from its settings to its end."""

    def __init__(self, folder: Path, role: Role, *, shown: bool) -> None:
        """Reads what is kept, begins what listens and visits; ClusterError or InputError when that cannot be."""
        self.folder = folder
        self._settings = read_settings(folder)
        self._who = identity(folder, role, self._settings.node.shown_name)
        self._host = host.current()
        self._log = DaemonLog(folder, role, self._settings.logs, shown=shown)
        self._ledger = Ledger(folder / paths.PROCESSES)
        before = read_state(folder)
        self._jobs = jobs.Jobs(folder, self._ledger, before.jobs if before else ())
        self._ray = RayProcess(self._ledger, folder / paths.LOGS / "ray_start.log")
        self._compiling = Compiling(self._ledger, folder / paths.LOGS / "compiling.log", self._log)
        self._secrets = Secrets(folder)
        self._side: Side
        if role == "head":
            self._side = HeadSide(folder, self._who, self._settings, self._ledger, self._log)
        else:
            self._side = WorkerSide(folder, self._who, self._settings)
        self._synced = codesync.Following(folder, self._settings.code.folder, self._host.drives)
        self._rules = Rules(role, self._settings.node_policy, self._host.total_cores())
        self._ray_node = self._describe_ray()
        self._memory = Memory()
        self._started = time.time()
        self._versions = facts_here().versions
        self._code: int | None = None
        self._said: NodeState | None = None
        self._drivers: list[dict[str, object]] = []
        self._state_due = 0.0
        self._readings = Readings()
        self._troubles: dict[str, str] = {}
        self._settings_seen = self._settings_stamp()
        kept = folder / paths.NOTIFY, folder / paths.NOTIFY_OUTCOMES
        self._teller = Teller(*kept, self._who.name, self._settings.notify.wanted, self._log)
        self._do(actions.RemoveRayFile())
        self._log(f"begins as {role} {self._who.name} ({self._who.node}), process {os.getpid()}")

    def turn(self, *, ending: bool) -> int | None:
        """Looks, decides, does, and says how it is; the exit code once there is one."""
        self._follow_settings()
        seen = self._look(ending=ending)
        self._trouble("code", self._synced.found.how if self._synced.found.trouble else "")
        self._memory, acts = step(self._rules, self._memory, seen)
        for action in acts:
            self._do(action)
        self._say(seen)
        self._tell(seen)
        return self._code

    def wait(self, seconds: float) -> None:
        """Waits until the next turn is due in so long, or at once because the owner is back or the power changed."""
        self._host.wait_for_news(seconds)

    @property
    def in_words(self) -> str:
        """How the node is, in a line."""
        if self._memory.phase != "down":
            return f"Ray is {self._memory.phase}"
        return f"Ray is down: {self._memory.waiting}" if self._memory.waiting else "Ray is about to start"

    def close(self) -> None:
        """Ends its threads, and whatever still runs of what it started."""
        self._teller.close()
        self._side.close()
        self._synced.close()
        self._compiling.stop()
        self._ray.kill()
        self._host.close()
        self._do(actions.RemoveRayFile())
        if self._code is not None and not self._ray.look().processes:
            self._ray.close()
        self._log("ends")
        self._log.close()

    def _look(self, *, ending: bool) -> Seen:
        addresses = self._host.addresses()
        place, obstacle = self._side.place(addresses)
        wishes, damage = read_wishes(self.folder / paths.WISHES)
        self._trouble("wishes", damage)
        self._addresses = addresses
        local = time.localtime()
        return Seen(
            clocks=self._host.clocks(),
            chance=random.random(),  # noqa: S311 - it spreads starts, it keeps no secret
            hour=local.tm_hour + local.tm_min / 60 + local.tm_sec / 3600,
            place=place,
            obstacle=obstacle,
            addresses=frozenset(one.ip for one in addresses),
            certified=certified_address(self._secrets) if place is not None and place.encrypted else None,
            heard=self._side.heard(),
            cluster=self._side.cluster(),
            refused=self._side.refused(),
            ray=self._ray.look(),
            membership=self._side.membership_since,
            compiling=self._compiling.look(),
            leftovers=self._leftovers(),
            readings=self._read_host(),
            wishes=wishes,
            allowed=read_allowed(self.folder / paths.ALLOWANCE),
            ending=ending,
            jobs_asked=self._jobs.asked(),
            jobs=self._jobs.look(),
        )

    def _leftovers(self) -> int:
        """How many processes of earlier daemons there are."""
        left = len(members(self._ledger.earlier))
        if not left:
            self._ledger.forget_earlier()
        return left

    def _read_host(self) -> Readings:
        try:
            self._readings = self._host.readings((*self._ray.pids, *self._jobs.pids, *self._compiling.pids))
            self._trouble("readings", "")
        except InputError as error:
            self._trouble("readings", str(error))
        return self._readings

    def _follow_settings(self) -> None:
        """Takes up what the owner changed and can hold at once; the rest does from the next start on."""
        stamp = self._settings_stamp()
        if stamp == self._settings_seen:
            return
        self._settings_seen = stamp
        try:
            new = read_settings(self.folder)
        except InputError as error:
            self._trouble("settings", f"the settings stay as they were: {error}")
            return
        self._trouble("settings", "")
        self._rules = replace(self._rules, policy=new.node_policy)
        self._synced.want(new.code.folder)
        self._teller.want(new.notify.wanted)
        before = self._settings
        node = replace(new.node, cores=before.node.cores)
        other = replace(new, policy=before.policy, node=node, code=before.code, notify=before.notify) != before
        later = "; what is not of policy, code or notify, nor node.cores, holds after a restart" if other else ""
        self._log(f"takes up the changed settings{later}")

    def _settings_stamp(self) -> tuple[object, ...]:
        return tuple(_stamp(self.folder / name) for name in (paths.SETTINGS, paths.VARIABLES))

    def _describe_ray(self) -> RayNode:
        return RayNode(
            head=self._rules.role == "head",
            node=self._who.node,
            name=self._who.name,
            cores=self._rules.cores,
            memory_bytes=self._host.memory().total,
            settings=self._settings,
            temp_dir=rays_own(temp_dir(self._who.node)),
            token=self._secrets.path(TOKEN),
            allowance=self.folder / paths.ALLOWANCE,
            synced=self.folder / paths.CODE,
            flags=self._host.flags(),
            tls=tls_environment(self._secrets),
        )

    def _do(self, action: Action) -> None:
        """Does one thing; what the system refuses is a line in the log, and the next turn sees that it was not done."""
        kind = type(action).__name__
        try:
            self._perform(action)
        except (OSError, BittraderError) as error:
            self._trouble(kind, f"{kind}: {error}")
        else:
            self._troubles.pop(kind, None)

    def _perform(self, action: Action) -> None:  # noqa: C901, PLR0912 - a table of what can be done
        match action:
            case actions.Log(line, trouble):
                self._log(line, trouble=trouble)
            case actions.LookAgain():
                self._side.look_again()
            case actions.EndLeftovers():
                left = members(self._ledger.earlier)
                self._log(
                    f"ends {len(left)} processes that an earlier daemon left: {', '.join(str(one.pid) for one in left)}"
                )
                kill(left)
            case actions.Certify(address):
                self._side.certify(address)
            case actions.StartRay(place):
                self._start_ray(place)
            case actions.DrainRay():
                self._ray.drain()
            case actions.KillRay():
                self._ray.kill()
            case actions.WriteRayFile(place, session):
                self._write_ray_file(place, session)
            case actions.RemoveRayFile():
                (self.folder / paths.RAY).unlink(missing_ok=True)
            case actions.StartMembership(gcs):
                assert self._memory.place is not None
                self._side.start_membership(gcs, ray_command.driver_environment(self._ray_node, self._memory.place))
            case actions.StopMembership():
                self._side.stop_membership()
            case actions.WriteAllowance(cores, reason):
                write_allowed(self.folder / paths.ALLOWANCE, Allowed(cores, reason))
            case actions.StartCompiling():
                self._compiling.start()
            case actions.StopCompiling():
                self._compiling.stop()
            case actions.StartJob(name):
                self._jobs.start(name)
            case actions.StopJob(name, at_once):
                self._jobs.stop(name, kill=at_once)
            case actions.FinishJob(name, code):
                output = jobs.log_file(self.folder, name)
                self._teller.finished(name, code, output, time.time(), asked=jobs.is_to_be_told(self.folder, name))
                self._jobs.finish(name, code)
            case actions.Exit(code):
                self._code = code

    def _start_ray(self, place: Place) -> None:
        self._side.before_start()
        make_temp_dir(temp_dir(self._who.node))
        environment = {**clean_environment(), **ray_command.environment(self._ray_node, place)}
        self._ray.start(ray_command.command(self._ray_node, place), environment)

    def _write_ray_file(self, place: Place, session: str) -> None:
        facts = {
            "gcs": place.gcs,
            "node_ip": place.address,
            "node": self._who.node,
            "session": session,
            "env": ray_command.driver_environment(self._ray_node, place),
        }
        write_whole(self.folder / paths.RAY, json.dumps(facts, indent=1), lasting=False)

    def _say(self, seen: Seen) -> None:
        """Says how this node is: to the head and, when it changed or some time passed, in the file."""
        now = seen.clocks.monotonic
        self._drivers = read_running(self.folder)
        state = self._state(seen)
        try:
            hosting = portrait.hosting(self._memory, seen, self._addresses, self._settings.network)
            self._side.invite_to(hosting)
            if now >= self._state_due or _news(state) != (self._said and _news(self._said)):
                self._state_due = now + _STATE_SECONDS
                write_state(self.folder, state)
                self._side.say(state.as_json())
                self._said = state
                self._trouble("jobs", self._jobs.withdraw_ended())
        except (OSError, ClusterError) as error:
            self._trouble("state", f"the state cannot be written: {error}")
        else:
            self._trouble("state", "")

    def _tell(self, seen: Seen) -> None:
        """Has the owner told what is new."""
        try:
            self._teller.look(portrait.view(self._rules.role, self._who.name, self._memory, seen))
        except Exception as error:  # noqa: BLE001 - no message is worth a node
            self._trouble("notify", f"the owner may not be told what is new: {cause_of(error)}")
        else:
            self._trouble("notify", "")

    def _state(self, seen: Seen) -> NodeState:
        memory, readings, allowance = self._memory, seen.readings, self._memory.allowance
        wall, monotonic = seen.clocks.wall, seen.clocks.monotonic
        place = memory.place or seen.place
        heard = seen.heard is not None and seen.heard.asked >= max(memory.since, memory.looked)
        head_seen, trouble, nodes = self._side.news()
        return NodeState(
            role=self._rules.role,
            node=self._who.node,
            name=self._who.name,
            pid=os.getpid(),
            started=self._started,
            at=wall,
            phase=memory.phase,
            since=wall - (monotonic - max(memory.entered, monotonic - (wall - self._started))),
            waiting=memory.waiting if memory.phase == "down" else "",
            failures=memory.failures,
            next_start=wall + memory.not_before - monotonic if memory.not_before > monotonic else None,
            address=place.address if place else None,
            gcs=place.gcs if place else None,
            session=memory.session,
            encrypted=bool(place and place.encrypted),
            alive=seen.heard.alive if heard and seen.heard and memory.phase == "up" else None,
            cores=self._rules.cores,
            cores_allowed=allowance.cores if allowance else 0,
            reason=allowance.reason if allowance else "",
            cause=str(allowance.cause) if allowance else "",
            system=self._host.name,
            on_battery=readings.on_battery,
            charge=readings.charge,
            idle_seconds=readings.idle_seconds,
            head_seen=head_seen,
            head_trouble=trouble,
            nodes=nodes,
            versions=self._versions,
            studies=self._drivers,
            jobs=self._jobs.states(seen.jobs_asked, memory.jobs, wall - monotonic),
            code=self._synced.found.as_json(),
            ports=asdict(self._settings.network.ports),
        )

    def _trouble(self, kind: str, words: str) -> None:
        """Writes down what is wrong, once for as long as it stays so."""
        if words and self._troubles.get(kind) != words:
            self._log(words, trouble=True)
        if words:
            self._troubles[kind] = words
        else:
            self._troubles.pop(kind, None)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def _news(state: NodeState) -> NodeState:
    """A state without what changes all the time, and is no news."""
    return replace(state, at=0.0, since=0.0, idle_seconds=None, head_seen=None, next_start=None, head_trouble="")
