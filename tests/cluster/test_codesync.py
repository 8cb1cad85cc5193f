"""Which folder holds the owner's strategies, and what is said of it."""

from __future__ import annotations

import json
import subprocess
import threading
import time

import pytest

from bittrader import paths
from bittrader.cluster.codesync import Following, Synced, find, look_briefly, with_git
from bittrader.cluster.config_file import set_key
from bittrader.cluster.settings import parse_settings
from bittrader.errors import InputError


def none():
    return []


def test_by_itself_a_node_has_no_copy_and_studies_bring_their_code():
    assert find("", none) == Synced(None, "studies bring it along")


def test_a_folder_by_its_path_is_taken_whatever_keeps_it_the_same(tmp_path):
    assert find(str(tmp_path), none).folder == str(tmp_path)


def test_a_home_is_written_as_people_write_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "strategies").mkdir()
    assert find("~/strategies", none).folder == str(tmp_path / "strategies")


def test_a_folder_that_is_not_there_is_said_and_no_reason_to_stop(tmp_path):
    found = find(str(tmp_path / "none"), none)
    assert found.folder is None
    assert found.trouble
    assert "there is no such folder now: studies bring it along" in found.how


@pytest.mark.parametrize("name", ["bittrader", "Bittrader"])
def test_auto_takes_the_folder_of_our_name_in_the_first_drive_that_has_one(tmp_path, name):
    drives = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    for drive in drives:
        drive.mkdir()
    for drive in drives[1:]:
        (drive / name).mkdir()
    found = find("auto", lambda: drives)
    assert found.folder is not None
    assert (tmp_path / "two" / name).samefile(found.folder)
    assert not found.trouble


def test_auto_says_where_it_looked(tmp_path):
    assert "Google Drive was not found" in find("auto", none).how
    found = find("auto", lambda: [tmp_path])
    assert f"no folder bittrader in Google Drive ({tmp_path})" in found.how
    assert found.trouble


@pytest.mark.parametrize("wrong", ["strategies", "./here", "Auto", "~nobody-of-this-name/x"])
def test_a_path_that_depends_on_who_asks_is_refused(wrong, tmp_path):
    with pytest.raises(InputError, match="whole path"):
        parse_settings(f'[code]\nfolder = "{wrong}"')
    with pytest.raises(InputError, match=r"code\.folder is a whole path"):
        set_key(tmp_path, "code.folder", wrong)


def git(folder, *words):
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "mine.py").write_text("x = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


def test_of_a_checkout_it_says_the_commit_and_whether_it_is_clean(checkout):
    found = with_git(find(str(checkout), none))
    commit = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert commit.stdout.startswith(found.commit)
    assert found.in_words == f"{checkout}; git {found.commit}, clean"
    (checkout / "mine.py").write_text("x = 2\n")
    (checkout / "new.py").touch()
    assert with_git(find(str(checkout), none)).in_words.endswith(", 2 files changed since")


def test_git_writes_nothing_there(checkout):
    index = checkout / ".git" / "index"
    before = index.read_bytes(), index.stat().st_mtime_ns
    (checkout / "mine.py").touch()  # what makes `git status` write its index anew, unless it is asked not to
    with_git(find(str(checkout), none))
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def test_what_is_no_checkout_has_no_commit(tmp_path):
    assert with_git(Synced(str(tmp_path), "here"), lambda *_: None).in_words == "here"


def until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def said(folder):
    return json.loads((folder / paths.CODE).read_text())["folder"]


def test_the_daemon_follows_a_change_of_the_setting(tmp_path):
    (tmp_path / "one").mkdir()
    following = Following(tmp_path, "", none)
    try:
        until(lambda: following.found == Synced())
        following.want(str(tmp_path / "one"))
        until(lambda: following.found.folder == str(tmp_path / "one"))
        assert said(tmp_path) == str(tmp_path / "one")
        following.want("")
        until(lambda: following.found.folder is None)
        assert said(tmp_path) is None
    finally:
        following.close()


def test_a_drive_that_hangs_holds_nobody_up(tmp_path):
    answer = threading.Event()

    def hangs():
        answer.wait(60)
        return []

    following = Following(tmp_path, "auto", hangs)
    assert following.found == Synced(how="not looked for yet")
    assert look_briefly("auto", hangs, 0.05).trouble
    following.close()
    answer.set()


def test_what_an_earlier_daemon_found_is_not_believed(tmp_path):
    (tmp_path / paths.CODE).write_text(json.dumps({"folder": "/gone"}))
    following = Following(tmp_path, "", none)
    assert said(tmp_path) is None
    following.close()
