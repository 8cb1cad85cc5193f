"""`uninstall`: everything that an installation made is taken back, and what it leaves is said."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from os import getpid
from pathlib import Path

import typer

from bittrader.cli.asking import confirm, is_terminal, numbered
from bittrader.cluster import daemon
from bittrader.cluster.identity import Role, folder_of
from bittrader.errors import InputError
from bittrader.host import current
from bittrader.install import apply, removal
from bittrader.install.facts import owner_here
from bittrader.install.machine import Here, hand_over
from bittrader.install.receipt import FILE, read_receipt


def uninstall_node(role: Role, *, dry_run: bool, yes: bool, keep: bool | None, as_json: bool) -> int:
    """Removes a node, and returns the exit code: 1 when something is left."""
    owner = owner_here()
    folder = folder_of(role).absolute()
    is_tty = is_terminal()
    if not dry_run:
        hand_over(folder, owner)
    machine = Here(owner, "asks" if is_tty else "silent")
    receipt = read_receipt(machine, str(folder / FILE))
    may_ask = is_tty and not (yes or as_json or dry_run)
    if keep is None:
        keep = confirm("Keep your candles, studies and reports?", default=True) if may_ask else True
    goes = removal.removal(role, studies=not keep)
    if not receipt.entries and not goes.gone:
        _report_removal(role, [], goes.kept, (), as_json=as_json)
        return 0
    words = [one.change.undo_words for one in reversed(receipt.entries)]
    words += [f"remove {one} and all in it" for one in goes.gone]
    if not as_json:
        numbered(f"This stops the {role}, and will", words)
    if dry_run:
        if as_json:
            _report_removal(role, words, goes.kept, (), as_json=True)
        return 0
    if not may_ask and not yes:
        raise InputError("nobody is here to be asked: say --yes, or look first with --dry-run")
    if may_ask and not confirm("Go on?", default=True):
        raise typer.Exit(1)
    daemon.stop(role)
    left = apply.uninstall(machine, receipt)
    removal.end_what_runs(role)
    if left:
        goes = replace(goes, gone=tuple(one for one in goes.gone if one != folder))
    if current().name == "Windows" and folder in goes.gone:
        _remove_later(folder)
        goes = replace(goes, gone=tuple(one for one in goes.gone if one != folder))
    # From here on the program that runs may be gone itself: nothing more of it is imported.
    left += removal.remove(goes)
    _report_removal(role, words, goes.kept, left, as_json=as_json)
    return 1 if left else 0


def _report_removal(
    role: Role, done: Sequence[str], kept: Sequence[Path], left: Sequence[str], *, as_json: bool
) -> None:
    """Says what is gone and what is not; with what is imported already."""
    if as_json:
        typer.echo(json.dumps({"role": role, "done": list(done), "kept": list(map(str, kept)), "left": list(left)}))
        return
    lines = [f"The {role} is removed." if done else f"No {role} is installed here."]
    lines += [f"Kept: {', '.join(map(str, kept))}"] if kept else []
    lines += [f"Left, because it could not be undone: {one}" for one in left]
    typer.echo("\n".join(lines), err=True)


def _remove_later(folder: Path) -> None:
    """Has Windows remove the folder of this very program once it has ended."""
    script = Path(tempfile.gettempdir()) / f"bittrader-uninstall-{getpid()}.cmd"
    script.write_text(removal.last_step(str(folder), getpid()), encoding="utf-8", newline="")
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    subprocess.Popen(["cmd", "/c", str(script)], cwd=script.parent, creationflags=flags)  # noqa: S603, S607
