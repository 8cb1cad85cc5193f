"""Removes what labs left whose process was killed before it could clean up."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.cgroups import groups, remove_tree
from tests.lab.places import labs_folder
from tests.lab.shell import process_at, succeed, wait_until


def sweep() -> list[str]:
    """Removes every lab whose owner is gone; returns their names."""
    folders = sorted(labs_folder().iterdir()) if labs_folder().is_dir() else []
    gone = [folder for folder in folders if not _owner_lives(folder)]
    for folder in gone:
        remove(folder)
    return [folder.name for folder in gone]


def _owner_lives(folder: Path) -> bool:
    note = folder / "owner"
    if not note.exists():
        return False
    pid, started = map(int, note.read_text().split())
    owner = process_at(pid)
    return owner is not None and owner.started == started


def remove(folder: Path) -> None:
    """Removes all that there still is of the lab of that folder."""
    for group in groups(f"{folder.name}-*"):
        _kill(group)
        remove_tree(group)
    for namespace in _namespaces(folder.name):
        succeed("ip", "netns", "delete", namespace)
    for mount in mounts_below(folder):
        succeed("umount", "--lazy", str(mount))
    shutil.rmtree(folder)


def _kill(group: Path) -> None:
    if (group / "cgroup.kill").exists():
        (group / "cgroup.kill").write_text("1")
        wait_until(lambda: "populated 0" in (group / "cgroup.events").read_text(), f"{group} is empty", 20)


def _namespaces(lab: str) -> list[str]:
    names = os.listdir("/run/netns") if Path("/run/netns").is_dir() else []  # noqa: PTH208 - names are wanted
    return [name for name in names if name == lab or name.startswith(f"{lab}-")]


def mounts_below(folder: Path) -> list[Path]:
    """What is mounted below a folder, the innermost first."""
    places = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((place for place in places if place.is_relative_to(folder)), reverse=True)
