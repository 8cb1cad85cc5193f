"""The command line: one file a noun, imported only when its command runs."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from bittrader import __version__
from bittrader.errors import BittraderError

# Each command's module (with its Typer `app`) and its line in the help.
COMMANDS = {
    "data": ("bittrader.cli.data", "Import, check, resample, list and download candles."),
    "strategies": ("bittrader.cli.strategies", "List, show, write and check strategies."),
    "backtest": ("bittrader.cli.backtest", "Run one strategy with one parameter set."),
    "optimize": ("bittrader.cli.optimize", "Search for the best parameters of a strategy."),
    "studies": ("bittrader.cli.studies", "List, show, resume, export and delete studies."),
    "report": ("bittrader.cli.report", "Write a study's report: one HTML file."),
}


class _Root(click.Group):
    """Finds commands in the table, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        import typer.main  # noqa: PLC0415 - only commands need it

        command = typer.main.get_command(import_module(COMMANDS[cmd_name][0]).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bittrader")
def root() -> None:
    """Search for trading strategies over very long candle histories.

    Everything is kept below BITTRADER_HOME (default ~/.bittrader).
    """


def main() -> None:
    """Runs the command line: 0 done, 2 bad input (one line on standard error), 130 interrupted."""
    try:
        root(standalone_mode=True)
    except BittraderError as error:
        click.echo(f"bittrader: {error}", err=True)
        sys.exit(error.exit_code)
