"""`bittrader demo`: the main job on made-up candles, so that nothing is needed to see it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bittrader.cli.tree import run_command
from bittrader.market.sample import synthetic
from bittrader.market.store import store, stored

NAME = "synthetic-btc-1h"
"""The candles' stored name; they are made on first use."""

app = typer.Typer(add_completion=False)
_console = Console(stderr=True)


@app.command()
def demo(trials: Annotated[int, typer.Option(help="Parameter sets to try.", min=1)] = 80) -> None:
    """Search the best moving averages over 297,000 synthetic candles, to see what a search looks like."""
    if NAME not in {candles.name for candles in stored()}:
        candles = synthetic()
        store(candles, NAME)
        _console.print(
            f"Made {len(candles):,} [bold]synthetic[/] {candles.timeframe} candles and stored them as {NAME}."
        )
    words = ["optimize", "sma-cross", NAME, "--trials", str(trials)]
    _console.print(f"$ bittrader {' '.join(words)}")
    raise typer.Exit(run_command(words))
