"""What `--offline` puts into a zip: every package for its systems, and uv."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from contents import OLDEST_MACOS, UV, UV_VERSION, Package

# uv's name of a system, and pip's names of what it can use (pip knows none of the older ones by itself on Linux).
_GLIBC = (*range(28, 4, -1),)
_LINUX = {
    machine: (f"{machine}-manylinux_2_28", (*(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC), f"manylinux2014_{machine}"))
    for machine in ("x86_64", "aarch64")
}
_SYSTEMS = {
    "Linux-x86_64": _LINUX["x86_64"],
    "Linux-aarch64": _LINUX["aarch64"],
    "Darwin-arm64": ("aarch64-apple-darwin", (f"macosx_{OLDEST_MACOS.replace('.', '_')}_arm64",)),
    "Windows-AMD64": ("x86_64-pc-windows-msvc", ("win_amd64",)),
}


def fetch_wheels(package: Package, requirements: bytes, python: str, work: Path) -> dict[str, bytes]:
    """The wheels for all systems of a package and uv for them, by their paths in the zip."""
    found: dict[str, bytes] = {}
    for system in package.systems:
        folder = work / "wheels" / system
        if not folder.exists():
            _download(system, requirements, python, folder)
        found |= {f"package/wheels/{path.name}": path.read_bytes() for path in folder.glob("*.whl")}
        found[f"package/uv/{UV[system][0]}"] = (work / "uv" / system / UV[system][0]).read_bytes()
    return found


def _download(system: str, requirements: bytes, python: str, folder: Path) -> None:
    """Fetches a system's wheels and its uv, each checked by its hash."""
    for_uv, tags = _SYSTEMS[system]
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    lock = folder.with_suffix(".txt")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_bytes(requirements)
    # uv decides what that system needs: pip would ask the markers of the system that it runs on.
    resolved = folder.with_suffix(".resolved")
    compile_ = [uv, "pip", "compile", str(lock), "--quiet", "--no-deps", "--generate-hashes", "--only-binary", ":all:"]
    options = ["--python-platform", for_uv, "--python-version", python, "--no-header", "--no-annotate"]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    subprocess.run([*compile_, *options, "--output-file", str(resolved)], env=environment, check=True)
    pip = [uv, "tool", "run", "--quiet", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    platforms = [word for tag in tags for word in ("--platform", tag)]
    target = ["--python-version", python, "--implementation", "cp", *platforms]
    subprocess.run([*pip, *target, "--requirement", str(resolved), "--dest", str(folder)], check=True)
    name, sha256, _ = UV[system]
    line = folder.with_suffix(".uv")
    line.write_text(f"uv=={UV_VERSION} --hash=sha256:{sha256}\n")
    # The very file: its platform is in its name.
    (platform,) = {part for part in name.removesuffix(".whl").split("-")[-1].split(".")[:1]}
    into = folder.parents[1] / "uv" / system
    subprocess.run([*pip, "--platform", platform, "--requirement", str(line), "--dest", str(into)], check=True)
