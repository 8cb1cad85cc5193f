"""What `verify` shows: everything that was looked at, the worst first, and what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bittrader.cluster import checkup
from bittrader.cluster.health import Finding, findings, worst_first
from bittrader.cluster.identity import folder_of, read_identity
from bittrader.install import held
from bittrader.install.facts import owner_here
from bittrader.install.machine import Here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.cluster.identity import Role

_MARKS = {"wrong": ("✗ wrong", "bold red"), "warning": ("! look", "yellow"), "ok": ("✓ ok", "green")}


def verify_node(role: Role, *, as_json: bool) -> int:
    """Prints what there is to say of the node; 0 when all is right, 1 when something is wrong."""
    owner = owner_here()  # first: with sudo, the owner's node is meant
    installed = held.findings(role, Here(owner), owner)
    observed = findings(checkup.observe(role)) if not installed or read_identity(folder_of(role)) else _not_begun(role)
    found = worst_first((*observed, *installed))
    is_right = all(one.state != "wrong" for one in found)
    if as_json:
        typer.echo(json.dumps({"role": role, "right": is_right, "findings": [asdict(one) for one in found]}))
    else:
        console = Console()
        console.print(_table(found))
        console.print(_summary(found))
    return 0 if is_right else 1


def _not_begun(role: Role) -> tuple[Finding, ...]:
    """What there is to say of a node that is installed where nothing starts it by itself, and that nobody started."""
    return (Finding("Daemon", "wrong", "it was never started", f"bittrader {role} start --background"),)


def _table(found: Sequence[Finding]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("What", no_wrap=True)
    table.add_column("How it is, and what to do", overflow="fold", ratio=1)
    for one in found:
        mark, style = _MARKS[one.state]
        words = Text(one.words, style=style if one.state == "wrong" else "")
        if one.advice:
            words.append(f"\n→ {one.advice}", style="cyan")
        table.add_row(Text(mark, style=style), one.what, words)
    return table


def _summary(found: Sequence[Finding]) -> Text:
    wrong, warnings = (sum(one.state == state for one in found) for state in ("wrong", "warning"))
    if wrong:
        return Text(f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong.", style="bold red")
    if warnings:
        return Text(f"Nothing is wrong; {warnings} to look at.", style="yellow")
    return Text("All is right.", style="bold green")
