"""Whether a node is all right, and what to do where it is not: a pure function of what was observed of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bittrader.cluster import health_of_others
from bittrader.cluster.facts import Facts, differences
from bittrader.cluster.status_words import ago

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bittrader.cluster.codesync import Synced
    from bittrader.cluster.health_of_others import HeadSeen, NodeSeen
    from bittrader.cluster.identity import Role
    from bittrader.cluster.node_state import NodeState
    from bittrader.cluster.settings import Ports
    from bittrader.host.base import Listener, Memory

State = Literal["ok", "warning", "wrong"]
_WORST_FIRST: tuple[State, ...] = ("wrong", "warning", "ok")

STALE_SECONDS = 10.0
"""A daemon says twice a second how it is."""
_MEGABYTE, _GIGABYTE = 1e6, 1e9
_LEAST_FREE, _SOME_FREE = 200 * _MEGABYTE, _GIGABYTE
# From here on Ray makes no more objects on a disk, and ends workers for want of memory.
_RAY_FULL = 0.95
_LITTLE_MEMORY = 0.10
_RAY = ("raylet", "gcs_server")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    words: str
    advice: str = ""
    """What to do; empty where there is nothing to do."""


@dataclass(frozen=True)
class Disk:
    """The space where something of ours is written, in bytes."""

    path: str
    total: int
    free: int


@dataclass(frozen=True)
class Observed:
    """All that was observed of a node, at one moment."""

    role: Role
    now: float
    """Unix seconds."""
    facts: Facts
    """The versions of the program that looks."""
    running: bool
    """Whether there is a daemon."""
    state: NodeState | None
    """What it said last; None if it has said nothing that we understand."""
    settings: str
    """What is wrong with the settings file; empty when nothing is."""
    network: str
    """How this computer takes part in the network, or why it does not."""
    connected: bool
    """Whether it does."""
    missing: tuple[str, ...]
    """Secrets that are not there or empty."""
    loose: tuple[str, ...]
    """Secrets that others may read."""
    certificate: str | None
    """What is wrong with the node's certificate at its present address; None where it is good, or there is no need."""
    ports: Ports
    listeners: Mapping[int, Listener]
    """Who listens at them."""
    ours: frozenset[int]
    """The processes of the daemon and its Ray."""
    disks: tuple[Disk, ...]
    memory: Memory
    synced: Synced
    head: HeadSeen | None = None
    """What a worker found of its head."""
    nodes: tuple[NodeSeen, ...] = ()
    """What a head found of its nodes."""

    @property
    def fresh(self) -> NodeState | None:
        """What the daemon says, if it runs and says it now."""
        is_fresh = self.running and self.state is not None and self.now - self.state.at <= STALE_SECONDS
        return self.state if is_fresh else None


def findings(seen: Observed) -> tuple[Finding, ...]:
    """What there is to say of a node, the worst first."""
    return worst_first(Finding(*one) for check in _CHECKS for one in check(seen))


def worst_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order in which their reader needs them."""
    return tuple(sorted(found, key=lambda one: _WORST_FIRST.index(one.state)))


Said = tuple[str, State, str, str]
"""A finding's fields."""


def _daemon(seen: Observed) -> Iterator[Said]:
    role, state = seen.role, seen.state
    if not seen.running:
        yield "Daemon", "wrong", "it does not run", f"bittrader {role} start --background"
    elif state is None:
        yield "Daemon", "warning", "it has only just begun, or another version of it runs", "look again in a moment"
    elif (silent := seen.now - state.at) > STALE_SECONDS:
        advice = f"see why: bittrader {role} logs; then bittrader {role} stop, and start it again"
        yield "Daemon", "wrong", f"process {state.pid} runs, and has said nothing for {ago(silent)}: it hangs", advice
    else:
        yield "Daemon", "ok", f"process {state.pid} has run for {ago(seen.now - state.started)}", ""


def _ray(seen: Observed) -> Iterator[Said]:
    state = seen.fresh
    if state is None:
        return
    since = ago(seen.now - state.since)
    logs = f"see why: bittrader {seen.role} logs --errors" if seen.role == "head" else "see why: bittrader worker logs"
    if state.phase == "up" and state.alive:
        yield "Ray", "ok", f"up for {since} at {state.address}, and counted by the head", ""
    elif state.phase == "up":
        unknown = state.alive is None
        words = "nobody could be asked whether it counts" if unknown else "the head does not count it"
        yield "Ray", "warning" if unknown else "wrong", f"up for {since} at {state.address}, but {words}", logs
    elif state.phase == "down" and not (state.failures or state.waiting):
        yield "Ray", "warning", f"down for {since}: it is about to start", "look again in a moment"
    elif state.phase == "down":
        failed = f" after {state.failures} failed start{'s' * (state.failures != 1)}" if state.failures else ""
        yield "Ray", "wrong", f"down for {since}{failed}: {state.waiting or 'it is tried again soon'}", logs
    else:
        yield "Ray", "warning", f"{state.phase} for {since}", "look again in a moment"


def _settings(seen: Observed) -> Iterator[Said]:
    if seen.settings:
        yield "Settings", "wrong", seen.settings, "mend the file: a daemon that starts would refuse it"
    else:
        yield "Settings", "ok", "the file can be read", ""


def _versions(seen: Observed) -> Iterator[Said]:
    here, head = seen.facts, seen.head.facts if seen.head else None
    for one in differences(here, head) if head else ():
        yield "Versions", "wrong", str(one).removesuffix(f": {one.mend}"), one.mend
    if seen.state is not None and seen.running and seen.state.versions != here.versions:
        daemons = ", ".join(f"{name} {version}" for name, version in seen.state.versions.items())
        advice = f"bittrader {seen.role} stop, and start it again"
        yield "Versions", "warning", f"the daemon still runs with what was there before ({daemons})", advice
    elif head is None or not differences(here, head):
        same = ", the same as the head's" if head else ""
        yield "Versions", "ok", f"Python {here.python}, Ray {here.ray}, Bittrader {here.bittrader}{same}", ""


