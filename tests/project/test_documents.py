"""The documents tell the truth: their commands run, and they name every command and folder there is.

Blocks fenced as `sh` or `console` are run line by line (in `console`, only what follows `$ `), blocks fenced as
`python` are run as programs; all of a document's blocks share one folder with a small `candles.csv`, and one home.
Just above a fence, `<!-- not run: reason -->` leaves a block out, `<!-- file: name -->` writes it to a file, and
`<!-- run in: document -->` leaves out what stands word for word in a block of another document that is run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bittrader import cli
from bittrader.cluster import daemon
from bittrader.install.removal import removal, remove
from bittrader.market.sample import synthetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "Documentation").glob("*.md")), ROOT / ".github" / "CONTRIBUTING.md"]

_BLOCK = re.compile(r"(?:<!-- (not run|run in|file): ?(.*?) -->\n+)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, and what the comment above it asks for."""

    line: int
    language: str
    text: str
    mark: str
    said: str


def blocks(text: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(3)) + 1
        yield Block(line, found[3], found[4], found[1] or "", (found[2] or "").strip())


def commands(block: Block) -> list[str]:
    """The block's commands, one string each; lines that end in a backslash go on."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip() and not line.startswith("#")]


def not_run_in(block: Block, document: str) -> list[str]:
    """The commands of a block that do not stand in a block of another document's text that is run."""
    run_there = [one for other in blocks(document) if not other.mark for one in commands(other)]
    words = [shlex.split(one, comments=True) for one in run_there]
    return [one for one in commands(block) if shlex.split(one, comments=True) not in words]


def write_candles(path: Path, bars: int = 3_000) -> None:
    """A small file of hourly candles."""
    columns = synthetic(bars).columns()
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows), ""]))


def run(command: str) -> str:
    """What went wrong with a command, or nothing."""
    words = shlex.split(command, comments=True)
    if words[0] == "bittrader" and not set(words) & {"|", ">", "&&", ";"}:
        return _run_here(words)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        capture_output=True, text=True, check=False, env=os.environ | {"PATH": path},
    )  # fmt: skip
    return done.stderr + done.stdout if done.returncode else ""


def _run_here(words: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", words)
        try:
            cli.main()
        except SystemExit as end:
            return f"exit code {end.code}: {err.getvalue()}{out.getvalue()}" if end.code else ""
    return ""


@pytest.fixture
def no_head_is_left() -> Iterator[None]:
    """Ends the head that a document began and, because a command of it failed, did not stop; its Ray's folder goes."""
    yield
    assert daemon.stop("head")
    assert remove(removal("head", studies=True)) == ()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_works(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_head_is_left: None
) -> None:
    monkeypatch.chdir(tmp_path)
    write_candles(tmp_path / "candles.csv")
    for block in blocks(document.read_text(encoding="utf-8")):
        assert block.language, f"{document.name}:{block.line} has no language, so nobody runs it"
        if block.mark == "not run":
            assert block.said, f"{document.name}:{block.line} does not say why it is not run"
            continue
        if block.mark == "run in":
            missing = not_run_in(block, (document.parent / block.said).read_text(encoding="utf-8"))
            assert not missing, f"{document.name}:{block.line} has what {block.said} does not run"
        elif block.mark == "file":
            (tmp_path / block.said).write_text(block.text)
        elif block.language in ("sh", "console"):
            for command in commands(block):
                wrong = run(command)
                assert not wrong, f"{document.name}:{block.line}: {command}\n{wrong}"
        elif block.language == "python":
            program = tmp_path / "block.py"
            program.write_text(block.text)
            wrong = run(f"{shlex.quote(sys.executable)} block.py")
            assert not wrong, f"{document.name}:{block.line}\n{wrong}"


def test_blocks_are_found_with_their_marks() -> None:
    text = "words\n<!-- not run: slow -->\n```sh\nmake demo\n```\n```console\n$ a \\\n  b\nsaid\n```\n"
    first, second = blocks(text)
    assert (first.line, first.language, first.mark, first.said) == (3, "sh", "not run", "slow")
    assert commands(second) == ["a    b"]


def test_a_command_that_the_named_document_does_not_run_would_be_noticed() -> None:
    there = "```sh\nmake a  # why\n```\n<!-- not run: slow -->\n```sh\nmake b\n```\n"
    there += "<!-- run in: yet another -->\n```sh\nmake c\n```\n"
    (block,) = blocks("<!-- run in: there.md -->\n```sh\nmake a   # por qué\nmake a b\nmake b\nmake c\n```\n")
    assert (block.mark, block.said) == ("run in", "there.md")
    assert not_run_in(block, there) == ["make a b", "make b", "make c"]


def test_every_command_is_documented() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    for name in cli.COMMANDS:
        assert f"bittrader {name}" in text


def test_the_reference_of_commands_is_what_the_commands_say() -> None:
    written = subprocess.run(
        [sys.executable, ROOT / "Documentation" / "commands.py"], capture_output=True, text=True, check=True
    )
    assert written.stdout == (ROOT / "Documentation" / "COMMANDS.md").read_text(encoding="utf-8"), "run `make docs`"


def test_the_tree_in_the_architecture_is_the_tree_there_is() -> None:
    text = (ROOT / "Documentation" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = next(block.text for block in blocks(text) if "src/bittrader/" in block.text)
    package = ROOT / "src" / "bittrader"
    drawn = set(re.findall(r"^    (\w+(?:/|\.py))", tree, re.MULTILINE))
    folders = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert drawn == folders | {path.name for path in package.glob("*.py") if not path.name.startswith("_")}


def test_the_architecture_says_what_every_module_of_optimize_is_for() -> None:
    text = (ROOT / "Documentation" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.split("## Where in `optimize/`")[1].split("\n## ")[0]
    told = set()
    for row in table.splitlines():
        folder = found[1] if (found := re.search(r"\| `(\w+/)`:", row)) else ""
        told |= {folder + name for name in re.findall(r"`(\w+\.py)`", row)}
    optimize = ROOT / "src" / "bittrader" / "optimize"
    files = {path for pattern in ("*.py", "studies/*.py", "verdict/*.py") for path in optimize.glob(pattern)}
    assert told == {path.relative_to(optimize).as_posix() for path in files if path.name != "__init__.py"}


def test_every_document_can_be_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DOCUMENTS[1:] if path.name not in text] == []


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_the_notice_names_the_licence_of_every_package_we_install() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.split("==")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}
    noticed = set(re.findall(r"^    (\S+)  +\S", (ROOT / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE))
    assert noticed == locked


def test_the_result_in_the_readme_is_what_the_command_prints(
    real_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"what `bittrader (optimize .*?)` prints", text)
    (shown,) = (block.text for block in blocks(text) if block.language == "text")
    cli.run(["data", "import", str(real_data("binance_btcusdt_1h_clean.parquet")), "--name", "btcusdt-1h"])
    cli.run([*command.split(), "--no-report"])
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    for line in shown.splitlines():
        if "─" not in line:
            assert line.split() in printed
