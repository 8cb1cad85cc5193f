"""What must be the same on every node, and how a computer that differs is mended.

Ray's nodes speak only to their own version, and pickled code travels only between equal Pythons, to the patch level.
"""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import bittrader

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING = "none"
"""What stands for the version of a package that is not installed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The versions that a computer runs."""

    python: str
    ray: str
    bittrader: str

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Facts:
        return cls(**{name: values[name] for name in cls.names()})

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """One version that is not the head's."""

    what: str
    here: str
    head: str
    mend: str
    """The command that mends it, to be run on the computer that differs if nothing else is said."""

    def __str__(self) -> str:
        has = f"has no {self.what}" if self.here == MISSING else f"runs {self.what} {self.here}"
        return f"this computer {has}, the head runs {self.what} {self.head}: {self.mend}"


def facts_here() -> Facts:
    """The versions that this process runs."""
    try:
        ray = version("ray")
    except PackageNotFoundError:
        ray = MISSING
    return Facts(python=platform.python_version(), ray=ray, bittrader=bittrader.__version__)


def differences(here: Facts, head: Facts) -> tuple[Difference, ...]:
    """What differs from the head, most important first."""
    both = "run the newer installer where it is older (in a clone: git pull && make setup, there and here)"
    found = (
        ("Python", here.python, head.python, f"uv venv --clear --python {head.python} .venv && make setup"),
        ("Ray", here.ray, head.ray, f"uv pip install --python .venv ray=={head.ray}"),
        ("Bittrader", here.bittrader, head.bittrader, both),
    )
    return tuple(Difference(*one) for one in found if one[1] != one[2])


def in_words(found: tuple[Difference, ...]) -> str | None:
    """What differs and how to mend it, or None when nothing does."""
    return "; ".join(map(str, found)) or None
