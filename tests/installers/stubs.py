"""Small stand-ins for what is large: a package index of two wheels, a `bittrader` that only says what it was asked.

The scripts, uv and Python are the real ones. The program that stands in for ours does what the scripts count on: it
writes `bin/bittrader` when it installs, and takes it away when it uninstalls.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from installers.build import Release, members, write_zip
from installers.contents import PACKAGES

from bittrader.cluster.invite import Invite, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = encode(Invite(("192.0.2.1",), 6380, bytes(range(16)), b"S3CR3T+++!"))
"""A join code, of a head that nobody is asked for."""

PROGRAM = """
import json, os, pathlib, shlex, sys
words = sys.argv[1:]
role, command = words[:2]
folder = pathlib.Path(os.environ.get("BITTRADER_HOME") or pathlib.Path.home() / ".bittrader") / role
if not os.environ.get("BITTRADER_HOME"):
    folder = pathlib.Path.home() / f".bittrader_{role}"
with open(os.environ["STUB_RECORD"], "a") as record:
    record.write(json.dumps(words) + "\\n")
print("stub:", *words)
launcher = folder / "bin" / "bittrader"
if command == "install" and "--dry-run" not in words:
    if os.environ.get("STUB_FAILS"):
        sys.exit(f"bittrader: {os.environ['STUB_FAILS']}")
    if os.environ.get("STUB_DECLINES"):
        sys.exit(1)
    if os.environ.get("STUB_STAYS"):
        import signal
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        signal.pause()
    launcher.parent.mkdir(exist_ok=True)
    launcher.write_text(f'#!/bin/sh\\nexec {shlex.quote(sys.prefix + "/bin/python")} -m bittrader "$@"\\n')
    launcher.chmod(0o755)
elif command == "uninstall":
    import shutil
    shutil.rmtree(folder)
elif command == "verify":
    sys.exit(1)
"""


@cache
def real_uv() -> Path | None:
    """The program uv, if this computer has it."""
    found = shutil.which("uv")
    if found is None:
        return None
    if "shims" in Path(found).parts:  # a script of pyenv's, which knows where the program is
        found = subprocess.run(["pyenv", "which", "uv"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(found).resolve()


@cache
def uv_version() -> str:
    """Which it is: the installers are built to want this one."""
    if real_uv() is None:
        return "0"
    return subprocess.run([real_uv(), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """A wheel that pip and uv take for one."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    files = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{file},sha256={_digest(text)},{len(text.encode())}" for file, text in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file, (2026, 1, 1, 0, 0, 0)), text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def uv_package(uv: Path) -> bytes:
    """What the package index has of uv, made from the program that is here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(uv, f"uv-{uv_version()}.data/scripts/uv")
    return packed.getvalue()


@dataclass(frozen=True)
class Unpacked:
    """The four zips, built around the stand-ins and unpacked, and the package of uv that lies in them."""

    folder: Path
    uv_name: str
    uv_package: bytes

    def script(self, name: str, folder: str = "Head_Native_v4.0") -> Path:
        return self.folder / folder / name


def unpacked(
    into: Path, version: str = "1.0", python: str = platform.python_version(), *, offline: bool = True
) -> Unpacked:
    """The zips of a version of the stand-in, for the Python that runs this; with the package that it needs inside."""
    made = into / "made"
    made.mkdir(parents=True)
    pebble = wheel(made, "pebble", "1.0", {"pebble.py": "SIZE = 'small'\n"})
    bittrader = wheel(made, "bittrader", version, {"bittrader/__init__.py": "", "bittrader/__main__.py": PROGRAM})
    requirements = f"pebble==1.0 \\\n    --hash=sha256:{hashlib.sha256(pebble.read_bytes()).hexdigest()}\n".encode()
    uv = real_uv()
    packed = uv_package(uv) if uv else b"no uv here"
    known = ("uv-here.whl", hashlib.sha256(packed).hexdigest())
    names = ("Linux-x86_64", "Linux-aarch64", "Darwin-arm64", "Windows-AMD64")
    release = Release(bittrader, requirements, python, uv_version(), dict.fromkeys(names, known))
    for package in PACKAGES:
        extra = {f"package/uv/{known[0]}": packed}
        extra |= {f"package/wheels/{pebble.name}": pebble.read_bytes()} if offline else {}
        write_zip(into / package.zip_name, package.folder, members(package, release, extra))
        # Not by zipfile, which loses the permissions.
        subprocess.run(["unzip", "-q", str(into / package.zip_name), "-d", str(into)], check=True)
    return Unpacked(into, known[0], packed)


_EVERYWHERE = (
    "sh", "dash", "bash", "awk", "cat", "chmod", "cp", "cut", "df", "dirname", "du", "env", "getconf", "getent", "grep",
    "head", "id", "mkdir", "mv", "ps", "rm", "rmdir", "sha256sum", "sleep", "tail", "tr", "uname",
)  # fmt: skip


@dataclass
class Computer:
    """A home and a PATH of its own, and what the installer did there."""

    home: Path
    shell: str
    tools: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.home / ".bittrader_head"

    @property
    def record(self) -> Path:
        return self.home.parent / "record"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.tools}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "STUB_RECORD": str(self.record),
            "UV_PYTHON_DOWNLOADS": "manual",
            "LC_ALL": "C.UTF-8",
            **self.variables,
        }

    def run(self, script: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """What became of a script, without a terminal."""
        return subprocess.run(
            [self.shell, str(script), *words],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def tool(self, name: str, text: str) -> None:
        """Puts a program of ours before the system's of the same name."""
        path = self.tools / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def has_only(self, *programs: str) -> None:
        """Takes away all that a system may lack: what is left are these, and what every system has."""
        for name in (*_EVERYWHERE, *programs):
            found = shutil.which(name)
            if found and not (self.tools / name).exists():
                (self.tools / name).symlink_to(found)
        self.variables["PATH"] = str(self.tools)

    def has_uv(self) -> None:
        uv = real_uv()
        assert uv
        (self.tools / "uv").unlink(missing_ok=True)
        (self.tools / "uv").symlink_to(uv)

    def tree(self) -> dict[str, int]:
        """Everything in the home, and when it was changed."""
        return {str(path.relative_to(self.home)): path.lstat().st_mtime_ns for path in _below(self.home)}


def _below(folder: Path) -> Iterator[Path]:
    for top, folders, files in os.walk(folder):
        yield from (Path(top) / name for name in (*folders, *files))


def this_python() -> Path:
    """The Python that runs this, outside of any environment."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()
