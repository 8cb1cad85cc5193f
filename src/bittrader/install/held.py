"""What `verify` says of an installation: whether each change of its receipt still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.cluster.health import Finding
from bittrader.errors import InstallError
from bittrader.install.facts import receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bittrader.cluster.identity import Role
    from bittrader.install.machine import Machine, Owner
    from bittrader.install.receipt import Entry

_WHAT = "Installation"


def findings(role: Role, machine: Machine, owner: Owner) -> tuple[Finding, ...]:
    """What there is to say; nothing where nothing was installed."""
    try:
        receipt = receipt_of(role, machine, owner)
    except InstallError as error:
        return (Finding(_WHAT, "wrong", str(error)),)
    return tuple(_found(role, machine, tuple(receipt.entries)))


def _found(role: Role, machine: Machine, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    again = f"bittrader {role} install makes it so again"
    begun = [one for one in entries if one.state == "begun"]
    known = [(one, one.change.holds(machine)) for one in entries if one.state == "done"]
    for one in begun:
        advice = f"bittrader {role} install finishes it, bittrader {role} uninstall takes it back"
        yield Finding(_WHAT, "wrong", f"it was cut off here: {one.change.words}", advice)
    for one, holds in known:
        if holds is False:
            yield Finding(_WHAT, "wrong", f"it is no longer so: {one.change.words}", again)
    secret = [one for one, holds in known if holds is None]
    if secret:
        words = f"{len(secret)} of {len(entries)} changes can be seen by an administrator alone"
        yield Finding(_WHAT, "ok", words, "")
    if entries and not begun and all(holds is not False for _, holds in known):
        yield Finding(_WHAT, "ok", f"all {len(known) - len(secret)} changes of the receipt hold", "")
