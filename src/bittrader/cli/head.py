"""`bittrader head`: the computer that the others join."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bittrader.cli.nodes import add_commands, seconds_of
from bittrader.cli.options import JsonOption
from bittrader.cluster import secrets as kept
from bittrader.cluster.authority import meeting_fingerprint, prepare_head
from bittrader.cluster.home import folder_of, identity
from bittrader.cluster.invite import Invite, as_file, encode, fresh_secret
from bittrader.cluster.members import Member, Members
from bittrader.cluster.network import no_way_in_words, way
from bittrader.cluster.secrets import Secrets
from bittrader.cluster.settings import read_settings
from bittrader.errors import ClusterError
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
    until = time.time() + seconds_of(expires, "--expires")
    folder, settings = folder_of("head"), read_settings(folder_of("head"))
    me, secrets = identity("head"), Secrets(folder)
    prepare_head(secrets)
    found = way(current().addresses(), settings.network)
    if found is None:
        raise ClusterError(no_way_in_words(settings.network))
    made = Invite(found.addresses, settings.network.ports.meeting, meeting_fingerprint(secrets), fresh_secret())
    Members(secrets.path(kept.MEMBERS)).invite(made.secret, name, time.time(), until)
    code = encode(made)
    if file is not None:
        file.write_text(as_file(code, me.name, name, until), encoding="utf-8")
    if as_json:
        facts = {"id": made.id, "code": code, "expires": until, "addresses": list(made.addresses), "port": made.port}
        typer.echo(json.dumps(facts))
        return
    typer.echo(code)
    say = Console(stderr=True).print
    say(f"On the other computer: [bold]bittrader worker join {code}[/bold]", soft_wrap=True, highlight=False)
    say(
        f"It lets one computer in, until {_moment(until)}. Met at {', '.join(made.addresses)} ({found.reason}).",
        soft_wrap=True,
        highlight=False,
    )


@app.command()
def invites(as_json: JsonOption = False) -> None:
    """List the join codes, and the computers that have joined."""
    members = Members(_members())
    now, codes, joined = time.time(), members.invites(), members.members()
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
    for member in joined:
        state = "revoked" if member.revoked is not None else "joined"
        table.add_row(member.node, escape(member.name), state, _moment(member.revoked or member.joined))
    for code in codes:
        state = code.state(now)
        when = {"open": f"until {_moment(code.expires)}", "expired": _moment(code.expires)}
        since = when.get(state) or _moment(code.revoked or code.used or code.made)
        table.add_row(code.id, escape(code.name or ""), f"code, {state}", since)
    Console().print(table)


@app.command()
def revoke(which: Annotated[str, typer.Argument(metavar="CODE|NAME", help="As `head invites` shows it.")]) -> None:
    """Take back a join code, or send a computer out of the cluster."""
    folder = folder_of("head")
    gone = Members(_members()).revoke(which, time.time())
    say = Console(stderr=True).print
    if isinstance(gone, Member):
        Secrets(folder).plan_token()
        say(
            f"{escape(gone.name)} is out. Ray's token changes with it: the other computers fetch the new one.",
            highlight=False,
        )
    else:
        say(f"The code {gone.id} lets nobody in any more.", highlight=False)


def _members() -> Path:
    path = Secrets(folder_of("head")).path(kept.MEMBERS)
    if not path.exists():
        raise ClusterError("this computer is no head yet: bittrader head start")
    return path


def _public(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}  # type: ignore[attr-defined]


def _moment(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
