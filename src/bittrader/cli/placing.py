"""Where a search runs, as the command line says it: on this computer, or on all of a cluster; watched or left alone."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bittrader.errors import ClusterError, ExitCode, InputError, last_words
from bittrader.files import tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bittrader.cluster.identity import Role
    from bittrader.cluster.node_state import NodeState
    from bittrader.execution.base import Place
    from bittrader.optimize.loop import Progress
    from bittrader.optimize.studies.study import Study

On = Literal["local", "cluster"]

_ROLES: tuple[Role, ...] = ("head", "worker")
_LOOK_SECONDS = 0.5
_CLUSTER = "Cluster"
OnOption = Annotated[
    On, typer.Option("--on", help="Search on this computer, or on all of the cluster's.", rich_help_panel=_CLUSTER)
]
DetachOption = Annotated[
    bool,
    typer.Option(
        "--detach",
        help="Leave the search to this computer's node; `studies attach` shows it.",
        rich_help_panel=_CLUSTER,
    ),
]
NotifyOption = Annotated[
    bool, typer.Option("--notify", help="Tell you of the end, on the desktop and by the URLs of this computer's node.")
]


@contextmanager
def place(on: On) -> Iterator[Place | None]:
    """The place that was asked for, open as long as the search may need it; None is this computer."""
    if on == "local":
        yield None
        return
    from bittrader.execution.cluster_executor import OnCluster  # noqa: PLC0415 - one computer needs none of it

    with OnCluster(node_folder()) as opened:
        yield opened


def require_cluster(on: On) -> Path:
    """The folder of this computer's node, which a detached search is left to; InputError where it cannot be."""
    if on == "local":
        raise InputError("--detach is for --on cluster: a search on this computer alone ends with its terminal.")
    return node_folder()


def words_of(threads: int | None, *, no_verdict: bool, no_report: bool) -> list[str]:
    """What `studies resume` is to be told by the node that a study is left to: what no study keeps."""
    cores = [] if threads is None else ["--threads", str(threads)]
    return [*cores, *["--no-verdict"] * no_verdict, *["--no-report"] * no_report]


def leave_it(study: str, on: On, *, tell: bool, words: Sequence[str], json_wanted: bool) -> None:
    """Leaves a study to the node of this computer, which goes on with it until it is complete, and may tell then."""
    from bittrader.cluster import jobs  # noqa: PLC0415 - one computer needs none of it

    jobs.submit(require_cluster(on), study, time.time(), tell=tell, words=words)
    _say(f"{study} is searched on the cluster now, whatever becomes of this terminal.")
    _say(f"Watch it: bittrader studies attach {study}")
    _say(f"Stop it:  bittrader studies stop {study}")
    if json_wanted:
        typer.echo(json.dumps({"study": study, "detached": True}))


def withdraw(study: str) -> None:
    """Takes a study back from this computer's node, whether that runs or not; ClusterError when it has none such."""
    from bittrader.cluster import jobs  # noqa: PLC0415 - one computer needs none of it
    from bittrader.cluster.identity import folder_of  # noqa: PLC0415 - likewise

    folders = [folder_of(role) for role in _ROLES if study in jobs.asked(folder_of(role))]
    if not folders:
        raise ClusterError(f"no node of this computer searches {study}. What runs in a terminal ends with Ctrl-C there")
    for folder in folders:
        jobs.withdraw(folder, study)


def watch(study: Study, progress: Callable[[Progress], None]) -> tuple[int, str]:
    """Shows how far a study is until this computer's node is done with it; its exit code, and why it was refused."""
    from bittrader.cluster import jobs  # noqa: PLC0415 - one computer needs none of it
    from bittrader.cluster.node_state import read_state  # noqa: PLC0415 - likewise
    from bittrader.cluster.ray_process import LAST_BYTES  # noqa: PLC0415 - likewise
    from bittrader.optimize.loop import Progress  # noqa: PLC0415 - likewise
    from bittrader.optimize.studies import found  # noqa: PLC0415 - takes numpy

    folder, began, before = node_folder(), time.monotonic(), study.counts()
    while True:
        state = read_state(folder)
        if study.name not in jobs.asked(folder, state.jobs if state else ()):
            break
        counts, best = study.counts(), found.best(study, 1)
        value = best[0].metrics[study.experiment.objectives[0].metric] if best and best[0].feasible else None
        fresh = counts.finished + counts.failed - before.finished - before.failed
        seconds = time.monotonic() - began
        waits = _waits_for(state, study.name)
        failure = next(iter(found.failures(study)), "") if counts.failed and not counts.finished else ""
        numbers = (study.budget, counts.finished, counts.failed, fresh, seconds, value)
        progress(Progress(*numbers, waits_for=waits, failure=failure))
        time.sleep(_LOOK_SECONDS)
    state = read_state(folder)  # how it ended is written before its file goes
    code = next((job.code for job in state.jobs if job.name == study.name), None) if state else None
    if code != ExitCode.REFUSED:
        return code or 0, ""
    if found.is_complete(study):  # somebody went on with it since
        return 0, ""
    return code, last_words(tail(jobs.log_file(folder, study.name), LAST_BYTES))


def _waits_for(state: NodeState | None, study: str) -> str:
    """What a study waits for, as its driver says, or the node that is to start one."""
    from bittrader.cluster.status_words import next_try  # noqa: PLC0415 - one computer needs none of it

    if state is None:
        return ""
    if (job := next((one for one in state.jobs if one.name == study), None)) is not None and job.trouble:
        return next_try(job, time.time())
    said = next((one for one in state.studies if one.get("study") == study), {})
    return str(said.get("waits_for") or "")


def node_folder() -> Path:
    """The folder of the node that this computer is; ClusterError when it is none, or its node does not run."""
    from bittrader.cluster import daemon  # noqa: PLC0415 - one computer needs none of it
    from bittrader.cluster.identity import folder_of  # noqa: PLC0415 - likewise
    from bittrader.cluster.roles import has_role  # noqa: PLC0415 - likewise
    from bittrader.cluster.visit import NotJoinedError, require_joined  # noqa: PLC0415 - likewise

    for role in _ROLES:
        if daemon.running(role) is not None:
            return folder_of(role)
    kept: Role = "head" if has_role("head") else "worker"
    try:
        require_joined(folder_of(kept), kept)
    except NotJoinedError:
        raise ClusterError(
            "this computer is in no cluster: `bittrader head start` makes one, `bittrader worker join CODE` joins one"
        ) from None
    raise ClusterError(f"the node of this computer does not run: bittrader {kept} start")


def _say(words: str) -> None:
    Console(stderr=True).print(words, soft_wrap=True, highlight=False)
