"""Where Google Drive puts itself on each system: pure functions of a home folder, so that each is tested everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What the owner's own part of the drive is called, which follows the language of the account. Where only Google Drive
# puts folders, any name will do; this list is for places that hold other things as well.
_MINE = (
    "My Drive", "Mi unidad", "Meu Drive", "O meu disco", "Mon Drive", "Meine Ablage", "Il mio Drive", "Mijn Drive",
    "Mój dysk", "Min enhet", "Mit drev", "Min disk", "Oma Drive", "La meva unitat", "Můj disk",
    "Мой диск", "Мій диск", "マイドライブ", "내 드라이브", "我的云端硬盘", "我的雲端硬碟",
)  # fmt: skip
_MOUNTS = re.compile(r"fuse\.(google-drive-ocamlfuse|gdrive.*)")
_RCLONE = re.compile(r"g(oogle)?[-_ ]?drive", re.IGNORECASE)
_OCTAL = re.compile(r"\\([0-7]{3})")


def on_macos(home: Path) -> Iterator[Path]:
    """Below CloudStorage one folder an account, in it one for what is the owner's and one for what is shared."""
    for account in sorted(_listed(home / "Library" / "CloudStorage")):
        if account.name.startswith("GoogleDrive-"):
            yield from _parts_of(account)
    yield from _in_home(home)


def on_windows(home: Path, letters: Iterable[Path]) -> Iterator[Path]:
    """A drive letter of its own, such as G, or a folder of the home where files are mirrored."""
    for letter in letters:
        yield from _mine(letter)
    yield from _in_home(home)


def on_linux(home: Path, mounts: str, runtime: Path) -> Iterator[Path]:
    """Folders that other programs keep, and what is mounted: `mounts` is /proc/mounts, `runtime` the user's own."""
    yield from _in_home(home)
    for name in ("GoogleDrive", "google-drive", "Google-Drive", "gdrive", "GDrive"):
        yield from _whole(home / name)
    for account in sorted(_listed(home / "Insync")):
        yield from _whole(account / "Google Drive")
    for mount in _mounted(mounts):
        yield from _whole(mount)
    for mount in sorted(_listed(runtime / "gvfs")):
        if mount.name.startswith("google-drive:"):
            yield from _parts_of(mount)


def drive_letters() -> list[Path]:
    """The drives that Windows may have given to somebody."""
    return [Path(f"{letter}:\\") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, and it answers: a mount whose program has died does not."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _in_home(home: Path) -> Iterator[Path]:
    yield from _whole(home / "Google Drive")
    yield from _mine(home)


def _whole(folder: Path) -> Iterator[Path]:
    """A folder that is all Google Drive's: what is the owner's is in a part of it, or at its top."""
    if is_folder(folder):
        yield from _mine(folder)
        yield folder


def _mine(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in _MINE if is_folder(folder / name))


def _parts_of(folder: Path) -> Iterator[Path]:
    """The folders in one where nobody else puts any, the owner's own first."""
    parts = sorted(path for path in _listed(folder) if not path.name.startswith(".") and is_folder(path))
    yield from sorted(parts, key=lambda path: path.name not in _MINE)
    if is_folder(folder):
        yield folder


def _mounted(mounts: str) -> Iterator[Path]:
    for line in mounts.splitlines():
        words = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), word) for word in line.split(" ")]
        if len(words) > 2 and _is_google(words[0], words[2]):
            yield Path(words[1])


def _is_google(source: str, kind: str) -> bool:
    return bool(_MOUNTS.fullmatch(kind)) or (kind == "fuse.rclone" and bool(_RCLONE.search(source)))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
