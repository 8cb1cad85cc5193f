"""Who does what on a real computer: its owner, or root."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bittrader.errors import InstallError
from bittrader.install import machine
from bittrader.install.machine import Here, Owner, Said, hand_over, keep_others_out

ME = Owner("me", os.geteuid(), os.getegid())
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
root_only = pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """A `sudo` that writes down what it was asked for; this process takes itself for an ordinary one."""
    monkeypatch.setattr(os, "getresuid", lambda: (1000, 1000, 1000))
    log = tmp_path / "log"
    program = tmp_path / "bin" / "sudo"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


def test_root_is_asked_for_through_sudo_and_only_for_what_needs_it(sudo, tmp_path) -> None:
    here = Here(ME, "silent")
    assert here.run(["echo", "mine"]).out == "mine\n"
    assert not sudo.exists()
    assert here.run(["echo", "roots"], root=True).out == "roots\n"
    file, link = tmp_path / "etc" / "file", tmp_path / "etc" / "link"
    here.write(str(file), "text\r\n", mode=0o640, root=True)
    here.link(str(link), str(file), root=True)
    assert (file.read_bytes(), file.stat().st_mode & 0o777, link.readlink()) == (b"text\r\n", 0o640, file)
    for one in (file, link):
        here.remove(str(one), root=True)
    here.remove_folder(str(file.parent), root=True)
    assert not file.parent.exists()
    asked = sudo.read_text().splitlines()
    assert asked[0] == "-n -- true"
    assert len([one for one in asked if one.endswith(" true")]) == 1
    assert all(one.startswith("-n -- ") for one in asked)


def test_sudo_that_refuses_is_no_answer_of_the_program(sudo) -> None:
    (sudo.parent / "bin" / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    here = Here(ME, "silent")
    for _ in range(2):
        with pytest.raises(
            InstallError, match=r"needs the rights of an administrator \(sudo: a password is required\)"
        ):
            here.run(["nft", "list", "ruleset"], root=True)


def test_sudo_that_never_answers_is_given_up(sudo, monkeypatch) -> None:
    (sudo.parent / "bin" / "sudo").write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(machine, "_SUDO_SECONDS", 0.2)
    here = Here(ME, "silent")
    for _ in range(2):
        with pytest.raises(InstallError, match=r"the rights of an administrator \(no answer within 0 s\)"):
            here.run(["true"], root=True)


def test_a_program_that_never_ends_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(machine, "_PATIENCE_SECONDS", 0.2)
    assert Here(ME).run(["sleep", "600"]).why == "no answer within 0 s"


def test_who_only_looks_never_goes_through_sudo(sudo) -> None:
    with pytest.raises(InstallError, match="needs the rights of an administrator"):
        Here(ME).run(["true"], root=True)
    assert not sudo.exists()


AS_OWNER = """
import os, sys
from bittrader.install.machine import Here, Owner
here = Here(Owner("nobody", 65534, 65534))
here.write(sys.argv[1] + "/own/file", "x", mode=0o600)
here.write(sys.argv[1] + "/roots", "x", mode=0o600, root=True)
print(os.geteuid(), here.run(["id", "-u"]).out.strip(), here.run(["id", "-u"], root=True).out.strip(), os.geteuid())
"""


@root_only
def test_started_with_sudo_it_acts_as_the_owner_and_is_root_only_where_that_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o777)
        run = subprocess.run([sys.executable, "-c", AS_OWNER, folder], capture_output=True, text=True, check=True)
        assert run.stdout.split() == ["65534", "65534", "0", "65534"]
        assert [(folder / one).stat().st_uid for one in ("own", "own/file", "roots")] == [65534, 65534, 0]


@root_only
def test_what_root_made_in_the_owners_folder_becomes_the_owners(tmp_path: Path) -> None:
    (tmp_path / "node" / "envs").mkdir(parents=True)
    (tmp_path / "node" / "link").symlink_to("/etc/hostname")
    before = Path("/etc/hostname").stat().st_uid
    hand_over(tmp_path / "node", Owner("nobody", 65534, 65534))
    owners = {path.lstat().st_uid for path in (tmp_path / "node", *(tmp_path / "node").iterdir())}
    assert owners == {65534}
    assert Path("/etc/hostname").stat().st_uid == before


@root_only
def test_a_second_name_of_a_file_that_may_be_elsewhere_is_not_handed_over(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "roots").write_text("secret")
    (tmp_path / "node" / "name").hardlink_to(tmp_path / "roots")
    hand_over(tmp_path / "node", Owner("nobody", 65534, 65534))
    assert (tmp_path / "roots").stat().st_uid == 0
    assert (tmp_path / "node").stat().st_uid == 65534


@pytest.mark.parametrize(("before", "after"), [(0o000, 0o022), (0o022, 0o022), (0o077, 0o077)])
def test_what_is_made_is_nobody_elses_to_write_whatever_the_umask(before: int, after: int) -> None:
    ours = os.umask(before)
    try:
        keep_others_out()
        assert os.umask(before) == after
    finally:
        os.umask(ours)


@root_only
def test_a_folder_that_is_a_link_to_elsewhere_is_not_handed_over(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "node").symlink_to(tmp_path / "there")
    hand_over(tmp_path / "node", Owner("nobody", 65534, 65534))
    assert (tmp_path / "there").stat().st_uid == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from bittrader.install.machine import Here, Owner
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Here(Owner("me")).write(sys.argv[1], "half", mode=0o644)
"""


@pytest.mark.parametrize("again", [False, True])
def test_what_a_run_left_that_was_killed_while_it_wrote_goes_with_the_file(tmp_path: Path, *, again: bool) -> None:
    path = tmp_path / "bittrader-head.service"
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part")
    here = Here(Owner("me"))
    if again:
        here.write(str(path), "whole", mode=0o644)
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
    here.remove(str(path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> int:
        with open("/dev/full", "wb", buffering=0) as device:  # noqa: PTH123 - as the system says it, without a name
            return device.write(b"x")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device") as failed:
        Here(Owner("me")).write(str(tmp_path / "receipt.json"), "{}", mode=0o600)
    assert failed.value.filename == str(tmp_path / "receipt.json")


def test_why_a_command_failed_is_its_last_line() -> None:
    assert Said(1, "out\n", "first\nlast\n\n").why == "last"
    assert Said(3).why == "it ended with code 3"
