"""`bittrader worker`: a computer that works for a cluster's head."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from bittrader.cli.joining import join_here
from bittrader.cli.nodes import Background, NodeName, add_commands, run_node
from bittrader.cli.services import say_it_runs, start_service
from bittrader.cluster import daemon
from bittrader.cluster.roles import require_no_second_role
from bittrader.errors import ClusterError

app = typer.Typer(no_args_is_help=True, add_completion=False)
add_commands(app, "worker")


@app.command()
def join(
    code: Annotated[str, typer.Argument(metavar="CODE", help="What `bittrader head invite` printed, or its file.")],
    name: NodeName = None,
    background: Background = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="Join, and start later.")] = False,
) -> None:
    """Join a cluster with a join code, and work for it."""
    if daemon.running("worker") is not None:
        raise ClusterError("this computer works for a cluster already: bittrader worker stop, then join again")
    require_no_second_role("worker")
    me, head = join_here(code, name)
    say = Console(stderr=True).print
    say(f"{escape(me)} has joined the cluster of {escape(head)}.", highlight=False)
    if no_start:
        say("Start it: bittrader worker start", highlight=False)
    elif start_service("worker"):
        say_it_runs("worker", "as a service")
    else:
        raise typer.Exit(run_node("worker", background=background))
