"""What must be the same on every node, and how a computer that differs is mended.

Ray's nodes speak only to their own version, and pickled code travels only between equal Pythons, to the patch level.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bittrader
from bittrader import paths

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
    by_installer: bool = field(default=False, compare=False)
    """Whether the installers made its environment: they bring all three, and mend all three."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return ("python", "ray", "bittrader")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Facts:
        by_installer = values.get("by_installer") is True  # an earlier version does not say it
        return cls(**{name: str(values[name]) for name in cls.names()}, by_installer=by_installer)

    @property
    def versions(self) -> dict[str, str]:
        """Each by its name."""
        return {name: getattr(self, name) for name in self.names()}

    def as_json(self) -> dict[str, Any]:
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
    by_installer = (Path(sys.prefix) / paths.INSTALLED).exists()
    return Facts(platform.python_version(), ray, bittrader.__version__, by_installer)


def differences(here: Facts, head: Facts) -> tuple[Difference, ...]:
    """What differs from the head, most important first."""
    if here.by_installer:
        python = ray = same = "take zips of one version for both, and run their installer again where it is another"
    else:
        python = f"uv venv --clear --python {head.python} .venv && make setup"
        ray = f"uv pip install --python .venv ray=={head.ray}"
        same = "git pull && make setup where it is older (where it was installed: the newer zip's installer)"
    found = (
        ("Python", here.python, head.python, python),
        ("Ray", here.ray, head.ray, ray),
        ("Bittrader", here.bittrader, head.bittrader, same),
    )
    return tuple(Difference(*one) for one in found if one[1] != one[2])


def in_words(found: tuple[Difference, ...]) -> str | None:
    """What differs and how to mend it, or None when nothing does."""
    return "; ".join(map(str, found)) or None
