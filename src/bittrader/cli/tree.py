"""The tree of commands as Typer sees it: each one imported when it is named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from bittrader import cli
from bittrader.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Tree(TyperGroup):
    """Finds commands in the table."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(cli.COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        if cmd_name not in cli.COMMANDS:
            return None
        return _command(cmd_name)


def _command(name: str) -> Any:
    module, line = cli.COMMANDS[name]
    command = typer.main.get_command(import_module(module).app)
    command.name, command.short_help = name, line
    return command


def run_command(words: Sequence[str]) -> int:
    """Runs the command that the words name, and returns its exit code. InputError when they are not understood."""
    app = typer.Typer(cls=_Tree, name="bittrader")
    app.callback()(_root)
    try:
        code = typer.main.get_command(app).main(_asking(words), prog_name="bittrader", standalone_mode=False)
    except typer.Abort:
        return 1
    except typer.TyperException as error:
        raise InputError(_one_line(error)) from None
    return code if isinstance(code, int) else 0


def _root() -> None:
    """Search for trading strategies over very long candle histories."""


def _asking(words: Sequence[str]) -> list[str]:
    """The words; with `--help` after a noun that stands alone (`bittrader data`), for that is a question."""
    alone = len(words) == 1 and words[0] in cli.COMMANDS and isinstance(_command(words[0]), TyperGroup)
    return [*words, "--help"] if alone else list(words)


def _one_line(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split())
    stop = "" if message.endswith((".", "?")) else "."
    context = getattr(error, "ctx", None)
    where = f" See `{context.command_path} --help`." if context is not None else ""
    return f"{message[:1].lower()}{message[1:]}{stop}{where}"
