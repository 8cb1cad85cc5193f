"""`uninstall`: everything that an installation made is taken back, and what it leaves is said."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import typer
from rich.markup import escape

from bittrader import paths
from bittrader.cli.asking import confirm, is_terminal, numbered, say
from bittrader.cli.joining import leave_here
from bittrader.cluster import daemon
from bittrader.cluster.identity import Role, folder_of, other_role
from bittrader.errors import BittraderError, InputError
from bittrader.host import current
from bittrader.install import apply, removal
from bittrader.install.ending import end_what_runs
from bittrader.install.facts import owner_here, receipt_of
from bittrader.install.machine import Here, Machine, Owner, hand_over
from bittrader.install.receipt import Receipt
from bittrader.install.removal import Removal
from bittrader.install.turns import alone
from bittrader.optimize.studies import shelf
from bittrader.optimize.studies.database import StudyRunningError, WriterLock, told


def uninstall_node(role: Role, *, dry_run: bool, yes: bool, keep: bool | None, as_json: bool) -> int:
    """Removes a node, and returns the exit code: 1 when something is left."""
    owner, folder = owner_here(), folder_of(role).absolute()
    if not dry_run:
        hand_over(folder, owner)
    machine = Here(owner, "asks" if is_terminal() else "silent")
    with nullcontext() if dry_run or not folder.exists() else alone(folder):
        return _uninstall(role, machine, owner, folder, dry_run=dry_run, yes=yes, keep=keep, as_json=as_json)


def _uninstall(
    role: Role,
    machine: Machine,
    owner: Owner,
    folder: Path,
    *,
    dry_run: bool,
    yes: bool,
    keep: bool | None,
    as_json: bool,
) -> int:
    receipt = receipt_of(role, machine, owner)
    may_ask = is_terminal() and not (yes or as_json or dry_run)
    if keep is None:
        keep = confirm("Keep your candles, studies and reports?", default=True) if may_ask else True
    goes = removal.removal(role, studies=not keep)
    words = [one.change.undo_words for one in reversed(receipt.entries)]
    words += [f"remove {one} and all in it" for one in goes.gone]
    if words and not as_json:
        numbered(f"This stops the {role}, and will", words)
        if role == "head":
            say(
                "A head that is installed again after that is another head: every worker must join it, with a new code."
            )
    if not words or dry_run:
        _report(role, words, goes.kept, (), as_json=as_json, dry_run=dry_run)
        return 0
    if not (yes or may_ask):
        raise InputError("nobody is here to be asked: say --yes, or look first with --dry-run")
    if may_ask and not confirm("Go on?", default=True):
        say("You said no: nothing was changed.")
        return 1
    left = _take_away(role, receipt, owner, goes, folder)
    _report(role, words, goes.kept, left, as_json=as_json, dry_run=False)
    return 1 if left else 0


def _take_away(role: Role, receipt: Receipt, owner: Owner, goes: Removal, folder: Path) -> tuple[str, ...]:
    """Stops the node and removes it, and says what is left.

    What is left keeps the node's folder, with the receipt in it, for another try. When this returns, the program that
    runs may be gone itself: nothing more of it can be imported.
    """
    with suppress(OSError):  # a full disk keeps no wish: then it is ended with its service, or killed
        daemon.stop(role)
    if paths.studies_dir() in goes.gone:
        _require_no_study_runs(role)
    made = apply.made_folders(receipt)
    left = apply.uninstall(receipt, str(folder))
    with suppress(BittraderError, OSError):  # that it cannot be read is told to whoever wants something of it
        apply.inherit_folders(receipt_of(other_role(role), receipt.machine, owner), made)
    end_what_runs(role)
    if role == "worker" and not left:
        _leave()
    is_windows = current().name == "Windows"
    if is_windows and not left and folder in goes.gone:
        _remove_later(folder)
    if is_windows or left:
        goes = replace(goes, gone=tuple(one for one in goes.gone if one != folder))
    return left + removal.remove(goes)


def _leave() -> None:
    """Takes this computer off its head's list; where the head cannot be told, its owner is."""
    if why := leave_here():
        say(f"Its head still lists this computer: {escape(why)}. There: bittrader head revoke NAME")


def _require_no_study_runs(role: Role) -> None:
    """StudyRunningError if a search writes, of this computer's other role perhaps, to what is to be deleted."""
    for name in shelf.names():
        try:
            study = shelf.path_of(name)
            with told(study):
                WriterLock(study).release()
        except StudyRunningError as error:
            words = f"{error} The {role} is stopped, and nothing is removed; --keep-studies removes it all the same."
            raise StudyRunningError(words) from None
        except BittraderError:  # a damaged one, or a file that is none, goes like the others
            continue


def _report(
    role: Role, words: Sequence[str], kept: Sequence[Path], left: Sequence[str], *, as_json: bool, dry_run: bool
) -> None:
    """Says what is gone and what is not, with what is imported already."""
    if as_json:
        facts = {"role": role, "dry_run": dry_run, "changes": list(words), "kept": list(map(str, kept))}
        typer.echo(json.dumps({**facts, "left": list(left)}))
        return
    title = f"The {role} is removed." if words else f"No {role} is installed here."
    lines = [title if not left else f"The {role} is not removed altogether."] if not words or not dry_run else []
    lines += [f"Kept: {', '.join(map(str, kept))}"] if kept else []
    lines += [f"Left: {one}" for one in left]
    lines += [f"Try again: bittrader {role} uninstall"] if left else []
    if lines:
        typer.echo("\n".join(lines), err=True)


def _remove_later(folder: Path) -> None:
    """Has Windows remove the folder of this very program once it has ended."""
    script = Path(tempfile.gettempdir()) / f"bittrader-uninstall-{os.getpid()}.cmd"
    script.write_text(removal.LAST_STEP, encoding="ascii", newline="")
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    environment = {**os.environ, removal.FOLDER_VARIABLE: str(folder)}
    subprocess.Popen(  # noqa: S603 - it outlives us
        ["cmd", "/c", str(script)],  # noqa: S607 - Windows' own
        cwd=script.parent,
        env=environment,
        creationflags=flags,
    )
