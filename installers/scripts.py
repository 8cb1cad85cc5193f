"""Makes a script whole: shared pieces and values are put where its source has a line for them.

`#:include NAME` stands for a file of the folder `shared`, which may include others; `#:values` for the values that the
build knows, as assignments; `@NAME@` for one value inside a text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_INCLUDE = re.compile(r"^#:include (\S+)\n", re.MULTILINE)
_VALUES = re.compile(r"^#:values\n", re.MULTILINE)
_VALUE = re.compile(r"@([A-Z][A-Z_0-9]*)@")


def finished(path: Path, shared: Path, written: str, values: dict[str, str]) -> str:
    """The text of a source with everything put in; KeyError for a value that is not there."""
    text = _INCLUDE.sub(lambda found: _included(shared, found[1]), path.read_text(encoding="ascii"))
    text = _VALUES.sub(lambda _: written, text)
    return _VALUE.sub(lambda found: values[found[1]], text)


def _included(shared: Path, name: str) -> str:
    text = (shared / name).read_text(encoding="ascii")
    return _INCLUDE.sub(lambda found: _included(shared, found[1]), text)


def posix_values(values: dict[str, str]) -> str:
    """Assignments for sh. None of the values holds a quote: they are versions, names and sums."""
    return "".join(f"{name}='{value}'\n" for name, value in values.items())


def powershell_values(values: dict[str, str]) -> str:
    """Assignments for PowerShell, which writes names in its own way."""
    return "".join(f"${name.title().replace('_', '')} = '{value}'\n" for name, value in values.items())
