"""Making a list of changes, and taking it back.

What is in the receipt and no longer wanted is undone first, then each wanted change is made that is not so already. If
one fails, what this run did is taken back, to what an earlier installation had left. A run that was killed takes
nothing back; the receipt has all of it, and the next run goes on from there, or the uninstallation takes it away.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bittrader.errors import BittraderError, InstallError, cause_of
from bittrader.install.changes import pure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bittrader.install.changes import Change
    from bittrader.install.machine import Machine
    from bittrader.install.receipt import Choices, Entry, Receipt


@dataclass(frozen=True)
class Step:
    """What one run does about one change."""

    what: Literal["do", "redo", "undo", "keep"]
    """`keep`: it is so already."""
    change: Change
    older: Entry | None = None


def steps(receipt: Receipt, wanted: Sequence[Change]) -> tuple[Step, ...]:
    """What a run has to do, in order."""
    keys = {one.key for one in wanted}
    gone = [Step("undo", one.change, one) for one in reversed(receipt.entries) if one.change.key not in keys]
    return (*gone, *(_step(receipt.machine, one, receipt.find(one.key)) for one in wanted))


def _step(machine: Machine, change: Change, older: Entry | None) -> Step:
    if older is None:
        return Step("do", change)
    same = older.state == "done" and change.asks_the_same(older.change)
    return Step("keep" if same and change.holds(machine) is not False else "redo", change, older)


def install(
    receipt: Receipt,
    wanted: Sequence[Change],
    choices: Choices,
    environment: str,
    tell: Callable[[Change], None] = lambda _change: None,
) -> None:
    """Has all of it be so; InstallError, with all taken back that this run did, when something cannot be.

    What is taken back is told.
    """
    before, order = (receipt.choices, receipt.environment), [one.change.key for one in receipt.entries]
    taken: list[Step] = []
    receipt.choose(choices, environment)
    try:
        for step in steps(receipt, wanted):
            taken.append(step)
            _take(receipt, step)
        receipt.order([one.key for one in wanted])
    except (OSError, BittraderError, KeyboardInterrupt) as error:
        left = _take_back(receipt, taken, order, tell)
        with suppress(OSError):  # what cannot be written has been wrong since the first failure, which is told
            receipt.order(order)
            receipt.choose(*before)
            receipt.drop_if_new()
        if isinstance(error, KeyboardInterrupt):
            raise
        raise InstallError(_in_words(error, taken[-1].change, left)) from error


def _take(receipt: Receipt, step: Step) -> None:
    machine = receipt.machine
    if step.what == "undo":
        step.change.undo(machine)
        receipt.forget(step.change)
    elif step.what != "keep":
        change = step.change.inheriting(step.older.change) if step.older else step.change.noticing(machine)
        receipt.note(change, "begun")
        change.apply(machine)
        receipt.note(change, "done")


def _take_back(
    receipt: Receipt, taken: Sequence[Step], order: Sequence[tuple[str, str]], tell: Callable[[Change], None]
) -> tuple[str, ...]:
    """Undoes what a run made, the last first, then makes again what it changed, and says what could not be."""
    left = []
    made = [now for step in reversed(taken) if step.older is None and (now := receipt.find(step.change.key))]
    changed = [step.older for step in taken if step.older is not None and step.what != "keep"]
    for entry in made:
        tell(entry.change)
        try:
            entry.change.undo(receipt.machine)
            receipt.forget(entry.change)
        except (OSError, BittraderError) as error:
            left.append(f"{entry.change.undo_words}: {_cause(error)}")
    for entry in sorted(changed, key=lambda one: order.index(one.change.key)):
        tell(entry.change)
        with suppress(OSError):  # a full disk is no reason to leave the old service stopped
            receipt.note(entry.change, "begun")
        try:
            entry.change.apply(receipt.machine)
            receipt.note(entry.change, "done")
        except (OSError, BittraderError) as error:
            left.append(f"{entry.change.words}: {_cause(error)}")
    return tuple(left)


def _in_words(error: OSError | BittraderError, change: Change, left: Sequence[str]) -> str:
    undone = "What was done before is undone." if not left else f"What could not be undone: {'; '.join(left)}."
    return f"could not {change.words}: {_cause(error).rstrip('.')}. {undone}"


def _cause(error: OSError | BittraderError) -> str:
    return str(error) if isinstance(error, BittraderError) else (error.strerror or cause_of(error))


def uninstall(receipt: Receipt, folder: str) -> tuple[str, ...]:
    """Takes all back, the last first, and says what could not be; that stays in the receipt.

    Then the program in the node's folder stays as well, which is needed for another try.
    """
    left: list[str] = []
    for entry in reversed(list(receipt.entries)):
        if left and _is_of(entry.change, folder):
            continue
        try:
            entry.change.undo(receipt.machine)
        except (OSError, BittraderError) as error:
            left.append(f"{entry.change.undo_words}: {_cause(error)}")
        else:
            with suppress(OSError):  # on a full disk it is undone a second time by another try, which is no harm
                receipt.forget(entry.change)
    return tuple(left)


def made_folders(receipt: Receipt) -> tuple[str, ...]:
    """The folders that were made for the changes of a receipt."""
    return tuple(folder for one in receipt.entries for folder in getattr(one.change, "made", ()))


def inherit_folders(receipt: Receipt, made: Sequence[str]) -> None:
    """Has the receipt of this computer's other role take over the folders that it still needs."""
    for entry in list(receipt.entries):
        own = getattr(entry.change, "made", None)
        above = {folder for folder in made if entry.change.target.startswith((f"{folder}/", f"{folder}\\"))}
        if own is not None and above - set(own):
            every = tuple(sorted({*own, *above}, key=len))
            receipt.note(replace(entry.change, made=every), entry.state)  # type: ignore[call-arg]


def _is_of(change: Change, folder: str) -> bool:
    """Whether it is a file in a folder, or leads there."""
    return pure(folder) in pure(str(getattr(change, "to", change.target))).parents
