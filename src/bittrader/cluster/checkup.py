"""Observes a node for its owner. Nothing is changed, and its daemon need not run for it."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bittrader import host, paths
from bittrader.cluster import codesync
from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import certificate_fault, certified_address
from bittrader.cluster.daemon_lock import is_held
from bittrader.cluster.facts import Facts, facts_here
from bittrader.cluster.health import Disk, Observed
from bittrader.cluster.health_of_others import HeadSeen, NodeSeen
from bittrader.cluster.identity import folder_of, require_identity
from bittrader.cluster.ledger import Ledger
from bittrader.cluster.network import no_way_in_words, probe, way
from bittrader.cluster.node_state import read_state
from bittrader.cluster.ray_folder import temp_dir
from bittrader.cluster.ray_process import members
from bittrader.cluster.secrets import Secrets, is_loose
from bittrader.cluster.settings import Network, Ports, Settings, read_settings
from bittrader.cluster.visit import Visitor
from bittrader.cluster.whole import whole_cluster
from bittrader.errors import ClusterError, InputError
from bittrader.host.base import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bittrader.cluster.identity import Identity, Role
    from bittrader.cluster.network import Outcome
    from bittrader.cluster.node_state import NodeState
    from bittrader.host.base import Address

_WORKER_SECRETS = (kept.TOKEN, kept.NODE_SECRET, kept.AUTHORITY, kept.NODE, kept.NODE_KEY)
_HEAD_SECRETS = (kept.TOKEN, kept.AUTHORITY, kept.AUTHORITY_KEY, kept.MEETING, kept.MEETING_KEY, kept.MEMBERS)
_AT_ONCE = 8
_SOME_WORKER_PORTS = 4
_HERE = "127.0.0.1"


def observe(role: Role) -> Observed:
    """All that can be observed of the node that this computer is in a role; takes some seconds where nobody answers.

    ClusterError when it is none.
    """
    folder, computer = folder_of(role), host.current()
    me = require_identity(folder, role)
    state = read_state(folder)
    settings, fault = _settings(folder, state)
    running, addresses, secrets = is_held(folder), computer.addresses(), Secrets(folder)
    network, connected = _network(addresses, settings)
    needed = _HEAD_SECRETS if role == "head" else _WORKER_SECRETS
    return Observed(
        role=role,
        now=time.time(),
        facts=facts_here(),
        running=running,
        state=state,
        settings=fault,
        network=network,
        connected=connected,
        missing=tuple(name for name in needed if not _is_there(secrets.path(name))),
        loose=tuple(map(str, (*secrets.loose(), *_told(folder, settings)))),
        certificate=_certificate(secrets, state if running else None),
        ports=settings.network.ports,
        listeners=_listeners(settings.network.ports, computer.listeners()),
        ours=_ours(folder, state if running else None),
        disks=_disks((folder, paths.home(), temp_dir(me.node))),
        memory=computer.memory(),
        synced=codesync.look_briefly(settings.code.folder, computer.drives),
        head=_head(folder, me, settings, addresses) if role == "worker" else None,
        nodes=_nodes(folder, me) if role == "head" and running else (),
    )


def _settings(folder: Path, state: NodeState | None) -> tuple[Settings, str]:
    """The settings and no fault; or, with what is wrong with them, ours at the ports that the daemon had last."""
    try:
        return read_settings(folder), ""
    except InputError as error:
        fault, ports = str(error), Ports() if state is None else _understood(state.ports)
        if ports is None:
            ports = Ports()
            fault += (
                " The daemon is of another version, with ports that are not known here: the usual ones are looked at."
            )
        return Settings(network=Network(ports=ports)), fault


def _understood(said: Any) -> Ports | None:
    """The ports that a daemon says it has; None where another version says it otherwise."""
    try:
        return Ports(**said)
    except (TypeError, InputError):
        return None


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _network(addresses: Iterable[Address], settings: Settings) -> tuple[str, bool]:
    try:
        found = way(tuple(addresses), settings.network)
    except ClusterError as error:
        return str(error), False
    if found is None:
        return no_way_in_words(settings.network), False
    return f"{', '.join(found.addresses)} ({found.reason})", True


def _certificate(secrets: Secrets, state: NodeState | None) -> str | None:
    """What is wrong with the certificate where it is used, or with the one that is kept."""
    if state is not None and state.phase == "up" and state.encrypted and state.address:
        return certificate_fault(secrets, state.address)
    address = certified_address(secrets)
    return None if address is None else certificate_fault(secrets, address)


def _listeners(ports: Ports, known: Mapping[int, Listener]) -> dict[int, Listener]:
    """Who listens at our ports; some systems do not tell of other users' programs, which answer all the same."""
    fixed = [port for key, port in vars(ports).items() if not key.endswith("_worker")]
    answering = [port for port, outcome in probe(_HERE, fixed, 0.5).items() if outcome == "open"]
    found = {port: known[port] for port in fixed if port in known}
    return {port: Listener(None, None) for port in answering} | found