def _secrets(seen: Observed) -> Iterator[Said]:
    again = "join again, with a new code: bittrader worker join CODE"
    if seen.missing:
        mend = again if seen.role == "worker" else "bittrader head restart makes what is not there"
        yield "Secrets", "wrong", f"not there, or empty: {', '.join(seen.missing)}", mend
    if seen.loose:
        where = " ".join(seen.loose)
        yield "Secrets", "wrong", f"other users of this computer may read {', '.join(seen.loose)}", f"chmod go= {where}"
    if not seen.missing and not seen.loose:
        yield "Secrets", "ok", "all there, and closed to other users", ""


def _network(seen: Observed) -> Iterator[Said]:
    if not seen.connected:
        yield "Network", "wrong", seen.network, ""
        return
    yield "Network", "ok", seen.network, ""
    if seen.certificate:
        renewed = f"the daemon gets another before it starts Ray: bittrader {seen.role} restart"
        yield "Certificate", "wrong", seen.certificate, renewed


def _ports(seen: Observed) -> Iterator[Said]:
    wanted = _own_ports(seen)
    taken = {key: one for key, port in wanted.items() if (one := seen.listeners.get(port)) and one.pid not in seen.ours}
    for key, one in taken.items():
        yield "Ports", "wrong", f"port {wanted[key]} is taken by {_program(one)}", _mend(seen.role, key, one)
    state = seen.fresh
    deaf = [port for key, port in wanted.items() if state and state.phase == "up" and port not in seen.listeners]
    if deaf:
        advice = f"bittrader {seen.role} restart"
        yield "Ports", "wrong", f"nobody listens at port {', '.join(map(str, deaf))}, although Ray is up", advice
    if not taken and not deaf:
        ours = "ours" if any(port in seen.listeners for port in wanted.values()) else "free"
        yield "Ports", "ok", f"{', '.join(map(str, wanted.values()))} are {ours}", ""


def _leftovers(seen: Observed) -> Iterator[Said]:
    if seen.ours and not seen.running:
        words = f"{len(seen.ours)} processes of a daemon that was killed still run"
        yield "Leftovers", "warning", words, f"bittrader {seen.role} start ends them"


def _own_ports(seen: Observed) -> dict[str, int]:
    """Those at which somebody listens all the time while all is well, by the name of their setting."""
    keys = ("node_manager", "object_manager")
    return {key: getattr(seen.ports, key) for key in (("gcs", "meeting") if seen.role == "head" else ()) + keys}


def _program(one: Listener) -> str:
    if one.pid is None:
        return "a program of another user"
    ray = "another Ray, " if one.name and one.name.removesuffix(".exe") in _RAY else ""
    return f"{ray}{one.name or 'a program'} (process {one.pid})"


def _mend(role: Role, key: str, one: Listener) -> str:
    who = "it" if one.pid is None else f"process {one.pid}"
    return f"end {who}, or take another port: bittrader {role} config set network.ports.{key} PORT"


def _disk(seen: Observed) -> Iterator[Said]:
    for one in seen.disks:
        words = f"{_size(one.free)} of {_size(one.total)} are free at {one.path}"
        if one.free < _LEAST_FREE:
            yield "Disk", "wrong", words, "make room: nothing can be kept there soon"
        elif one.free < _SOME_FREE or one.free < (1 - _RAY_FULL) * one.total:
            yield "Disk", "warning", words, f"make room: Ray keeps no objects on a disk that is {_RAY_FULL:.0%} full"
        else:
            yield "Disk", "ok", words, ""


def _memory(seen: Observed) -> Iterator[Said]:
    memory = seen.memory
    words = f"{_size(memory.available)} of {_size(memory.total)} are free"
    if memory.available < (1 - _RAY_FULL) * memory.total:
        yield (
            "Memory",
            "wrong",
            words,
            "close something: Ray ends its workers so that the computer does not stand still",
        )
    elif memory.available < _LITTLE_MEMORY * memory.total:
        yield "Memory", "warning", words, f"allow fewer cores: bittrader {seen.role} config set node.cores N"
    else:
        yield "Memory", "ok", words, ""


def _allowance(seen: Observed) -> Iterator[Said]:
    if (state := seen.fresh) is not None:
        yield "Cores", "ok", f"{state.cores_allowed} of {state.cores} may be used: {state.reason}", ""


def _code(seen: Observed) -> Iterator[Said]:
    advice = f"bittrader {seen.role} config set code.folder PATH, or auto, or default" if seen.synced.trouble else ""
    yield "Code", "warning" if seen.synced.trouble else "ok", seen.synced.in_words, advice


def _others(seen: Observed) -> Iterator[Said]:
    up = seen.fresh is not None and seen.fresh.phase == "up"
    if seen.head is not None:
        yield from health_of_others.of_head(seen.head, seen.fresh, seen.now, _required(seen) if up else ())
    for node in seen.nodes:
        yield from health_of_others.of_node(node)


def _required(seen: Observed) -> tuple[int, ...]:
    return tuple(_own_ports(seen).values())


_CHECKS: tuple[Callable[[Observed], Iterator[Said]], ...] = (
    _daemon, _ray, _settings, _versions, _secrets, _network, _leftovers, _ports, _others,
    _disk, _memory, _allowance, _code,
)  # fmt: skip


def _size(size: float) -> str:
    return f"{size / _GIGABYTE:.1f} GB" if size >= _GIGABYTE else f"{size / _MEGABYTE:.0f} MB"
