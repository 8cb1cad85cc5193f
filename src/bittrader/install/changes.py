"""What a change to a computer is, and the changes to files.

For every change: after `apply` it holds, after `undo` all is as it was before. All three may be repeated, and `undo`
may find half of it done or gone, because a computer that lost its power was in the middle of one.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, ClassVar

from bittrader.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from bittrader.install.machine import Machine

MEMORY = ("before", "made")
"""The fields in which a change keeps what there was before it."""


@dataclass(frozen=True)
class Change(ABC):
    """One thing that an installation does to a computer. It is kept in the receipt as its fields."""

    kind: ClassVar[str]
    """What the receipt calls it; never changed, because older receipts have it."""

    @property
    @abstractmethod
    def target(self) -> str:
        """What it is done to: two changes of one kind and target take each other's place."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What it does, for the person whose computer it is."""

    @property
    @abstractmethod
    def undo_words(self) -> str:
        """What taking it back does, likewise."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells changes apart."""
        return self.kind, self.target

    def noticing(self, machine: Machine) -> Self:  # noqa: ARG002 - most have nothing to notice
        """The same, with what must be known to undo it."""
        return self

    def inheriting(self, older: Change) -> Self:
        """The same in the place of an older one, whose `undo` is then this one's."""
        kept = {field.name: getattr(older, field.name) for field in fields(self) if field.name in MEMORY}
        return replace(self, **kept)

    def asks_the_same(self, other: Change) -> bool:
        """Whether both lead to the same, whatever there was before each."""
        return self.key == other.key and self.inheriting(other) == other

    @abstractmethod
    def apply(self, machine: Machine) -> None:
        """Makes it; InstallError or OSError when that cannot be."""

    @abstractmethod
    def holds(self, machine: Machine) -> bool | None:
        """Whether it is so; None where this user may not know."""

    @abstractmethod
    def undo(self, machine: Machine) -> None:
        """Has it be as before; InstallError or OSError when that cannot be."""


def missing_folders(machine: Machine, path: str) -> tuple[str, ...]:
    """The folders that must be made for a file, the outermost first."""
    return tuple(str(one) for one in reversed(pure(path).parents) if not machine.exists(str(one)))


def remove_folders(machine: Machine, made: Sequence[str], *, root: bool) -> None:
    """Takes folders away that were made for a file, the innermost first, where nothing else is in them by now."""
    for folder in reversed(made):
        machine.remove_folder(folder, root=root)


def digest(text: str) -> str:
    """What stands for a text where only whether it changed matters."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pure(path: str) -> PurePath:
    """A path, as the system takes it apart that it is from."""
    return PureWindowsPath(path) if PureWindowsPath(path).drive else PurePosixPath(path)


@dataclass(frozen=True)
class WriteFile(Change):
    """A file of ours."""

    kind: ClassVar[str] = "file"
    path: str
    text: str
    what: str
    """What it is, for a person."""
    mode: int = 0o644
    root: bool = False
    utf16: bool = False
    before: str | None = None
    """What it held."""
    made: tuple[str, ...] = ()
    """The folders that were made for it."""

    @property
    def target(self) -> str:
        return self.path

    @property
    def words(self) -> str:
        return f"write {self.path}: {self.what}"

    @property
    def undo_words(self) -> str:
        return f"remove {self.path}" if self.before is None else f"have {self.path} hold what it held before"

    def noticing(self, machine: Machine) -> Self:
        """One that names us is our own, whose receipt was lost: it is nobody's to come back."""
        there = self._read(machine)
        before = None if there is not None and "bittrader" in there.replace("\0", "") else there
        return replace(self, before=before, made=missing_folders(machine, self.path))

    def apply(self, machine: Machine) -> None:
        machine.write(self.path, self.text, mode=self.mode, root=self.root, utf16=self.utf16)

    def holds(self, machine: Machine) -> bool | None:
        return self._read(machine) == (self._encoded if self.utf16 else self.text)

    def undo(self, machine: Machine) -> None:
        if self.before is None:
            machine.remove(self.path, root=self.root)
        else:
            machine.write(self.path, self.before, mode=self.mode, root=self.root)
        remove_folders(machine, self.made, root=self.root)

    @property
    def _encoded(self) -> str:
        """How its bytes look to `read`."""
        return self.text.encode("utf-16").decode("utf-8", "surrogateescape")

    def _read(self, machine: Machine) -> str | None:
        return machine.read(self.path)


@dataclass(frozen=True)
class Link(Change):
    """A name of ours for another file."""

    kind: ClassVar[str] = "link"
    path: str
    to: str
    what: str
    root: bool = False
    made: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return self.path

    @property
    def words(self) -> str:
        return f"link {self.path}: {self.what}"

    @property
    def undo_words(self) -> str:
        return f"remove the link {self.path}"

    def noticing(self, machine: Machine) -> Self:
        if machine.exists(self.path) and machine.target(self.path) != self.to:
            raise InstallError(f"{self.path} is there already, and is not ours: move it away")
        return replace(self, made=missing_folders(machine, self.path))

    def apply(self, machine: Machine) -> None:
        machine.link(self.path, self.to, root=self.root)

    def holds(self, machine: Machine) -> bool | None:
        return machine.target(self.path) == self.to

    def undo(self, machine: Machine) -> None:
        if machine.target(self.path) == self.to:
            machine.remove(self.path, root=self.root)
        remove_folders(machine, self.made, root=self.root)


@dataclass(frozen=True)
class Block(Change):
    """Lines of ours at the end of a file that is somebody else's."""

    kind: ClassVar[str] = "block"
    path: str
    name: str
    text: str
    what: str
    root: bool = False
    before: bool = True
    """Whether the file's last line had its end."""

    @property
    def target(self) -> str:
        return f"{self.path} {self.name}"

    @property
    def words(self) -> str:
        return f"add to {self.path}: {self.what}"

    @property
    def undo_words(self) -> str:
        return f"take our lines out of {self.path}"

    def noticing(self, machine: Machine) -> Self:
        rest = self._without(machine.read(self.path) or "")
        return replace(self, before=rest.endswith("\n") or not rest)

    def apply(self, machine: Machine) -> None:
        text = machine.read(self.path)
        if text is None:
            raise InstallError(f"{self.path} is not there any more")
        rest = self._without(text)
        ended = rest if rest.endswith("\n") or not rest else f"{rest}\n"
        self._write(machine, ended + self._block)

    def holds(self, machine: Machine) -> bool | None:
        return self._block in (machine.read(self.path) or "")

    def undo(self, machine: Machine) -> None:
        text = machine.read(self.path)
        if text is None or (rest := self._without(text)) == text:
            return
        self._write(machine, rest if self.before else rest.removesuffix("\n"))

    def _write(self, machine: Machine, text: str) -> None:
        machine.write(self.path, text, mode=machine.mode(self.path), root=self.root)

    @property
    def _first(self) -> str:
        return f"# {self.name}: begin\n"

    @property
    def _last(self) -> str:
        return f"# {self.name}: end\n"

    @property
    def _block(self) -> str:
        return f"{self._first}{self.text}{self._last}"

    def _without(self, text: str) -> str:
        start, end = text.find(self._first), text.find(self._last)
        return text if start < 0 or end < start else text[:start] + text[end + len(self._last) :]
