"""Where Google Drive is found, in trees as each system has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bittrader.host.drives import drive_letters, is_folder, on_linux, on_macos, on_windows

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name == "nt", reason="a folder of a POSIX system")


def folders(root: Path, *names: str) -> list[Path]:
    made = [root / name for name in names]
    for path in made:
        path.mkdir(parents=True)
    return made


@pytest.mark.parametrize("mine", ["My Drive", "Mi unidad", "Meine Ablage", "in a language that nobody thought of"])
def test_macos_has_a_folder_for_each_account_whatever_the_language(tmp_path, mine):
    cloud = tmp_path / "Library" / "CloudStorage"
    (found, _, _) = folders(cloud, f"GoogleDrive-me@example.org/{mine}", "Dropbox", "GoogleDrive-me@example.org/.tmp")
    assert list(on_macos(tmp_path)) == [found, found.parent]


def test_what_is_the_owners_own_comes_before_what_is_shared(tmp_path):
    account = tmp_path / "Library" / "CloudStorage" / "GoogleDrive-me@example.org"
    folders(account, "Dysk współdzielony", "Mój dysk", "Archive")
    assert [path.name for path in on_macos(tmp_path)][:3] == ["Mój dysk", "Archive", "Dysk współdzielony"]


def test_older_programs_on_macos_used_a_folder_of_the_home(tmp_path):
    mine, _ = folders(tmp_path, "Google Drive/My Drive", "Documents")
    assert list(on_macos(tmp_path)) == [mine, mine.parent]


def test_windows_gives_it_a_letter_and_other_drives_are_left_alone(tmp_path):
    (mine, _, _) = folders(tmp_path, "G/Mi unidad", "D/bittrader", "home")
    assert list(on_windows(tmp_path / "home", [tmp_path / "D", tmp_path / "G", tmp_path / "Z"])) == [mine]


@pytest.mark.parametrize("name", ["Google Drive", "My Drive"])
def test_windows_mirrors_into_the_home(tmp_path, name):
    (mirrored,) = folders(tmp_path, name)
    assert list(on_windows(tmp_path, [])) == [mirrored]


def test_the_letters_are_roots():
    assert str(drive_letters()[3]) == "G:\\"
    assert "C:\\" not in map(str, drive_letters())


@pytest.mark.parametrize(
    "name", ["Google Drive", "GoogleDrive", "google-drive", "gdrive", "Insync/me@example.org/Google Drive"]
)
def test_linux_has_the_folders_of_other_programs(tmp_path, name):
    (found,) = folders(tmp_path, name)
    assert found in on_linux(tmp_path, "", tmp_path / "run")


@posix
def test_linux_has_mounts(tmp_path):
    drive, ocaml, other, account = folders(
        tmp_path, "my drive", "ocaml", "s3", "run/gvfs/google-drive:host=example.org,user=me"
    )
    (part,) = folders(account, "0AHk")
    spelt = str(drive).replace(" ", "\\040")
    mounts = (
        f"proc /proc proc rw 0 0\ngdrive: {spelt} fuse.rclone rw 0 0\nbucket: {other} fuse.rclone rw 0 0\n"
        f"google-drive-ocamlfuse {ocaml} fuse.google-drive-ocamlfuse rw 0 0\n\n"
    )
    assert list(on_linux(tmp_path / "home", mounts, tmp_path / "run")) == [drive, ocaml, part, account]


def test_where_there_is_none_nothing_is_found(tmp_path):
    assert not [*on_linux(tmp_path, "", tmp_path), *on_macos(tmp_path), *on_windows(tmp_path, [tmp_path])]


def test_a_mount_whose_program_has_died_is_no_folder():
    class Dead:
        def is_dir(self):
            raise OSError(107, "Transport endpoint is not connected")

    assert not is_folder(Dead())
