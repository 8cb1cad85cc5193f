"""How a node is, in words for its owner: from what its daemon says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bittrader.cluster.codesync import Synced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bittrader.cluster.node_state import JobState, NodeState

_STALE_SECONDS = 10.0
# How long a detached study that has ended is news.
_DONE_SECONDS, _FAILED_SECONDS = 3600.0, 24 * 3600.0


def in_words(state: NodeState, now: float) -> Iterator[tuple[str, str]]:
    """Labels and what to say of each; `now` in Unix seconds."""
    yield "Node", f"{state.name} ({state.node}), {state.role} for {ago(now - state.started)}, process {state.pid}"
    if now - state.at > _STALE_SECONDS:
        yield "Beware", f"this is from {ago(now - state.at)} ago: the daemon may hang"
    yield "Ray", ray_in_words(state, now)
    yield "Code", Synced(**state.code).in_words
    yield "Cores", f"{state.cores_allowed} of {state.cores} may be used: {state.reason}"
    yield "Power", power_in_words(state.charge, on_battery=state.on_battery)
    if state.role == "worker":
        yield "Head", head_in_words(state, now)
    if state.nodes is not None:
        yield "Cluster", f"{state.nodes} node{'s' * (state.nodes != 1)}"
    for study in state.studies:
        waits = f", waiting for {study['waits_for']}" if study.get("waits_for") else ""
        yield "Study", f"{study.get('study')}: {far_in_words(study)}{waits}"
    for job in state.jobs:
        if job.ended is not None and now - job.ended > (_DONE_SECONDS if job.code == 0 else _FAILED_SECONDS):
            continue
        yield "Detached", f"{job.name} {job_in_words(job, now)}"


def ray_in_words(state: NodeState, now: float) -> str:
    """Whether Ray is up, since when, and why not."""
    since = ago(now - state.since)
    if state.phase == "up":
        known = {True: "", False: ", but the head does not count it", None: ", and nobody could be asked about it"}
        kind = "encrypted" if state.encrypted else "not encrypted by us: the VPN does that"
        return f"up for {since} at {state.address}, {kind}{known[state.alive]}"
    why = f": {state.waiting}" if state.waiting else ""
    again = "" if state.next_start is None else f"; next try in {max(0.0, state.next_start - now):.0f} s"
    return f"{state.phase} for {since}{why}{again}"


def far_in_words(study: Mapping[str, Any]) -> str:
    """How far a search is, from what its driver says."""
    far = study.get("far")
    if not far:
        return "begins"
    part = f"{far['part']}, " if far["part"] else ""
    return f"{part}{far['done']:,} of {far['total']:,} evaluations"


def job_in_words(job: JobState, now: float) -> str:
    """Whether a detached study runs, what it waits for, and how it ended."""
    if job.running:
        return "runs"
    if job.trouble:
        return f"waits for {next_try(job, now)}"
    if job.code is None:
        return "is to run"
    when = "" if job.ended is None else f" {ago(now - job.ended)} ago"
    return f"ended{when}" if job.code == 0 else f"failed{when} (exit code {job.code}): see logs/study-{job.name}.log"


def next_try(job: JobState, now: float) -> str:
    """When a detached study is started again, and why it must be."""
    return f"another try in {max(0.0, (job.next_start or now) - now):.0f} s: {job.trouble}"


def head_in_words(state: NodeState, now: float) -> str:
    """When the head last answered."""
    if state.head_trouble:
        last = "" if state.head_seen is None else f" (last answered {ago(now - state.head_seen)} ago)"
        return f"{state.head_trouble}{last}"
    return "has not answered yet" if state.head_seen is None else f"answered {ago(now - state.head_seen)} ago"


def power_in_words(charge: float | None, *, on_battery: bool | None) -> str:
    """Where the electricity comes from."""
    if on_battery is None:
        return "mains, as far as is known"
    level = "" if charge is None else f" at {charge:.0%}"
    return f"{'on battery' if on_battery else 'plugged in'}{level}"


def ago(seconds: float) -> str:
    """A length of time in its largest unit: 5 s, 3 min, 2 h, 4 d."""
    left = max(0.0, seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if left >= size:
            return f"{left / size:.0f} {unit}"
    return f"{left:.0f} s"
