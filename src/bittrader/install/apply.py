"""Making a list of changes, and taking it back.

What is in the receipt and no longer wanted is undone first, then each wanted change is made that is not so already. If
one fails, what this run did is taken back, to what an earlier installation had left. A run that was killed takes
nothing back; the receipt has all of it, and the next run goes on from there, or the uninstallation takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.errors import BittraderError, InstallError, cause_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bittrader.install.changes import Change
    from bittrader.install.machine import Machine
    from bittrader.install.receipt import Choices, Entry, Receipt


@dataclass(frozen=True)
class Step:
    """What one run does about one change."""

    what: str
    """do, redo, undo, or keep: it is so already."""
    change: Change
    older: Entry | None = None


def steps(machine: Machine, receipt: Receipt, wanted: Sequence[Change]) -> tuple[Step, ...]:
    """What a run has to do, in order."""
    keys = {one.key for one in wanted}
    gone = [Step("undo", one.change, one) for one in reversed(receipt.entries) if one.change.key not in keys]
    return (*gone, *(_step(machine, one, receipt.find(one.key)) for one in wanted))


def _step(machine: Machine, change: Change, older: Entry | None) -> Step:
    if older is None:
        return Step("do", change)
    same = older.state == "done" and change.asks_the_same(older.change)
    return Step("keep" if same and change.holds(machine) is not False else "redo", change, older)


def install(
    machine: Machine,
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
        for step in steps(machine, receipt, wanted):
            taken.append(step)
            _take(machine, receipt, step)
        receipt.order([one.key for one in wanted])
    except (OSError, BittraderError, KeyboardInterrupt) as error:
        left = _take_back(machine, receipt, taken, tell)
        receipt.order(order)
        receipt.choose(*before)
        if isinstance(error, KeyboardInterrupt):
            raise
        raise InstallError(_in_words(error, taken[-1].change, left)) from error


def _take(machine: Machine, receipt: Receipt, step: Step) -> None:
    if step.what == "undo":
        step.change.undo(machine)
        receipt.forget(step.change)
    elif step.what != "keep":
        change = step.change.inheriting(step.older.change) if step.older else step.change.noticing(machine)
        receipt.note(change, "begun")
        change.apply(machine)
        receipt.note(change, "done")


def _take_back(
    machine: Machine, receipt: Receipt, taken: Sequence[Step], tell: Callable[[Change], None]
) -> tuple[str, ...]:
    """Undoes what a run did, the last first, and says what could not be undone."""
    left = []
    for step in reversed(taken):
        now = receipt.find(step.change.key)
        if step.what == "keep" or (step.older is None and now is None):
            continue
        try:
            if step.older is None and now is not None:
                tell(now.change)
                now.change.undo(machine)
                receipt.forget(now.change)
            elif step.older is not None:
                tell(step.change)
                receipt.note(step.older.change, "begun")
                step.older.change.apply(machine)
                receipt.note(step.older.change, "done")
        except (OSError, BittraderError) as error:
            left.append(f"{step.change.undo_words}: {_cause(error)}")
    return tuple(left)


def _in_words(error: OSError | BittraderError, change: Change, left: Sequence[str]) -> str:
    undone = "What was done before is undone." if not left else f"What could not be undone: {'; '.join(left)}."
    return f"could not {change.words}: {_cause(error).rstrip('.')}. {undone}"


def _cause(error: OSError | BittraderError) -> str:
    return str(error) if isinstance(error, BittraderError) else (error.strerror or cause_of(error))


def uninstall(machine: Machine, receipt: Receipt) -> tuple[str, ...]:
    """Takes all back, the last first, and says what could not be; that stays in the receipt."""
    left = []
    for entry in reversed(list(receipt.entries)):
        try:
            entry.change.undo(machine)
        except (OSError, BittraderError) as error:
            left.append(f"{entry.change.undo_words}: {_cause(error)}")
        else:
            receipt.forget(entry.change)
    return tuple(left)
