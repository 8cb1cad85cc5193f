"""The tree of commands as Typer sees it: each one imported when it is named."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from bittrader import cli
from bittrader.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


# How pydantic, which reads numbers for Typer, calls what it cannot read, and what should have been there.
_NUMBERS = {"float_parsing": "a number", "int_parsing": "a whole number"}


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
    app = typer.Typer(cls=_Tree, name="bittrader", context_settings={"help_option_names": ["-h", "--help"]})
    app.callback()(_root)
    try:
        code = typer.main.get_command(app).main(_asking(words), prog_name="bittrader", standalone_mode=False)
    except typer.Abort:
        return 1
    except typer.TyperException as error:
        raise InputError(_one_line(error)) from None
    except DataError as error:
        if (elsewhere := _options_of_import(str(error), words)) is None:
            raise
        raise DataError(f"{error} `bittrader data import` takes {elsewhere}: go on with what it stores.") from error
    return code if isinstance(code, int) else 0


def _root() -> None:
    """Search for trading strategies over very long candle histories."""


def _asking(words: Sequence[str]) -> list[str]:
    """The words; with `--help` after a noun that stands alone (`bittrader head policy`), for that is a question."""
    return [*words, "--help"] if isinstance(_named(words), TyperGroup) else list(words)


def _named(words: Sequence[str]) -> Any:
    """The command, or the noun, that the words begin with; None for none."""
    found = _command(words[0]) if words and words[0] in cli.COMMANDS else None
    for word in words[1:]:
        if not isinstance(found, TyperGroup):
            break
        found = found.commands.get(word)
    return found


def _options_of_import(advice: str, words: Sequence[str]) -> str | None:
    """The options in an advice about a file that `data import` takes and the command of the words does not; or None."""
    advised = dict.fromkeys(re.findall(r"--[a-z]+(?:-[a-z]+)*", advice))
    elsewhere = _options(("data", "import")) - _options(words)
    return ", ".join(option for option in advised if option in elsewhere) or None


def _options(words: Sequence[str]) -> set[str]:
    return {option for parameter in getattr(_named(words), "params", ()) for option in parameter.opts}


def _one_line(error: typer.TyperException) -> str:
    # The library below Typer calls its own errors by their kind.
    message = _no_number(error) or " ".join(error.format_message().split()).replace(": Value error, ", ": ")
    stop = "" if message.endswith((".", "?")) else "."
    context = getattr(error, "ctx", None)
    where = f" See `{context.command_path} --help`." if context is not None else ""
    return f"{message[:1].lower()}{message[1:]}{stop}{where}"


def _no_number(error: typer.TyperException) -> str | None:
    """What an option or argument that takes a number was given instead; None when that is not what is wrong."""
    problems: list[Any] = getattr(error.__cause__, "errors", list)()
    if not problems or problems[0]["type"] not in _NUMBERS:
        return None
    kind, given, parameter = problems[0]["type"], str(problems[0]["input"]), getattr(error, "param", None)
    name = parameter.opts[0] if parameter is not None else "it"
    meant = given.replace(",", ".") if kind == "float_parsing" else re.sub(r"(?<=\d)[,. ](?=\d{3}\b)", "", given)
    hint = f" Write {meant}." if meant != given and _reads(meant, kind) else ""
    return f"{name} takes {_NUMBERS[kind]}, not {given!r}.{hint}"


def _reads(number: str, kind: str) -> bool:
    try:
        float(number) if kind == "float_parsing" else int(number)
    except ValueError:
        return False
    return True
