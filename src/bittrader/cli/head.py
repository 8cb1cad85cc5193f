"""`bittrader head`: the computer that the others join."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bittrader.cli.nodes import add_commands, seconds_of
from bittrader.cli.options import JsonOption
from bittrader.cluster import daemon, inviting
from bittrader.cluster.identity import folder_of
from bittrader.cluster.invite import as_file
from bittrader.cluster.members import Invited, Member
from bittrader.cluster.network import no_way_in_words, way
from bittrader.cluster.settings import read_settings
from bittrader.errors import ClusterError
from bittrader.files import written_whole
from bittrader.host import current

app = typer.Typer(no_args_is_help=True, add_completion=False)
add_commands(app, "head")


@app.command()
def invite(
    name: Annotated[str | None, typer.Option(help="Whom the code is for, as in macbook-air.")] = None,
    expires: Annotated[str, typer.Option(help="How long it is good, as in 30m, 24h or 7d.")] = "24h",
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to a file, too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a join code, which lets one computer into the cluster."""
    hours = seconds_of(expires, "--expires") / 3600
    folder = folder_of("head")
    network = read_settings(folder).network
    found = way(current().addresses(), network)
    if found is None:
        raise ClusterError(no_way_in_words(network))
    made = inviting.invite(folder, found.addresses, network.ports.meeting, time.time(), name, hours)
    until = made.invited.expires
    if file is not None:
        with written_whole(file) as part:
            part.touch(mode=0o600)  # whoever reads it may join
            part.write_text(as_file(made.code, read_settings(folder).node.shown_name, name, until), encoding="utf-8")
    if as_json:
        where = {"addresses": list(found.addresses), "port": network.ports.meeting}
        typer.echo(json.dumps({"id": made.invited.id, "code": made.code, "expires": until, **where}))
        return
    typer.echo(made.code)
    _say(f"On the other computer, if Bittrader is there already: [bold]bittrader worker join {made.code}[/bold]")
    script = "[bold]sh install.sh[/bold] (Windows: [bold]powershell -ExecutionPolicy Bypass -File install.ps1[/bold])"
    _say(f"Else unpack the worker's zip for its system there, run {script}, and give it the code when it asks.")
    met = f"The head is met at {', '.join(found.addresses)} ({found.reason})."
    _say(f"The code lets one computer in, until {_moment(until)}. {met}")
    if daemon.running("head") is None:
        _say("The head does not run: nobody can join before `bittrader head start --background`.")


@app.command()
def invites(as_json: JsonOption = False) -> None:
    """List the join codes, and the computers that have joined."""
    folder, now = folder_of("head"), time.time()
    codes, joined = inviting.invites(folder), inviting.members(folder)
    if as_json:
        facts = {
            "codes": [{**_public(one), "state": one.state(now)} for one in codes],
            "computers": [_public(one) for one in joined],
        }
        typer.echo(json.dumps(facts))
        return
    if not codes and not joined:
        Console(stderr=True).print("Nobody was invited yet: bittrader head invite")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("Code or computer", "Name", "State", "Since"):
        table.add_column(title)
    names = {member.node: member.name for member in joined}
    for member in joined:
        state = "revoked" if member.revoked is not None else "joined"
        table.add_row(member.node, escape(member.name), state, _moment(member.revoked or member.joined))
    for code in codes:
        state = code.state(now)
        when = {"open": f"until {_moment(code.expires)}", "expired": _moment(code.expires)}
        since = when.get(state) or _moment(code.revoked or code.used or code.made)
        by = f" by {escape(names.get(code.node, code.node))}" if state == "used" and code.node else ""
        table.add_row(code.id, escape(code.name or ""), f"code, {state}{by}", since)
    Console().print(table)


@app.command()
def revoke(which: Annotated[str, typer.Argument(metavar="CODE|NAME", help="As `head invites` shows it.")]) -> None:
    """Take back a join code, or send a computer out of the cluster."""
    gone = inviting.revoke(folder_of("head"), which, time.time())
    if isinstance(gone, Member):
        _say(f"{escape(gone.name)} is out. It knows Ray's token, which changes with: bittrader head restart")
    else:
        _say(f"The code {gone.id} lets nobody in any more.")


def _public(one: Member | Invited) -> dict[str, object]:
    return asdict(one)


def _moment(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"


def _say(words: str) -> None:
    Console(stderr=True).print(words, soft_wrap=True, highlight=False)