def _ours(folder: Path, state: NodeState | None) -> frozenset[int]:
    started = members(Ledger(folder / paths.PROCESSES).earlier)
    return frozenset((*(one.pid for one in started), *([state.pid] if state else [])))


def _disks(paths_used: Iterable[Path]) -> tuple[Disk, ...]:
    """Each disk once, by the first of our folders on it."""
    found: dict[int, Disk] = {}
    for path in paths_used:
        there = next(one for one in (path, *path.parents) if one.exists())
        space = shutil.disk_usage(there)
        found.setdefault(there.stat().st_dev, Disk(str(there), space.total, space.free))
    return tuple(found.values())


def _head(folder: Path, me: Identity, settings: Settings, addresses: Iterable[Address]) -> HeadSeen:
    """What a worker finds when it visits its head."""
    try:
        visitor = Visitor(folder, me.node, facts_here())
        asked = time.time()
        known = visitor.status()
        now = (asked + time.time()) / 2
        token = visitor.token()
    except ClusterError as error:
        return HeadSeen(trouble=str(error))
    there, meeting = visitor.head
    nodes = {one["node"]: one for one in known["nodes"]}
    seen_at, back, back_trouble = _way_back(visitor, settings.network.ports)
    head = Facts.of(known["head"]["facts"])
    return HeadSeen(
        facts=head,
        ahead_seconds=now - float(known["time"]),
        same_token=_has_token(folder, token),
        heard_seconds=nodes.get(me.node, {}).get("age_seconds"),
        there=f"{there}:{meeting}",
        ports=probe(there, _ports_of(nodes.get(known["head"]["node"]), settings.network.ports, is_head=True)),
        seen_at=seen_at,
        known_at=tuple(one.ip for one in addresses),
        back=back,
        back_trouble=back_trouble,
    )


def _has_token(folder: Path, token: str) -> bool:
    try:
        return Secrets(folder).token() == token
    except ClusterError:
        return False


def _way_back(visitor: Visitor, ports: Ports) -> tuple[str | None, dict[int, Outcome], str]:
    try:
        reached = visitor.reach(_fixed(ports, is_head=False))
    except ClusterError as error:
        return None, {}, str(error)
    return reached.seen_at, reached.ports, ""


def _nodes(folder: Path, me: Identity) -> tuple[NodeSeen, ...]:
    """What a head knows of its nodes, and whether its connections get through to them."""
    try:
        known = [one for one in whole_cluster(folder)["nodes"] if one["node"] != me.node]
    except ClusterError:
        return ()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(_node, known))


def _node(known: Mapping[str, Any]) -> NodeSeen:
    state, address = known["state"], known["address"]
    if state is None or address is None:
        return NodeSeen(known["name"], None)
    return NodeSeen(
        name=known["name"],
        heard_seconds=known["age_seconds"],
        alive=known["alive"],
        refused=known["refused"],
        phase=state.get("phase", ""),
        waiting=state.get("waiting", ""),
        stopped=bool(state.get("stopped")),
        ahead_seconds=known["skew_seconds"],
        ports=probe(address, _ports_of(known, Ports(), is_head=False)),
    )


def _ports_of(node: Mapping[str, Any] | None, otherwise: Ports, *, is_head: bool) -> list[int]:
    """The ports of a node by what it says of itself, else by ours."""
    said = (node or {}).get("state") or {}
    return _fixed(_understood(said.get("ports")) or otherwise, is_head=is_head)


def _fixed(ports: Ports, *, is_head: bool) -> list[int]:
    """Those at which others must get through: the last of the workers', too, for a firewall that opens only some."""
    own = [ports.gcs, ports.meeting] if is_head else []
    workers = range(ports.first_worker, ports.last_worker + 1)
    some = {*workers[:_SOME_WORKER_PORTS], *workers[-_SOME_WORKER_PORTS:]}
    return [*own, ports.node_manager, ports.object_manager, *sorted(some)]


def _told(folder: Path, settings: Settings) -> tuple[Path, ...]:
    """The settings' file, where it holds a URL to tell the owner by and others may read it."""
    path = folder / paths.SETTINGS
    return (path,) if settings.notify.urls and path.exists() and is_loose(path) else ()
