"""A small disk of a test's own, whose power can be cut: what nobody had it keep by then is gone."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# ext4's own order to stop at once and leave its journal unwritten, made to test what a power cut leaves.
_SHUT_DOWN = 0x8004587D
_JOURNAL_UNWRITTEN = struct.pack("I", 2)
# Nothing becomes safe by waiting, only by having the disk keep it.
_OPTIONS = "loop,commit=300"


class Disk:
    """An ext4 file system in a file, running; the test is skipped where none can be had."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / "image"
        self.root = folder / "disk"
        self.root.mkdir()
        with self._image.open("wb") as file:
            file.truncate(48 << 20)
        if getattr(os, "geteuid", lambda: 1)() != 0:
            pytest.skip("only root can make a disk to cut the power of")
        try:
            _run("mkfs.ext4", "-q", "-b", "4096", self._image)
            self._start()
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            pytest.skip(f"no disk to cut the power of can be made here: {said.strip()}")

    def cut(self) -> None:
        """Takes the power away: from here on nothing reaches the disk, and its files cannot be used."""
        import fcntl  # noqa: PLC0415 - Windows has none

        root = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(root, _SHUT_DOWN, _JOURNAL_UNWRITTEN)
        finally:
            os.close(root)

    def restart(self) -> None:
        """Gives the power back. Nobody may have a file of it open."""
        _run("umount", self.root)
        # Whoever copied the table of mounts meanwhile, as containers do, still has the old one, which stays cut.
        self._image = shutil.copyfile(self._image, self._image.with_name(f"{self._image.name}-"))
        self._start()

    def remove(self) -> None:
        """Takes it away, whatever is open."""
        subprocess.run(["umount", "--lazy", self.root], check=False, capture_output=True)

    def _start(self) -> None:
        _run("mount", "-o", _OPTIONS, self._image, self.root)


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
