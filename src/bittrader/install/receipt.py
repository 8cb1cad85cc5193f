"""The receipt: which changes were made to this computer, in their order, for whoever must take them back.

Each change is in it before it is made, and marked once it is: an installation that was cut in the middle has nothing
done that is not written down. What a later version wrote, and this one does not know, stays in it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from bittrader.errors import InstallError, cause_of
from bittrader.install.changes import Block, Change, Link, WriteFile, pure
from bittrader.install.firewall import FirewalldRules, NftRule, UfwRule, WindowsRule
from bittrader.install.launchd import Agent
from bittrader.install.systemd import Linger, Running, Scope, UnitFile
from bittrader.install.task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.install.machine import Machine

_VERSION = 1

KINDS: dict[str, type[Change]] = {
    kind.kind: kind
    for kind in (
        *(WriteFile, Link, Block, UnitFile, Running, Linger, Agent, ScheduledTask),
        *(UfwRule, FirewalldRules, NftRule, WindowsRule),
    )
}
"""Every kind of change, by the name that receipts have for it."""


@dataclass(frozen=True)
class Unknown(Change):
    """A change that another version made, and this one does not know."""

    kind: ClassVar[str] = "unknown"
    raw: str
    """What the receipt says of it, as JSON."""

    @property
    def target(self) -> str:
        return self.raw

    @property
    def words(self) -> str:
        return f"{json.loads(self.raw).get('words', 'something')} (of another version)"

    @property
    def undo_words(self) -> str:
        return f"undo what another version did: {json.loads(self.raw).get('words', 'something')}"

    def apply(self, machine: Machine) -> None:  # noqa: ARG002 - nothing can be done
        raise InstallError(f"this version does not know how to {self.words}")

    def holds(self, machine: Machine) -> bool | None:  # noqa: ARG002 - nobody can say
        return None

    def undo(self, machine: Machine) -> None:  # noqa: ARG002 - nothing can be done
        raise InstallError(f"this version does not know how to undo: {self.words}. Use the one that made it")


State = Literal["begun", "done"]


@dataclass(frozen=True)
class Entry:
    """A change, and how far it got."""

    change: Change
    state: State


@dataclass(frozen=True)
class Choices:
    """What the owner wanted, which is wanted again by an upgrade unless it is said anew."""

    scope: Scope = "user"
    start_at_login: bool = True
    firewall: bool = False


class Receipt:
    """The receipt of one node, kept on the disk at every step."""

    def __init__(self, machine: Machine, path: str, facts: Mapping[str, Any] | None = None) -> None:
        self.machine = machine
        self.path = path
        self.is_new = facts is None
        said = facts or {}
        self._version = max(int(said.get("version", _VERSION)), _VERSION)
        self.choices = _choices(said.get("choices", {}))
        self.environment = str(said.get("environment", ""))
        self.entries = [_entry(one) for one in said.get("changes", [])]

    def choose(self, choices: Choices, environment: str) -> None:
        """Writes down what is wanted."""
        self.choices, self.environment = choices, environment
        self._keep()

    def find(self, key: tuple[str, str]) -> Entry | None:
        """What it says of a change."""
        return next((one for one in self.entries if one.change.key == key), None)

    def note(self, change: Change, state: State) -> None:
        """Writes down how far a change got: in the place of one of the same key, else at the end."""
        new = Entry(change, state)
        places = [place for place, one in enumerate(self.entries) if one.change.key == change.key]
        if places:
            self.entries[places[0]] = new
        else:
            self.entries.append(new)
        self._keep()

    def forget(self, change: Change) -> None:
        """Takes out a change that was undone."""
        self.entries = [one for one in self.entries if one.change.key != change.key]
        self._keep()

    def order(self, keys: list[tuple[str, str]]) -> None:
        """Has the changes stand in this order, which is the order they need; others stay before them."""
        self.entries.sort(key=lambda one: keys.index(one.change.key) if one.change.key in keys else -1)
        self._keep()

    def drop_if_new(self) -> None:
        """Leaves no receipt of nothing, where there was none before."""
        if self.is_new and not self.entries:
            self.machine.remove(self.path)
            self.machine.remove_folder(str(pure(self.path).parent))

    def _keep(self) -> None:
        facts = {
            "version": self._version,
            "environment": self.environment,
            "choices": asdict(self.choices),
            "changes": [_told(one) for one in self.entries],
        }
        self.machine.write(self.path, json.dumps(facts, indent=1) + "\n", mode=0o600)


def read_receipt(machine: Machine, path: str) -> Receipt:
    """The receipt of a node, empty if there is none; InstallError if it cannot be used."""
    text = machine.read(path)
    if text is None:
        return Receipt(machine, path)
    try:
        facts = json.loads(text)
        if not isinstance(facts, dict):
            raise TypeError("it is no JSON object")
        return Receipt(machine, path, facts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        mend = "Move it away, and install again: what was made is taken over"
        raise InstallError(f"{path} cannot be used: {cause_of(error)}. {mend}") from error


def _told(entry: Entry) -> dict[str, Any]:
    change = entry.change
    if isinstance(change, Unknown):
        return {**json.loads(change.raw), "state": entry.state}
    return {"kind": change.kind, "state": entry.state, "words": change.words, "facts": asdict(change)}


def _entry(said: Mapping[str, Any]) -> Entry:
    state: State = "done" if said["state"] == "done" else "begun"
    kind, facts = KINDS.get(said["kind"]), said.get("facts")
    if kind is None or not isinstance(facts, dict) or not _fit(kind, facts):
        return Entry(Unknown(json.dumps(dict(said), sort_keys=True)), state)
    return Entry(kind(**{name: _hashable(value) for name, value in facts.items()}), state)


def _fit(made: type, facts: Mapping[str, Any]) -> bool:
    """Whether these are fields that a class has, each of its type."""
    known, kinds = {field.name for field in fields(made)}, get_type_hints(made)
    return set(facts) <= known and all(_fits(_hashable(value), kinds[name]) for name, value in facts.items())


def _fits(value: object, kind: Any) -> bool:
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return value in inner
    if get_origin(kind) is tuple and isinstance(value, tuple):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(kinds) == len(value) and all(map(_fits, value, kinds))
    return any(_fits(value, one) for one in inner) if isinstance(kind, UnionType) else type(value) is kind


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _choices(said: Mapping[str, Any]) -> Choices:
    known = {field.name for field in fields(Choices)}
    mine = {name: value for name, value in said.items() if name in known}
    if not _fit(Choices, mine):
        raise TypeError(f"choices are {mine}")
    return replace(Choices(), **mine)
