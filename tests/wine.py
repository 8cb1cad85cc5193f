"""A Windows to try things on, as far as Wine is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wine:
    """Wine, with a Windows of its own in `folder`."""

    program: str
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What its programs are to have in their environment."""
        folders = dict.fromkeys(("WINEPREFIX", "HOME", "TMPDIR"), self.folder)
        own = {**folders, "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8"}
        return {"PATH": os.environ["PATH"], **{name: str(value) for name, value in own.items()}}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """What became of a command, with more variables than its own; it has nobody to ask."""
        return subprocess.run(
            [self.program, *words], env=self.variables | more, stdin=subprocess.DEVNULL, capture_output=True,
            encoding="cp1252", check=False, timeout=300,
        )  # fmt: skip


def found_wine() -> str | None:
    """Where Wine's program is, if there is one."""
    return shutil.which("wine64") or next(map(str, Path("/usr/lib/wine").glob("wine64")), None)


def inside(path: Path) -> str:
    """What a path out here is called in there."""
    return "Z:" + str(path).replace("/", "\\")
