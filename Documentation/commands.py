"""Prints the reference of all commands in Markdown, from what the commands say of themselves (`make docs`)."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from bittrader.cli import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
# Commands

Written by `make docs` from what `bittrader COMMAND --help` says. Everywhere, STRATEGY is the name of a built-in
strategy or `file.py:Class`, and CANDLES is the name of stored candles or a file. With `--json`, a command prints one
JSON object on standard output; words and progress go to standard error.

| exit code | |
|---|---|
| 0 | done |
| 1 | done, but nothing finished, or a check found something; or an installation failed, or was declined |
| 2 | something to mend in what was given; one line says what |
| 70 | a defect of ours, with where it is |
| 74 | the computer did not do as asked: its disk is full, say |
| 75 | another process has the study, for now |
| 130 | interrupted |

The Tab key completes commands after `bittrader --install-completion` (bash, zsh, fish, PowerShell)."""


def described(command: Any, path: str) -> Iterator[str]:
    """The lines on one command, or on each command of a noun."""
    subcommands = getattr(command, "commands", None)
    if subcommands:
        for name, subcommand in subcommands.items():
            yield from described(subcommand, f"{path} {name}")
        return
    context = typer.Context(command, info_name=path)
    yield f"### {path}"
    yield f"`{' '.join([path, *command.collect_usage_pieces(context)])}`"
    yield inspect.cleandoc(command.help or "").split("\f")[0].strip()
    records = [parameter.get_help_record(context) for parameter in command.params]
    lines = [f"- `{usage}`: {' '.join(words.split())}" for usage, words in filter(None, records)]
    if lines:
        yield "\n".join(lines)


def reference() -> str:
    """The whole document."""
    parts = [HEAD]
    for name, (module, line) in COMMANDS.items():
        parts += [
            f"## {name}",
            line,
            *described(typer.main.get_command(import_module(module).app), f"bittrader {name}"),
        ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
