"""`bittrader cluster`: all computers of a cluster at one glance."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bittrader.cli.options import JsonOption
from bittrader.cli.placing import node_folder
from bittrader.cluster.identity import folder_of
from bittrader.cluster.status_words import ago, far_in_words, power_in_words
from bittrader.cluster.whole import whole_cluster
from bittrader.errors import ClusterError

app = typer.Typer(no_args_is_help=True, add_completion=False)

_LOOK_SECONDS = 1.0
_SILENT_SECONDS = 10.0
_MOST_REDONE = 5


@app.callback()
def _cluster() -> None:
    """Show the computers of a cluster, and what they do."""


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew each second, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every computer, its cores and why so many, and the studies that run."""
    if as_json:
        typer.echo(json.dumps(_look()))
        return
    if not watch:
        Console().print(_page(_look()))
        return
    frames = _frames(_look)
    with Live(next(frames), console=Console(), screen=False, auto_refresh=False) as live:
        for frame in frames:
            live.update(frame, refresh=True)
            time.sleep(_LOOK_SECONDS)


def _look() -> dict[str, Any]:
    """All that is known of the cluster; ClusterError when this computer's node, or the head, cannot be asked."""
    folder = node_folder()
    known = whole_cluster(folder)
    if folder == folder_of("head") and (silent := time.time() - known["time"]) > _SILENT_SECONDS:
        raise ClusterError(f"the head's daemon has written nothing for {ago(silent)}: it may hang")
    return known


def _frames(look: Callable[[], dict[str, Any]]) -> Iterator[RenderableType]:
    """What there is to show, again and again; when nobody can be asked any more, the last of it, and why."""
    known, at = look(), time.monotonic()
    yield _page(known)
    while True:
        trouble = ""
        try:
            known, at = look(), time.monotonic()
        except ClusterError as error:
            trouble = f"{error}. Below is how it was {ago(time.monotonic() - at)} ago."
        yield _page(known, trouble)


def _page(known: dict[str, Any], trouble: str = "") -> RenderableType:
    parts: list[RenderableType] = [Text(trouble, style="bold red"), ""] if trouble else []
    parts.append(_nodes(known))
    for study in known["studies"]:
        parts += ["", *_study(study)]
    return Group(*parts)


def _nodes(known: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Computer", style="cyan", overflow="fold")
    table.add_column("System", overflow="fold")
    table.add_column("Busy", justify="right", no_wrap=True)
    table.add_column("Cores", justify="right", no_wrap=True)
    table.add_column("Speed", justify="right", no_wrap=True)
    table.add_column("How it is", overflow="fold", ratio=1)
    busy, suspended, speed = _work(known["studies"])
    for node in known["nodes"]:
        state = node["state"] or {}
        cores = f"{state['cores_allowed']} of {state['cores']}" if "cores_allowed" in state else ""
        rate = speed.get(node["node"])
        table.add_row(
            escape(node["name"]) + (" (head)" if node["node"] == known["head"]["node"] else ""),
            escape(str(state.get("system", ""))),
            str(busy[node["node"]]) if cores else "",
            cores,
            "" if rate is None else f"{rate:,.0f}/s",
            _how(node, known["head"]["facts"], suspended[node["node"]]),
        )
    return table


def _work(studies: Iterable[dict[str, Any]]) -> tuple[Counter[str], Counter[str], dict[str, float]]:
    """How many evaluations run on each node, are suspended there, and are done there in a second, over all studies."""
    busy: Counter[str] = Counter()
    suspended: Counter[str] = Counter()
    speed: dict[str, float] = {}
    for study in studies:
        for node, facts in study.get("nodes", {}).items():
            busy[node] += int(facts["busy"])
            suspended[node] += int(facts["suspended"])
            speed[node] = speed.get(node, 0.0) + float(facts["rows_per_second"])
    return busy, suspended, speed


def _how(node: dict[str, Any], head: dict[str, str], suspended: int) -> Text:
    """What is worth knowing of a node, the worst first."""
    state = node["state"]
    if node["refused"]:  # what another version says of itself may mean anything
        return Text(node["refused"], style="red")
    if not state:  # at its first visit a node knows nothing of itself
        return Text("joined, and has said nothing since the head began", style="yellow")
    if state.get("stopped"):
        return Text(f"stopped {ago(node['age_seconds'])} ago", style="yellow")
    if node["age_seconds"] > _SILENT_SECONDS:
        return Text(f"nothing heard for {ago(node['age_seconds'])}", style="red")
    text = Text()
    if not node["alive"]:
        text.append(f"Ray is {state['phase']}{': ' + state['waiting'] if state['waiting'] else ''}. ", style="yellow")
    others = [f"{name} {version}" for name, version in state["versions"].items() if head.get(name) != version]
    where = node["address"] or state["address"] or "no address"
    power = power_in_words(state["charge"], on_battery=state["on_battery"])
    held = [f"{suspended} evaluation{'s' * (suspended != 1)} suspended"] if suspended else []
    text.append("; ".join([state["reason"], *held, power, where, *others]))
    return text


def _study(study: dict[str, Any]) -> Iterable[RenderableType]:
    begun = ago(time.time() - study["began"])
    yield Text.assemble(
        ("Study ", "bold"), (study["study"], "cyan"), f": {far_in_words(study)}, for {begun}",
        (f", waiting for {study['waits_for']}" if study.get("waits_for") else "", "yellow"),
    )  # fmt: skip
    for node in study.get("nodes", {}).values():
        if node["refused"]:
            yield Text(f"  {node['name']} takes no part: {node['refused']}", style="red")
    redone = study.get("redone", [])
    for one in redone[-_MOST_REDONE:]:
        when = time.strftime("%H:%M:%S", time.gmtime(one["at"]))
        where = f"{one['from']} to {one['to']}" if one["to"] else f"from {one['from']}"
        what = "1 evaluation" if one["rows"] == 1 else f"{one['rows']:,} evaluations"
        yield Text(f"  {when} UTC: {what} given again, {where}: {one['why']}")
    for alarm in study.get("alarms", []):
        yield Text(f"  ALARM: {alarm}", style="bold red")
