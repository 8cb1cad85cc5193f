"""`bittrader worker`: a computer that works for a cluster's head."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from bittrader.cli.nodes import Background, NodeName, add_commands, run_node
from bittrader.cluster import daemon
from bittrader.cluster.config_file import set_key
from bittrader.cluster.facts import facts_here
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.invite import read_code
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import read_settings
from bittrader.cluster.visit import join as join_cluster
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
    invite = read_code(code)
    if daemon.running("worker") is not None:
        raise ClusterError("this computer works for a cluster already: bittrader worker stop, then join again")
    folder = folder_of("worker")
    Secrets(folder).prepare()
    if name is not None:
        set_key(folder, "node.name", name)
    me = identity(folder, "worker", read_settings(folder).node.shown_name)
    joined = join_cluster(folder, invite, me.node, me.name, facts_here())
    say = Console(stderr=True).print
    say(f"{escape(me.name)} has joined the cluster of {escape(joined.head)}.", highlight=False)
    if no_start:
        say("Start it: bittrader worker start", highlight=False)
        return
    raise typer.Exit(run_node("worker", background=background))
