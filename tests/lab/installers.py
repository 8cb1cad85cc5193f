"""The installers as people get them, built for this computer's own Python, and that Python as uv would download it."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import subprocess
import sys
import tarfile
from functools import lru_cache
from pathlib import Path

from tests.lab.places import ROOT, cache

import bittrader

PYTHON = platform.python_version()
HEAD_ZIP = "Bittrader_Head_Installer_v4.0_Native.zip"
WORKER_ZIP = "Bittrader_Worker_Installer_v2.6_Linux.zip"

PROGRAM = f"python{sys.version_info.major}.{sys.version_info.minor}"

# The zips for one system alone, with all that a computer without the internet needs.
_BUILD = """
import sys
from dataclasses import replace
sys.path.insert(0, ".")
from installers import build
system, python, out, *names = sys.argv[1:]
build.PACKAGES = tuple(replace(one, systems=(system,)) for one in build.PACKAGES if one.zip_name in names)
build.main(["--offline", "--python", python, "--out", out])
"""
_SOURCES = ("src", "installers", "pyproject.toml", "README.md", "NOTICE", "requirements-node.lock")


@lru_cache
def zips(version: str | None = None) -> Path:
    """The folder with the head's and the workers' zip, of this checkout or of the same as another version."""
    folder = cache() / "installers" / (version or "now")
    shutil.rmtree(folder, ignore_errors=True)
    checkout = folder / "checkout"
    checkout.mkdir(parents=True)
    for name in _SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, checkout / name)
    if version is not None:
        package = checkout / "src" / "bittrader" / "__init__.py"
        package.write_text(package.read_text().replace(f'"{bittrader.__version__}"', f'"{version}"', 1))
    words = [f"Linux-{platform.machine()}", PYTHON, str(folder), HEAD_ZIP, WORKER_ZIP]
    subprocess.run([sys.executable, "-c", _BUILD, *words], cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(checkout)
    return folder


@lru_cache
def python_mirror() -> Path:
    """A folder with this Python as an archive, and `downloads.json`, which tells uv of it."""
    folder = cache() / "python"
    archive = folder / f"cpython-{PYTHON}.tar.gz"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = archive.with_suffix(".part")
        with tarfile.open(part, "w:gz", compresslevel=1) as tar:
            tar.add(sys.base_prefix, "python", filter=_needed)
            _add_program(tar)
        part.rename(archive)
    major, minor, patch = map(int, PYTHON.split("."))
    machine = platform.machine()
    entry = {
        "name": "cpython", "arch": {"family": machine, "variant": None}, "os": "linux", "libc": "gnu",
        "major": major, "minor": minor, "patch": patch, "prerelease": "", "url": archive.as_uri(),
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(), "variant": None, "build": None,
    }  # fmt: skip
    (folder / "downloads.json").write_text(json.dumps({f"cpython-{PYTHON}-linux-{machine}-gnu": entry}))
    return folder


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Neither its tests, nor what was installed into it, nor its program, which is added apart."""
    parts = Path(member.name).parts
    unneeded = {"test", "site-packages", "__pycache__", "share"}
    return None if unneeded & {*parts} or member.name == f"python/bin/{PROGRAM}" else member


def _add_program(tar: tarfile.TarFile) -> None:
    """The program, which must find its library wherever it is unpacked: a Python of pyenv's knows one place alone."""
    path = Path(sys.base_prefix, "bin", PROGRAM)
    there = f"{sys.base_prefix}/lib\0".encode()
    anywhere = b"$ORIGIN/../lib\0".ljust(len(there), b"\0")
    data = path.read_bytes().replace(there, anywhere)
    member = tar.gettarinfo(path, f"python/bin/{PROGRAM}")
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
