"""The bridge between a driver and Ray: the process that alone imports Ray, and the actor that it puts on each node.

It forwards and decides nothing. Whatever Ray tells comes into one inbox, and one loop answers it; nothing in that loop
waits for Ray. What can hang, asking the head for its nodes and making actors, has a thread of its own.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import psutil
import ray
from ray.exceptions import ActorUnavailableError, ActorUnschedulableError, RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bittrader import paths
from bittrader.errors import cause_of
from bittrader.execution import frames
from bittrader.execution.assignment import Status
from bittrader.execution.base import Done, Failure, Part
from bittrader.execution.link import (
    Alive,
    Ask,
    Begin,
    Connected,
    Disconnected,
    End,
    Gone,
    Joined,
    Submit,
    Told,
    Withdraw,
)
from bittrader.execution.node import NodeWork
from bittrader.execution.ray_names import ALLOWANCE, NAME_LABEL, NODE_LABEL, SYNCED
from bittrader.execution.ray_words import why_dead, why_not_connected, why_not_started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bittrader.execution.link import FromCluster, Parcel, ToCluster

NAMESPACE = "bittrader"

_POLL_SECONDS = 0.5
_WATCH_SECONDS = 1.0
_AGAIN_SECONDS = 0.3
# A node that cannot even start its actor is tried again, because its owner may be mending it.
_REFUSED_SECONDS = 15.0
_NICE = 10
# Some for calls that wait (a poll, candles on their way), and some for those that do not.
_ACTOR_THREADS = 8


class NodeActor:
    """One node's work for one driver, as a Ray actor."""

    def __init__(self, cores: int) -> None:
        _be_modest()
        # Or each process for evaluations would begin by importing the program that Ray's worker is.
        vars(sys.modules["__main__"]).pop("__file__", None)
        allowance, synced = (os.environ.get(name) for name in (ALLOWANCE, SYNCED))
        store = paths.home() / "code"
        self._work = NodeWork(store, Path(allowance) if allowance else None, cores, Path(synced) if synced else None)
        self._session = ""
        self._lock = threading.Lock()

    def begin(self, session: str, data: bytes, refs: Mapping[str, Any]) -> None:
        """Takes up a search, once what it shares has arrived."""
        with self._lock:
            self._session = session
        shared = {fingerprint: _opened(_arrived(ref)) for fingerprint, ref in refs.items()}
        with self._lock:
            if self._session == session:
                self._work.begin(session, data, shared)

    def submit(self, session: str, data: bytes) -> None:
        self._work.submit(session, pickle.loads(data))  # noqa: S301 - it comes from the cluster's own driver

    def cancel(self, session: str, tickets: Sequence[int]) -> None:
        self._work.cancel(session, tickets)

    def poll(self, session: str, acknowledged: int, seconds: float) -> bytes:
        """The pickled status, as NodeWork.poll says."""
        with self._lock:
            mine = session == self._session
        return _pickled(self._work.poll(acknowledged if mine else 0, seconds))

    def end(self, session: str) -> None:
        self._work.end(session)


def _be_modest() -> None:
    """Leaves the processor to whoever else wants it."""
    if hasattr(os, "nice"):
        os.nice(max(0, _NICE - os.nice(0)))  # Ray's own workers are modest by default
    else:
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)


def _arrived(ref: Any) -> Any:
    """What a reference stands for, when it is here; raises when it never will be."""
    while not ray.wait([ref], timeout=1.0)[0]:
        pass
    return ray.get(ref)


def _opened(parcel: tuple[bytes, Sequence[Any]]) -> object:
    """What was in a parcel; its arrays stay where they are, in the node's object store."""
    data, buffers = parcel
    return pickle.loads(data, buffers=buffers)  # noqa: S301 - it comes from the cluster's own driver


def _pickled(status: Status) -> bytes:
    try:
        return pickle.dumps(status)
    except Exception:  # noqa: BLE001 - pickling runs the answers' own code
        return pickle.dumps(replace(status, answers=tuple(map(_sendable, status.answers))))


def _sendable(answer: tuple[int, Done[Any]]) -> tuple[int, Done[Any]]:
    serial, done = answer
    try:
        pickle.dumps(done)
    except Exception as error:  # noqa: BLE001 - likewise
        failure = Failure(f"its answer cannot be sent: {cause_of(error)}")
        return serial, replace(done, parts=(Part(0, done.parts[-1].stop, failure),))
    return answer


@dataclass(frozen=True)
class _Seen:
    """A Ray node that is alive."""

    ray_id: str
    node: str
    name: str
    cores: int


@dataclass
class _Worker:
    """A node's actor."""

    seen: _Seen
    actor: Any
    joined: bool = False
    refused: str | None = None
    """Why it cannot be asked at all; it is then spoken for here."""
    session: str = ""
    acknowledged: int = 0


