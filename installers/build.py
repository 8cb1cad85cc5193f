"""Builds the installers: `make installers`, or with `ARGS=--offline` with every package inside.

Four zips with what `contents.py` lists, each with the wheel of this very version and its hashed requirements in
`package/`, and their SHA-256 sums. The same input gives the same bytes: times, order and permissions are fixed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from installers.contents import OLDEST_GLIBC, OLDEST_MACOS, PACKAGES, PYTHON, PYTHONS, UV, UV_VERSION, Package
from installers.fetched import can_be_fetched, fetch_pythons, fetch_uv, fetch_wheels
from installers.scripts import finished, posix_values, powershell_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "installers"
LOCK = ROOT / "requirements-node.lock"
EPOCH_SECONDS = 1_767_225_600  # the first second of 2026, in UTC
_TIME = (2026, 1, 1, 0, 0, 0)
_EXECUTABLE = (".sh",)
_READY_MADE = (".whl", ".gz", ".zst")  # compressed already


@dataclass(frozen=True)
class Release:
    """What all zips are built from: the wheel, the requirements, the Python that they are for, and uv."""

    wheel: Path
    requirements: bytes
    python: str
    uv_version: str = UV_VERSION
    uv: Mapping[str, tuple[str, str]] = field(default_factory=lambda: UV)

    @property
    def version(self) -> str:
        return self.wheel.name.split("-")[1]

    @property
    def wheel_sha256(self) -> str:
        return hashlib.sha256(self.wheel.read_bytes()).hexdigest()

    @property
    def requirements_sha256(self) -> str:
        return hashlib.sha256(self.requirements).hexdigest()

    @property
    def name(self) -> str:
        """What an environment made from it is called: another for whatever makes it another."""
        parts = f"{self.wheel_sha256} {self.requirements_sha256} {self.python}"
        return f"{self.version}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"


def main(words: list[str]) -> None:
    """Builds them all and prints their names and sums."""
    asked = _parser().parse_args(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        release = Release(build_wheel(Path(work)), requirements_of(LOCK.read_text(encoding="utf-8")), asked.python)
        for package in PACKAGES:
            extra = fetch_uv(package, asked.python, Path(work))
            extra |= fetch_wheels(package, release.requirements, asked.python, Path(work)) if asked.offline else {}
            extra |= fetch_pythons(package, asked.python, Path(work)) if asked.with_python else {}
            write_zip(asked.out / package.zip_name, package.folder, members(package, release, extra))
    write_sums(asked.out)
    print((asked.out / "SHA256SUMS").read_text(), end="")


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _python(said: str) -> str:
    """A Python that a cluster may run, to the patch level."""
    if not re.fullmatch(rf"({'|'.join(map(re.escape, PYTHONS))})\.\d+", said):
        known = f"{', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}"
        raise argparse.ArgumentTypeError(
            f"{said!r} is no Python for a cluster: say {known} with its last number, as in {PYTHON}"
        )
    if not can_be_fetched(said):
        raise argparse.ArgumentTypeError(f"uv {UV_VERSION} knows no Python {said}: take another last number")
    return said


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="make installers", description="Builds the installers.")
    parser.add_argument("--offline", action="store_true", help="put every package inside")
    parser.add_argument("--with-python", action="store_true", help="put Python itself inside as well")
    parser.add_argument("--python", default=PYTHON, type=_python, help=f"the Python of the cluster (default: {PYTHON})")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where to put them (default: dist)")
    return parser


def build_wheel(into: Path) -> Path:
    """The wheel of this checkout, the same bytes each time."""
    # A fresh copy: what stands in the permissions and beside the sources of a checkout is no part of the release.
    copy = into / "checkout"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "NOTICE"):
        shutil.copyfile(ROOT / name, copy / name)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH_SECONDS)}
    done = subprocess.run(command, cwd=copy, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the wheel cannot be built:\n{done.stdout}{done.stderr}")
    (wheel,) = into.glob("*.whl")
    return wheel


def requirements_of(lock: str) -> bytes:
    """The lock without its comments: exact versions, markers and hashes."""
    lines = [line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return ("\n".join(lines) + "\n").encode()


def members(package: Package, release: Release, extra: dict[str, bytes]) -> dict[str, bytes]:
    """Every file of a zip by its path below the zip's folder."""
    inside = sorted({name.split("/")[1] for name in extra} - {"uv"})
    files = {name: script(package, source, release, inside) for name, source in package.files.items()}
    files[f"package/{release.wheel.name}"] = release.wheel.read_bytes()
    files["package/requirements.txt"] = release.requirements
    return files | extra


def script(package: Package, source: str, release: Release, inside: Sequence[str] = ()) -> bytes:
    """A file of the table: shared pieces and values put in, and line ends as its system likes them.

    `inside`: the folders of `package/` without which the scripts would turn to the internet.
    """
    values = {
        "PACKAGE_VERSION": release.version,
        "PACKAGE_ID": release.name,
        "PYTHON_VERSION": release.python,
        "WHEEL": release.wheel.name,
        "WHEEL_SHA256": release.wheel_sha256,
        "REQUIREMENTS_SHA256": release.requirements_sha256,
        "UV_VERSION": release.uv_version,
        "UV_FILES": "\n".join(f"{system} {' '.join(release.uv[system])}" for system in package.systems),
        "INSIDE": " ".join(inside),
        "OLDEST_GLIBC": OLDEST_GLIBC,
        "OLDEST_MACOS": OLDEST_MACOS,
        **package.values,
    }
    path = SOURCES / source
    written = powershell_values(values) if path.suffix == ".ps1" else posix_values(values)
    text = finished(path, SOURCES / "shared", written, values)
    return (text.replace("\n", "\r\n") if package.windows else text).encode("ascii")


def write_zip(path: Path, folder: str, files: dict[str, bytes]) -> None:
    """A zip of these files in a folder, the same bytes each time."""
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _TIME)
            entry.create_system = 3  # Unix, wherever it is built, so that permissions count
            entry.external_attr = (0o100755 if name.endswith(_EXECUTABLE) else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(_READY_MADE) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    part.replace(path)


def write_sums(folder: Path) -> None:
    """`SHA256SUMS` of the zips, as `sha256sum --check` reads it."""
    names = sorted(package.zip_name for package in PACKAGES)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines), newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
