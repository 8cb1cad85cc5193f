"""What is fetched into a zip: uv, with `--offline` every package for its systems, with `--with-python` Python too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote
from urllib.request import urlopen

from installers.contents import OLDEST_MACOS, UV, UV_VERSION, Package

if TYPE_CHECKING:
    from pathlib import Path

_GLIBC_MINORS = range(28, 4, -1)


def _linux(machine: str) -> tuple[str, ...]:
    """All that a package for glibc 2.28 or older can be called: pip wants to be told each."""
    return (*(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS), f"manylinux2014_{machine}")


# uv's names of a system, for packages and for Pythons, and pip's names of what runs there.
_SYSTEMS = {
    "Linux-x86_64": ("x86_64-manylinux_2_28", "linux-x86_64-gnu", _linux("x86_64")),
    "Linux-aarch64": ("aarch64-manylinux_2_28", "linux-aarch64-gnu", _linux("aarch64")),
    "Darwin-arm64": (
        "aarch64-apple-darwin", "macos-aarch64-none", (f"macosx_{OLDEST_MACOS.replace('.', '_')}_arm64",),
    ),
    "Windows-AMD64": ("x86_64-pc-windows-msvc", "windows-x86_64-none", ("win_amd64",)),
}  # fmt: skip


def fetch_uv(package: Package, python: str, work: Path) -> dict[str, bytes]:
    """The uv for each system of a package, by its path in the zip."""
    found: dict[str, bytes] = {}
    for system in package.systems:
        (name, sha256), folder = UV[system], work / system
        if not (folder / "uv").exists():
            folder.mkdir(parents=True, exist_ok=True)
            line = folder / "uv.txt"
            line.write_text(f"uv=={UV_VERSION} --hash=sha256:{sha256}\n")
            _download(line, (name.removesuffix(".whl").split("-")[-1].split(".")[0],), python, folder / "uv")
        found[f"package/uv/{name}"] = (folder / "uv" / name).read_bytes()
    return found


def fetch_wheels(package: Package, requirements: bytes, python: str, work: Path) -> dict[str, bytes]:
    """The wheels for all systems of a package, by their paths in the zip."""
    found: dict[str, bytes] = {}
    for system in package.systems:
        folder = work / system
        if not (folder / "wheels").exists():
            lock = folder / "lock.txt"
            lock.write_bytes(requirements)
            _download(_resolved(system, lock, python), _SYSTEMS[system][2], python, folder / "wheels")
        found |= {f"package/wheels/{path.name}": path.read_bytes() for path in (folder / "wheels").glob("*.whl")}
    return found


def fetch_pythons(package: Package, python: str, work: Path) -> dict[str, bytes]:
    """The Pythons for all systems of a package, by their paths in the zip: as in a mirror that uv reads."""
    found: dict[str, bytes] = {}
    for system in package.systems:
        name, path = _python_url(system, python), work / system / "python.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # uv checks the hash that it knows when it installs it.
            with urlopen(name) as source, path.open("wb") as target:  # noqa: S310 - uv said where it is
                shutil.copyfileobj(source, target)
        tag, file = name.split("/")[-2:]
        found[f"package/python/{tag}/{unquote(file)}"] = path.read_bytes()
    return found


def _python_url(system: str, python: str) -> str:
    """Where uv would fetch a system's Python, from a mirror if its variable names one."""
    return _python_urls(python)[f"cpython-{python}-{_SYSTEMS[system][1]}"]


def can_be_fetched(python: str) -> bool:
    """Whether uv knows where every system's Python of that version is."""
    return {f"cpython-{python}-{names[1]}" for names in _SYSTEMS.values()} <= set(_python_urls(python))


def _python_urls(python: str) -> dict[str, str]:
    """Where uv would fetch it, by system."""
    command = [_uv(), "python", "list", f"cpython-{python}", "--only-downloads", "--all-platforms", "--all-arches"]
    listed = subprocess.run([*command, "--output-format", "json"], stdout=subprocess.PIPE, check=True).stdout
    return {entry["key"]: entry["url"] for entry in json.loads(listed)}


def _resolved(system: str, lock: Path, python: str) -> Path:
    """What of the lock a system needs: pip would ask the markers of the system that it runs on."""
    path = lock.with_name("resolved.txt")
    command = [
        _uv(),
        "pip",
        "compile",
        str(lock),
        "--quiet",
        "--no-deps",
        "--generate-hashes",
        "--only-binary",
        ":all:",
    ]
    target = ["--python-platform", _SYSTEMS[system][0], "--python-version", python, "--output-file", str(path)]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    subprocess.run([*command, "--no-header", "--no-annotate", *target], env=environment, check=True)
    return path


def _download(requirements: Path, tags: tuple[str, ...], python: str, into: Path) -> None:
    pip = [_uv(), "tool", "run", "--quiet", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    target = ["--only-binary", ":all:", "--python-version", python, "--implementation", "cp"]
    platforms = [word for tag in tags for word in ("--platform", tag)]
    command = [*pip, *target, *platforms, "--requirement", str(requirements), "--dest", str(into)]
    subprocess.run(command, check=True)


def _uv() -> str:
    return os.environ.get("UV") or shutil.which("uv") or "uv"