class _Membership:
    """Watches which nodes there are, and makes their actors; in a thread, because the head may not answer."""

    def __init__(self, tell: Callable[[object], None]) -> None:
        self._tell = tell
        self._made: set[str] = set()
        self._again: dict[str, float] = {}
        self._lock = threading.Lock()
        self._class = ray.remote(NodeActor)

    def watch(self) -> None:
        while True:
            with contextlib.suppress(RayError, OSError):  # the head does not answer: nothing is known to have changed
                nodes = ray.nodes()  # type: ignore[no-untyped-call]
                self._look([_seen(node) for node in nodes if node["Alive"]])
            time.sleep(_WATCH_SECONDS)

    def make_again(self, seen: _Seen, after: float) -> None:
        """Its actor is no more: another is to be made if the node is still there."""
        with self._lock:
            self._made.discard(seen.ray_id)
            self._again[seen.ray_id] = time.monotonic() + after

    def _look(self, alive: Sequence[_Seen]) -> None:
        self._tell(frozenset(seen.ray_id for seen in alive))
        for seen in alive:
            with self._lock:
                due = seen.ray_id not in self._made and time.monotonic() >= self._again.get(seen.ray_id, 0.0)
                if due:
                    self._made.add(seen.ray_id)
            if due:
                self._tell(_Worker(seen, self._actor(seen)))

    def _actor(self, seen: _Seen) -> Any:
        there = NodeAffinitySchedulingStrategy(seen.ray_id, soft=False)
        options = {"num_cpus": 0, "max_restarts": 0, "max_concurrency": _ACTOR_THREADS, "scheduling_strategy": there}
        return self._class.options(**options).remote(seen.cores)


def _seen(node: Mapping[str, Any]) -> _Seen:
    labels, ray_id = node.get("Labels") or {}, node["NodeID"]
    name = labels.get(NAME_LABEL) or node["NodeManagerHostname"]
    cores = int(node["Resources"].get("CPU", 0))
    return _Seen(ray_id, labels.get(NODE_LABEL) or ray_id, name, cores)


@dataclass(frozen=True)
class _Polled:
    """How a poll ended."""

    ray_id: str
    outcome: bytes | BaseException


