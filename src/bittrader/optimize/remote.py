"""A search's evaluator as other computers make it: with the user's own files, and only where its numbers are equal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bittrader.execution.code_store import digest_of
from bittrader.execution.work import Code
from bittrader.optimize.origins import reference
from bittrader.strategies.registry import code_files, is_packaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Makes(Protocol):
    """A factory of evaluators that can say what decides their numbers."""

    def __call__(self) -> Any: ...

    def found_at(self, ref: str) -> Makes:
        """The same with the user's code in another place."""

    def facts(self) -> Mapping[str, str]:
        """What decides its numbers where this is asked."""


@dataclass(frozen=True, eq=False)
class Remote:
    """Makes on another computer what this one would make, and says what would make its numbers others."""

    made: Makes
    code: Code | None
    """The user's own files for it; None where all of it is in the package."""
    expected: Mapping[str, str]

    def make_at(self, reference: str | None) -> Makes:
        """The factory, with the user's code found by this reference; None where all of it is in the package."""
        return self.made if reference is None else self.made.found_at(reference)

    def differs(self, reference: str | None) -> str | None:
        """What makes this computer's numbers other ones than the driver's, in words; None when nothing does."""
        found = self.make_at(reference).facts()
        words = [_words(name, then, found.get(name, "none")) for name, then in self.expected.items()]
        return "; ".join(filter(None, words)) or None


def remote_of(made: Makes, code: Callable[..., object]) -> Remote | str:
    """How other computers make the evaluator of a strategy's class or a function; or why they could not."""
    if is_packaged(code):
        return Remote(made, None, made.facts())
    files = code_of(code)
    if files is None:
        name = getattr(code, "__qualname__", type(code).__qualname__)
        return f"{name} is in no file that could be sent to other computers. Put it at the top of a file of its own."
    return Remote(made.found_at(files.reference), files, made.facts())


def code_of(code: Callable[..., object]) -> Code | None:
    """The user's own files of a strategy's class or a function; None where no file holds it."""
    files, here = code_files(code), reference(code)
    if not files or not here:
        return None
    root = Path(os.path.commonpath([path.parent for path in files]))
    sent = {path.relative_to(root).as_posix(): text for path, text in sorted(files.items())}
    file, _, name = here.rpartition(":")
    return Code(f"{Path(file).relative_to(root).as_posix()}:{name}", sent, digest_of(sent))


def _words(name: str, then: str, now: str) -> str:
    """How a fact differs, and what to do; empty when it does not."""
    if then == now:
        return ""
    if name == "code":
        return "its strategy code is another: bring the folder up to date"
    if name == "engine":
        return "its bittrader computes otherwise: install the release that the driver has"
    return f"its {name} is {now}, the driver's {then}: install the same release of bittrader"
