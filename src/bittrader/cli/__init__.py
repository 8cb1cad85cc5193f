"""The command line: one file a noun, imported only when its command runs."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from bittrader import __version__
from bittrader.errors import BittraderError, ExitCode, InputError, did_you_mean, exit_code_of, is_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Each command's module (with its Typer `app`) and its line in the help.
COMMANDS = {
    "data": ("bittrader.cli.data", "Import, check, resample, list and download candles."),
    "strategies": ("bittrader.cli.strategies", "List, show, write and check strategies."),
    "backtest": ("bittrader.cli.backtest", "Run one strategy with one parameter set."),
    "optimize": ("bittrader.cli.optimize", "Search for the best parameters of a strategy."),
    "mine": ("bittrader.cli.mine", "Search for the best rules, and write them to a strategy file."),
    "studies": ("bittrader.cli.studies", "List, show, resume, stop, export, write out and delete studies."),
    "report": ("bittrader.cli.report", "Write a study's report: one HTML file."),
    "head": ("bittrader.cli.head", "Make this computer a cluster's head, and invite the others."),
    "worker": ("bittrader.cli.worker", "Let this computer work for a cluster."),
    "cluster": ("bittrader.cli.cluster", "Show the computers of a cluster, and what they do."),
    "demo": ("bittrader.cli.demo", "Search over synthetic candles, to see what a search looks like."),
}

OPTIONS = {
    "--install-completion": "Let the Tab key complete commands in this shell.",
    "--show-completion": "Print what --install-completion would install.",
    "--version": "Print the version.",
    "-h, --help": "Print this; after a command, that command's help.",
}

_HELP = ("-h", "--help")
_COMPLETION = ("--install-completion", "--show-completion")

_ADVICE = {
    errno.EACCES: "Look at its permissions and those of its folder.",
    errno.EPERM: "Look at its permissions and those of its folder.",
    errno.EROFS: "Take a place that may be written, with BITTRADER_HOME for all that we keep.",
    errno.ENOSPC: "Free some space, and try again.",
    errno.EDQUOT: "Free some space, and try again.",
    errno.ENAMETOOLONG: "Take a shorter name.",
}

_REPORT_A_DEFECT = (
    "bittrader: this is a defect of ours, not of your input. Please report it with the lines above and the command."
)


def main() -> None:
    """Runs the command line, and ends with an `ExitCode`."""
    sys.exit(_guarded(lambda: run(sys.argv[1:])))


def run(words: Sequence[str]) -> int:
    """Does what the words after `bittrader` ask, and returns the exit code.

    Typer costs a fifth of a second to import, so help, version and unknown commands are answered without it.
    """
    first = words[0] if words else "--help"
    if "_BITTRADER_COMPLETE" in os.environ or first in (*COMMANDS, *_COMPLETION):
        from bittrader.cli.tree import run_command  # noqa: PLC0415 - see above

        return run_command(words)
    if first in _HELP:
        print(help_text())  # noqa: T201 - this is the output
        return 0
    if first == "--version":
        print(f"bittrader {__version__}")  # noqa: T201 - this is the output
        return 0
    raise InputError(_unknown(first))


def help_text() -> str:
    """What `bittrader --help` prints."""
    return f"""\
Usage: bittrader COMMAND [ARGUMENTS]

Search for trading strategies over very long candle histories.
Everything is kept below the folder BITTRADER_HOME (by default ~/.bittrader).

Commands:
{_two_columns({name: line for name, (_, line) in COMMANDS.items()})}

Options:
{_two_columns(OPTIONS)}"""


def _two_columns(lines: dict[str, str]) -> str:
    width = max(map(len, lines)) + 2
    return "\n".join(f"  {name:{width}}{line}" for name, line in lines.items())


def _unknown(word: str) -> str:
    kind = "option" if word.startswith("-") else "command"
    known = (*_HELP, *_COMPLETION, "--version") if kind == "option" else COMMANDS
    hint = did_you_mean(word, known) or " `bittrader --help` lists them all."
    return f"there is no {kind} {word!r}.{hint}"


def _guarded(work: Callable[[], int]) -> int:
    """The exit code of the work, with what users may cause turned into a line, and no line for a closed pipe."""
    try:
        code = work()
        if sys.stdout is not None:  # as after `>&-`
            sys.stdout.flush()
    except BittraderError as error:
        return _refused(str(error), _exit_code(error))
    except BrokenPipeError:
        # As in `| head`: the reader has enough. What is still buffered must not fail a second time at exit.
        _drop_output()
        return ExitCode.NOTHING
    except BaseException as error:  # noqa: BLE001 - what cannot be put in words is raised again
        return ExitCode.INTERRUPTED if is_interrupt(error) else _surprised(error)
    return code


def _exit_code(error: BittraderError) -> int:
    """The error's own, unless it puts in words that the computer has no room or fails."""
    behind = error.__context__
    ours = error.exit_code
    return exit_code_of(behind) if ours == ExitCode.REFUSED and isinstance(behind, OSError) else ours


def _surprised(error: BaseException) -> int:
    """Prints what a strategy, the system or we did wrong, and returns the exit code."""
    from bittrader.strategies.registry import place_in_strategy  # noqa: PLC0415 - needed only here

    if (line := place_in_strategy(error)) is not None:
        return _refused(line)
    if isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC):
        if error.filename is None:
            _drop_output()
        return _refused(_of_the_system(error), exit_code_of(error))
    if not isinstance(error, Exception):
        raise error
    error.add_note(_REPORT_A_DEFECT)
    with suppress(OSError):  # as below
        traceback.print_exception(error)
    return ExitCode.DEFECT


def _refused(line: str, code: int = BittraderError.exit_code) -> int:
    """Prints why on one line, whatever a message or the name of a file holds, and returns the exit code."""
    with suppress(OSError):  # a log on a full disk: the exit code is all that can be said
        print(f"bittrader: {' '.join(line.split())}", file=sys.stderr)  # noqa: T201 - the one line
    return code


def _of_the_system(error: OSError) -> str:
    """What the system refused, and what to do about it."""
    advice = _ADVICE.get(error.errno or 0, "Look at that place, or take another.")
    return f"{error.filename or 'the output'}: {error.strerror or error}. {advice}"


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