class _Bridge:
    """Forwards between the driver and the nodes' actors."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._workers: dict[str, _Worker] = {}  # by Ray's id of the node
        self._begin: Begin | None = None
        self._refs: dict[str, Any] = {}
        self._later: list[tuple[float, str]] = []  # when to poll which node again
        self._membership = _Membership(self.inbox.put)

    def run(self) -> None:
        threading.Thread(target=self._membership.watch, daemon=True).start()
        told = 0.0
        while True:
            if time.monotonic() >= told + _POLL_SECONDS:
                self._tell(Alive())
                told = time.monotonic()
            self._poll_again()
            with contextlib.suppress(queue.Empty):
                self._handle(self.inbox.get(timeout=_AGAIN_SECONDS / 2))

    def _tell(self, message: FromCluster) -> None:
        frames.write(self._out, message)

    def _handle(self, event: object) -> None:
        if isinstance(event, _Polled):
            self._polled(event)
        elif isinstance(event, _Worker):
            self._greet(event)
        elif isinstance(event, frozenset):
            self._drop_missing(event)
        else:
            self._forward(event)  # type: ignore[arg-type]

    # --- from the driver

    def _forward(self, message: ToCluster) -> None:
        if isinstance(message, Begin):
            self._begin = message
            for worker in self._workers.values():
                self._begin_at(worker)
        elif isinstance(message, End):
            self._begin = None
            for worker in self._workers.values():
                worker.actor.end.remote(message.session)
        elif (addressed := self._worker(message.node)) is not None:
            self._forward_to(addressed, message)

    def _forward_to(self, worker: _Worker, message: Submit | Withdraw | Ask) -> None:
        if isinstance(message, Submit):
            worker.actor.submit.remote(message.session, message.data)
        elif isinstance(message, Withdraw):
            worker.actor.cancel.remote(message.session, message.tickets)
        else:
            worker.session, worker.acknowledged = message.session, message.acknowledged
            if worker.refused is None:
                self._poll(worker, _POLL_SECONDS)
            else:
                self._later.append((time.monotonic() + _POLL_SECONDS, worker.seen.ray_id))

    def _worker(self, node: str) -> _Worker | None:
        return next((one for one in self._workers.values() if one.seen.node == node and one.joined), None)

    def _begin_at(self, worker: _Worker) -> None:
        if self._begin is None:
            return
        # Inside a dictionary references travel as such: the call does not wait for what they stand for.
        refs = {parcel.fingerprint: self._put(parcel) for parcel in self._begin.parcels}
        worker.actor.begin.remote(self._begin.session, self._begin.data, refs)

    def _put(self, parcel: Parcel) -> Any:
        if parcel.fingerprint not in self._refs:
            arrays = [np.frombuffer(buffer, np.uint8) for buffer in parcel.buffers]
            self._refs[parcel.fingerprint] = ray.put((parcel.data, arrays))
        return self._refs[parcel.fingerprint]

    # --- from the nodes

    def _greet(self, worker: _Worker) -> None:
        self._workers[worker.seen.ray_id] = worker
        self._begin_at(worker)
        self._poll(worker, 0.0)

    def _poll(self, worker: _Worker, seconds: float) -> None:
        ray_id = worker.seen.ray_id
        asked = worker.actor.poll.remote(worker.session, worker.acknowledged, seconds).future()
        asked.add_done_callback(lambda future: self.inbox.put(_Polled(ray_id, future.exception() or future.result())))

    def _poll_again(self) -> None:
        due = [ray_id for when, ray_id in self._later if when <= time.monotonic()]
        if due:
            self._later = [one for one in self._later if one[1] not in due]
            for ray_id in due:
                if (worker := self._workers.get(ray_id)) is None:
                    continue
                if worker.refused is None:
                    self._poll(worker, _POLL_SECONDS)
                else:
                    self._tell_refused(worker)

    def _polled(self, polled: _Polled) -> None:
        worker = self._workers.get(polled.ray_id)
        if worker is None:
            return
        if isinstance(polled.outcome, bytes):
            self._join(worker)
            self._tell(Told(worker.seen.node, polled.outcome))
        elif isinstance(polled.outcome, ActorUnavailableError):  # its network: it may be back in a moment
            self._later.append((time.monotonic() + _AGAIN_SECONDS, polled.ray_id))
        elif _is_over(polled.outcome):
            why, died = why_dead(polled.outcome)
            self._remove(worker, why, died=died)
            self._membership.make_again(worker.seen, _WATCH_SECONDS)
        else:  # its actor cannot start, or is of another release
            worker.refused = why_not_started(polled.outcome)
            self._join(worker)
            self._tell_refused(worker)
            self._membership.make_again(worker.seen, _REFUSED_SECONDS)

    def _join(self, worker: _Worker) -> None:
        """A first answer: only now is its Ray node the one, because the head may list a lost one for seconds yet."""
        if worker.joined:
            return
        for other in [one for one in self._workers.values() if one.seen.node == worker.seen.node and one is not worker]:
            self._remove(other, "its Ray node was restarted", died=False)
        worker.joined = True
        self._tell(Joined(worker.seen.node, worker.seen.name))

    def _tell_refused(self, worker: _Worker) -> None:
        session = "" if self._begin is None else self._begin.session
        self._tell(Told(worker.seen.node, pickle.dumps(Status(session, refused=worker.refused))))

    def _drop_missing(self, alive: frozenset[str]) -> None:
        for ray_id in self._workers.keys() - alive:
            self._remove(self._workers[ray_id], "the head says that it is gone", died=False)

    def _remove(self, worker: _Worker, why: str, *, died: bool) -> None:
        del self._workers[worker.seen.ray_id]
        if worker.joined:
            self._tell(Gone(worker.seen.node, why, died))


def _is_over(error: BaseException) -> bool:
    """Whether an actor is no more, or its node is not there to make it; not that it cannot begin on it."""
    if isinstance(error, RayActorError):
        return not error.actor_init_failed
    return isinstance(error, ActorUnschedulableError)


def _read(inbox: queue.SimpleQueue[object]) -> None:
    """Takes what the driver says until it is gone, and this process with it."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            inbox.put(frames.read(sys.stdin.buffer))
    os._exit(0)


def main() -> None:
    """The life of the bridge: how to reach Ray comes first, then whatever the driver says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints is no message
    sys.stdout = sys.stderr
    facts: Mapping[str, Any] = frames.read(sys.stdin.buffer)
    try:
        _connect(facts)
    except Exception as error:  # noqa: BLE001 - told to the driver, in words
        frames.write(out, Disconnected(why_not_connected(error, facts["gcs"])))
        return
    frames.write(out, Connected())
    bridge = _Bridge(out)
    threading.Thread(target=_read, args=(bridge.inbox,), daemon=True).start()
    bridge.run()


def _connect(facts: Mapping[str, Any]) -> None:
    ray.init(
        address=facts["gcs"],
        _node_ip_address=facts["node_ip"],
        namespace=NAMESPACE,
        log_to_driver=False,
        configure_logging=False,
    )
