"""Commands that a document shows and that no test runs are ones that there are, with every option.

They stand in blocks that are not run, in blocks that are run in another document, and in the middle of sentences. What
an installer's script is called with is what it hands on to `bittrader`.
"""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
import typer.main
from installers.contents import PACKAGES
from tests.project.test_documents import DOCUMENTS, blocks, commands

from bittrader.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = [path for path in DOCUMENTS if path.name != "COMMANDS.md"]
"""Without what is printed by the commands themselves."""

SCRIPTS = {name for package in PACKAGES for name in package.files}
_DOES = {
    "setup_head_native.sh": ("head", "install"), "head_daemon.sh": ("head", "start"),
    "verify_head.sh": ("head", "verify"), "uninstall_head.sh": ("head", "uninstall"),
    "install.sh": ("worker", "install"), "install.ps1": ("worker", "install"),
    "worker_daemon.sh": ("worker", "start"), "worker_daemon.ps1": ("worker", "start"),
    "verify_worker.sh": ("worker", "verify"), "verify_worker.bat": ("worker", "verify"),
    "uninstall.sh": ("worker", "uninstall"), "uninstall.bat": ("worker", "uninstall"),
}  # fmt: skip
"""What each script calls in the end."""

_IS_PROGRAM = re.compile(r"(?:.*[/\\])?bittrader(?:\.cmd)?")


def bittrader_words(command: str) -> tuple[str, ...] | None:
    """What a command asks of `bittrader`, itself or by a script of the installers; None if nothing."""
    words = [word.strip("\"'") for word in shlex.split(command.replace("\\", "\\\\"), comments=True)]
    for place, word in enumerate(words):
        if _IS_PROGRAM.fullmatch(word):
            return tuple(words[place + 1 :])
        if (script := re.split(r"[/\\]", word)[-1]).endswith((".sh", ".ps1", ".bat")):
            assert script in SCRIPTS, f"no installer holds {script}"
            return (*_DOES[script], *words[place + 1 :])
    return None


def misunderstood(words: tuple[str, ...]) -> str:
    """Why `bittrader` would refuse these words, or nothing."""
    if not words or words[0] not in COMMANDS:
        return f"there is no command {' '.join(words)}"
    command, rest = typer.main.get_command(import_module(COMMANDS[words[0]][0]).app), list(words[1:])
    while getattr(command, "commands", None):
        if not rest or rest[0] not in command.commands:
            return f"there is no command {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    try:
        command.make_context(" ".join(words), [word for word in rest if word != "--help"])
    except typer.TyperException as error:
        return error.format_message()
    return ""


def unrun(text: str) -> list[str]:
    """The commands in a document's blocks that no test runs as they stand there."""
    marked = [block for block in blocks(text) if block.mark in ("not run", "run in")]
    return [one for block in marked if block.language in ("sh", "powershell") for one in commands(block)]


def mentioned(text: str) -> list[str]:
    """The commands in a document's sentences, which may leave out what they are given."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(line for line in prose.splitlines() if not line.startswith("> "))
    return re.findall(r"(?<!`)`(bittrader\s[a-z][^`|…\[]*)`", lines)


def wrong(text: str) -> dict[str, str]:
    """The commands that a document shows and that there are not, each with what is wrong with it."""
    shown = {one: misunderstood(asked) for one in unrun(text) if (asked := bittrader_words(one)) is not None}
    named = {one: misunderstood(bittrader_words(one) or ()) for one in mentioned(text)}
    incomplete = {one for one, why in named.items() if why.startswith("Missing argument")}
    return {one: why for one, why in (shown | named).items() if why and one not in incomplete}


@pytest.mark.parametrize("document", WRITTEN, ids=lambda path: path.name)
def test_a_command_that_is_shown_is_one_that_there_is(document: Path) -> None:
    assert wrong(document.read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("command", [
    "bittrader head reboot", "bittrader policy show", "bittrader head start --behind", "bittrader head cores many",
    "bittrader worker join", "sh install.sh --yes --jion code.txt", "~/.bittrader_head/bin/bittrader head state",
    "powershell -ExecutionPolicy Bypass -File install.ps1 -Force",
])  # fmt: skip
def test_a_command_that_there_is_not_would_be_noticed(command: str) -> None:
    text = f"<!-- not run: as it is wrong -->\n```sh\nmake setup\n{command}  # so\n```\n"
    assert list(wrong(text)) == [f"{command}  # so"]


def test_a_script_that_no_installer_holds_would_be_noticed() -> None:
    with pytest.raises(AssertionError, match="no installer holds"):
        bittrader_words("sudo sh setup.sh --yes")


def test_a_command_in_a_sentence_may_leave_out_its_argument_and_nothing_else() -> None:
    text = "`bittrader head revoke` takes a name, `bittrader head\nstatus` none.\n> `bittrader is quoted`\n"
    assert wrong(text) == {}
    assert list(wrong("Say `bittrader worker wake`, or `bittrader head revoke --all`.")) == [
        "bittrader worker wake", "bittrader head revoke --all"
    ]  # fmt: skip


def test_each_script_of_the_installers_is_known_by_what_it_calls() -> None:
    assert set(_DOES) == {name for name in SCRIPTS if name.endswith((".sh", ".ps1", ".bat"))}
