"""Where a search runs, as the command line says it: on this computer, or on all of a cluster; watched or left alone."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bittrader.errors import ClusterError, InputError
from bittrader.paths import home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bittrader.execution.base import Place
    from bittrader.optimize.loop import Progress
    from bittrader.optimize.study import Study

On = Literal["local", "cluster"]

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


def leave_it(study: str, on: On, trials: int | None = None) -> None:
    """Leaves a study to the node of this computer, which goes on with it, to `trials` in all, until it is complete."""
    from bittrader.cluster.jobs import Job, ask  # noqa: PLC0415 - one computer needs none of it

    ask(require_cluster(on), Job(study, trials, home().resolve()))
    say = Console(stderr=True).print
    watch = f"bittrader studies attach {study}"
    say(
        f"{study} is searched on the cluster now, whatever becomes of this terminal. Watch it: {watch}", highlight=False
    )


def watch(study: Study, progress: Callable[[Progress], None]) -> int:
    """Shows how far a study is until this computer's node is done with it; the exit code that it ended with."""
    from bittrader.cluster.jobs import ended, is_asked  # noqa: PLC0415 - one computer needs none of it
    from bittrader.optimize import found  # noqa: PLC0415 - takes numpy
    from bittrader.optimize.loop import Progress  # noqa: PLC0415 - likewise

    folder, began, before = node_folder(), time.monotonic(), None
    while is_asked(folder, study.name):
        counts, best = study.counts(), found.best(study, 1)
        done = counts.finished + counts.failed
        before = done if before is None else before
        value = best[0].metrics[study.experiment.objectives[0].metric] if best and best[0].feasible else None
        seconds = time.monotonic() - began
        progress(Progress(study.budget, counts.finished, counts.failed, done - before, seconds, value))
        time.sleep(_LOOK_SECONDS)
    return ended(folder, study.name)


def node_folder() -> Path:
    """The folder of the node that this computer is; ClusterError when it is none, or its node does not run."""
    from bittrader.cluster import daemon  # noqa: PLC0415 - one computer needs none of it
    from bittrader.cluster.home import folder_of, roles_here  # noqa: PLC0415 - likewise

    roles = roles_here()
    if not roles:
        raise ClusterError(
            "this computer is in no cluster: `bittrader head start` makes one, `bittrader worker join CODE` joins one."
        )
    for role in roles:
        if daemon.running(role) is not None:
            return folder_of(role)
    raise ClusterError(f"the node of this computer does not run: bittrader {roles[0]} start")
