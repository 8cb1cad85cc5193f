"""The scripts, run as a user would, with the real uv and Python and small packages."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import pty
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installers.contents import PACKAGES
from installers.fetched import fetch_pythons
from tests.install.machines import linux, macos
from tests.installers.stubs import CODE, real_uv, this_python, unpacked

from bittrader.cluster.visit import Contact, keep_contact
from bittrader.install.plan import plan
from bittrader.install.receipt import Choices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.installers.stubs import Computer, Unpacked

    from bittrader.install.systemd import Scope

SETUP = "setup_head_native.sh"
MACOS = {
    "uname": 'case $1 in -s) echo Darwin ;; -m) echo "${FAKE_MACHINE:-arm64}" ;; esac',
    "sw_vers": 'echo "${FAKE_VERSION:-15.2.1}"',
    "sysctl": 'case $2 in hw.memsize) echo 17179869184 ;; *) echo "${FAKE_ARM:-1}" ;; esac',
    "id": "echo 501",
}


def calls(computer: Computer) -> list[list[str]]:
    """What the program was asked, in order."""
    return [json.loads(line) for line in computer.record.read_text().splitlines()]


def environments(computer: Computer) -> list[Path]:
    return sorted((computer.folder / "envs").iterdir())


@pytest.fixture
def server(zips: Unpacked, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address that has uv's package, and the folder that it is served from."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / zips.uv_name).write_bytes(zips.uv_package)
    handler = partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_address[1]}", folder
        finally:
            serving.shutdown()
            thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_fresh_computer_gets_an_environment_and_the_program_is_asked_to_install(
    computer: Computer, zips: Unpacked
) -> None:
    done = computer.run(zips.script(SETUP), "--yes", "--no-firewall", "--cores", "3")
    assert done.returncode == 0, done.stderr
    (environment,) = environments(computer)
    given = ["--yes", "--no-firewall", "--cores", "3"]
    assert calls(computer) == [["head", "install", "--environment", str(environment), *given]]
    assert sorted(path.name for path in computer.folder.iterdir()) == ["bin", "envs"]
    code = "import pebble, sys; print(pebble.SIZE, sys.prefix)"
    said = subprocess.run([environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split(maxsplit=1) == ["small", f"{environment}\n"]


def test_a_second_run_makes_nothing_again(computer: Computer, zips: Unpacked) -> None:
    computer.run(zips.script(SETUP), "--yes")
    (environment,) = environments(computer)
    before = environment.stat().st_mtime_ns
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0
    assert "The environment is there already." in done.stdout
    assert environment.stat().st_mtime_ns == before
    assert len(calls(computer)) == 2


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(computer: Computer, zips: Unpacked) -> None:
    before = computer.tree()
    done = computer.run(zips.script(SETUP), "--dry-run")
    assert done.returncode == 0
    for said in ("use uv", "make an environment", "bittrader head install", "Nothing was changed"):
        assert said in done.stdout
    assert computer.tree() == before
    assert not computer.record.exists()


DRY_RUNS = {
    "user": (linux("head"), [], "501"), "system": (linux("head", is_root=True), [], "0"),
    "scope": (linux("head"), ["--scope", "system"], "501"),
    "by hand": (linux("head"), ["--no-start-at-login"], "501"), "no systemd": (linux("head", systemd=None), [], "0"),
    "unattended": (linux("head"), ["--yes"], "501"),
    "macOS": (macos("head"), [], "501"), "macOS by hand": (macos("head"), ["--no-start-at-login"], "501"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRY_RUNS)
def test_a_dry_run_on_a_fresh_computer_names_every_place_that_the_program_would_change(
    computer: Computer, zips: Unpacked, tmp_path: Path, name: str
) -> None:
    facts, words, uid = DRY_RUNS[name]
    for tool, text in (MACOS if facts.system == "macOS" else {}).items():
        computer.tool(tool, text)
    computer.tool("id", f"echo {uid}")
    runs = "true" if facts.systemd else "false"
    script = zips.script(SETUP)
    changed = script.read_text().replace("[ -d /run/systemd/system ]", runs)
    assert changed != script.read_text()
    asked = script.with_name("asked.sh")
    asked.write_text(changed)
    done = computer.run(asked, "--dry-run", *words)
    asked.unlink()
    assert done.returncode == 0, done.stderr
    scope: Scope = "system" if uid == "0" or "--scope" in words else "user"
    choices = Choices(scope=scope, start_at_login="--no-start-at-login" not in words)
    there = replace(facts, home=str(computer.home), folder=str(computer.folder))
    changes = plan(there, choices, "/env").changes
    places = [one.target for one in changes if one.target.startswith("/")]
    assert len(places) > 1
    assert [one for one in places if one not in done.stdout] == []
    assert ("enable-linger" in done.stdout) == any(one.kind == "linger" for one in changes)
    links = [place for place in places if ".target.wants/" in place]
    assert (".target.wants/" in done.stdout) == bool(links)
    assert computer.tree() == {}


def test_a_dry_run_beside_an_installation_promises_to_keep_what_was_chosen(computer: Computer, zips: Unpacked) -> None:
    computer.folder.mkdir(parents=True, exist_ok=True)
    (computer.folder / "receipt.json").write_text("{}")
    done = computer.run(zips.script(SETUP), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "keep what was chosen at the first installation" in done.stdout
    assert ".service" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--firewall"], "where a firewall closes them, as you said"),
        (["--no-firewall"], "leave the firewall as it is"),
        (["--yes"], "leave the firewall as it is"),
        ([], "where a firewall closes them, if you agree"),
    ],
)
def test_a_dry_run_on_a_fresh_computer_says_what_becomes_of_the_firewall(
    computer: Computer, zips: Unpacked, words: list[str], said: str
) -> None:
    done = computer.run(zips.script(SETUP), "--dry-run", *words)
    assert (done.returncode, said in done.stdout) == (0, True), done.stdout


def test_a_dry_run_after_an_installation_asks_the_program_for_its_own(computer: Computer, zips: Unpacked) -> None:
    computer.run(zips.script(SETUP), "--yes")
    before = computer.tree()
    assert computer.run(zips.script(SETUP), "--dry-run").returncode == 0
    assert calls(computer)[-1][-1] == "--dry-run"
    assert computer.tree() == before


def test_variables_answer_what_options_do_not(computer: Computer, zips: Unpacked) -> None:
    computer.variables = {
        "BITTRADER_YES": "1", "NUM_CPUS": "4", "BITTRADER_FIREWALL": "no", "BITTRADER_JOIN": CODE,
        "BITTRADER_SCOPE": "user", "BITTRADER_START_AT_LOGIN": "yes",
    }  # fmt: skip
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--firewall")
    assert done.returncode == 0, done.stderr
    (words,) = calls(computer)
    assert words[4:] == [
        "--firewall", "--yes", "--scope", "user", "--cores", "4", "--start-at-login",
    ]  # fmt: skip


def test_a_value_may_follow_its_option_after_a_space_or_after_the_sign_of_equality(
    computer: Computer, zips: Unpacked, tmp_path: Path
) -> None:
    code = tmp_path / "my = code"
    code.write_text(CODE)
    script = zips.script("install.sh", "Worker_Linux_v2.6")
    done = computer.run(script, f"--join={code}", "--cores=2", "--yes", "--scope=user", "--no-firewall")
    assert done.returncode == 0, done.stderr
    (words,) = calls(computer)
    assert words[4:] == ["--join", str(code), "--cores", "2", "--yes", "--scope", "user", "--no-firewall"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bogus"], "there is no option --bogus"),
        (["--cores"], "--cores needs a value"),
        (["--bogus=4"], "there is no option --bogus;"),
        (["--firewall=yes"], "write --firewall or --no-firewall, without a value"),
        (["--no-start-at-login=1"], "write --start-at-login or --no-start-at-login, without a value"),
        (["--yes=1"], "write --yes without a value"),
        (["--join", "CODE"], "--join is for workers"),
        (["--join=CODE"], "--join is for workers"),
        ([], "there is no terminal to ask on: add --yes"),
        (["--json"], "--json asks nothing: add --yes"),
    ],
)
def test_a_wrong_call_is_one_line_and_nothing_is_done(
    computer: Computer, zips: Unpacked, words: list[str], said: str
) -> None:
    done = computer.run(zips.script(SETUP), *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert computer.tree() == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cores", "many"], "--cores many is no number of cores"),
        (["--cores", "0"], "--cores 0 is no number of cores"),
        (["--cores=0"], "--cores 0 is no number of cores"),
        (["--scope", "world"], "--scope is system or user, not world"),
        (["--join", "/no/such/code.txt"], "/no/such/code.txt is neither a join code nor a file"),
    ],
)
def test_an_answer_that_cannot_be_right_is_refused_before_anything_is_fetched(
    computer: Computer, zips: Unpacked, words: list[str], said: str
) -> None:
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", "--join", CODE, *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert computer.tree() == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cores", ""], "is no number of cores"),
        (["--cores", "007"], "--cores 007 is no number of cores"),
        (["--join", ""], "--join is empty"),
    ],
)
def test_an_answer_that_is_empty_or_only_looks_right_is_refused(
    computer: Computer, zips: Unpacked, words: list[str], said: str
) -> None:
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--yes", *words, "--no-firewall")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert computer.tree() == {}


@pytest.mark.parametrize(("mask", "mode"), [(0o000, 0o755), (0o077, 0o700)])
def test_nobody_else_may_change_the_program_whatever_the_umask(
    computer: Computer, zips: Unpacked, mask: int, mode: int
) -> None:
    done = subprocess.run(
        [computer.shell, "-c", f'umask {mask:o}; exec {computer.shell} "$0" --yes', str(zips.script(SETUP))],
        env=computer.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (environment,) = environments(computer)
    for path in (computer.folder, environment, environment / "bin", environment / "pyvenv.cfg"):
        assert path.stat().st_mode & 0o022 == 0, path
    assert computer.folder.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("variables", [{"HOME": ""}, {"BITTRADER_HOME": "/no/one\ntwo"}])
def test_a_home_that_no_service_can_have_is_refused(
    computer: Computer, zips: Unpacked, variables: dict[str, str]
) -> None:
    computer.tool("getent", 'echo "root:x:0:0:root::/bin/sh"')
    computer.variables = variables
    for name in (SETUP, "uninstall_head.sh", "verify_head.sh"):
        done = computer.run(zips.script(name), "--yes")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "HOME" in done.stderr


def test_an_installation_that_goes_on_is_not_removed_under_its_feet(computer: Computer, zips: Unpacked) -> None:
    reached = hanging(computer)
    with begun(computer, zips.script(SETUP)):
        wait_for(reached)
        before = computer.tree()
        done = computer.run(zips.script("uninstall_head.sh"), "--yes")
        assert (done.returncode, "it is being installed" in done.stderr) == (1, True)
        assert set(computer.tree()) == set(before)


def test_a_word_that_uninstalling_does_not_know_removes_nothing(computer: Computer, zips: Unpacked) -> None:
    (computer.folder / "envs" / "old").mkdir(parents=True)
    done = computer.run(zips.script("uninstall_head.sh"), "--yes", "--dryrun")
    assert (done.returncode, "there is no option --dryrun" in done.stderr) == (2, True)
    assert (computer.folder / "envs" / "old").exists()


def test_a_worker_without_a_code_is_told_before_anything_is_fetched(computer: Computer, zips: Unpacked) -> None:
    script = zips.script("install.sh", "Worker_Linux_v2.6")
    done = computer.run(script, "--yes")
    assert (done.returncode, "has joined no cluster: add --join CODE" in done.stderr) == (2, True)
    assert computer.tree() == {}
    worker = computer.home / ".bittrader_worker"
    worker.mkdir()
    keep_contact(worker, Contact(("192.0.2.1",), 6380))
    assert computer.run(script, "--yes").returncode == 0


def test_a_head_is_not_made_a_worker_as_well_and_is_told_so_before_anything_is_fetched(
    computer: Computer, zips: Unpacked
) -> None:
    install = zips.script("install.sh", "Worker_Linux_v2.6")
    computer.folder.mkdir()
    (computer.folder / "receipt.json").write_text("{}")
    done = computer.run(install, "--yes", "--join", CODE)
    assert done.returncode == 2
    assert done.stderr.startswith("install.sh: this computer is a head already, and one computer has one role: ")
    assert done.stderr.endswith(f"first remove the head: {computer.folder}/bin/bittrader head uninstall\n")
    assert not (computer.home / ".bittrader_worker").exists()

    (computer.home / ".bittrader_worker").mkdir()
    (computer.home / ".bittrader_worker" / "config.toml").write_text("[network.ports]\nnode_manager = 7001\n")
    assert computer.run(install, "--yes", "--join", CODE).returncode == 0


def test_a_package_that_is_damaged_or_was_left_behind_is_noticed_before_anything_else(
    computer: Computer, tmp_path: Path
) -> None:
    zips = unpacked(tmp_path / "zips")
    package = zips.folder / "Head_Native_v4.0" / "package"
    with (package / "requirements.txt").open("a") as file:
        file.write("evil==1.0\n")
    done = computer.run(zips.script(SETUP), "--yes")
    assert (done.returncode, "is damaged: unpack the zip again" in done.stderr) == (2, True)
    (package / "requirements.txt").unlink()
    done = computer.run(zips.script(SETUP), "--yes")
    assert (done.returncode, "unpack the whole zip" in done.stderr) == (2, True)
    assert computer.tree() == {}


@pytest.mark.parametrize("from_mirror", [False, True])
def test_uv_comes_from_the_zip_or_a_mirror_where_there_is_none(
    computer: Computer, zips: Unpacked, server: tuple[str, Path], *, from_mirror: bool
) -> None:
    (computer.tools / "uv").unlink()
    computer.variables = {"BITTRADER_UV_URL": server[0]} if from_mirror else {}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    said = subprocess.run([computer.folder / "bin" / "uv", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("uv ")


def test_a_zip_that_was_unpacked_in_part_has_no_uv_and_is_told_so(computer: Computer, tmp_path: Path) -> None:
    zips = unpacked(tmp_path / "zips")
    (zips.folder / "Head_Native_v4.0" / "package" / "uv" / zips.uv_name).unlink()
    (computer.tools / "uv").unlink()
    done = computer.run(zips.script(SETUP), "--yes")
    assert (done.returncode, "is not there: unpack the whole zip" in done.stderr) == (2, True)
    assert computer.tree() == {}


def test_a_uv_that_is_too_old_is_not_used(computer: Computer, zips: Unpacked, server: tuple[str, Path]) -> None:
    computer.tool("uv", 'echo "uv 0.1.9 (old)"')
    computer.variables = {"BITTRADER_UV_URL": server[0]}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    assert (computer.folder / "bin" / "uv").exists()


@pytest.mark.parametrize("damage", ["truncated", "another"])
def test_a_download_that_is_not_uv_does_nothing(
    computer: Computer, zips: Unpacked, server: tuple[str, Path], damage: str
) -> None:
    (computer.tools / "uv").unlink()
    url, folder = server
    held = zips.uv_package
    (folder / zips.uv_name).write_bytes(held[: len(held) // 2] if damage == "truncated" else held[:-1] + b"?")
    computer.variables = {"BITTRADER_UV_URL": url}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "its SHA-256 differs): nothing of it was used" in done.stderr
    assert computer.tree() == {}


def test_without_a_network_it_says_so(computer: Computer, zips: Unpacked) -> None:
    (computer.tools / "uv").unlink()
    computer.variables = {"BITTRADER_UV_URL": "http://127.0.0.1:1"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "uv cannot be fetched: what is missing cannot be downloaded: check the network" in done.stderr
    assert computer.tree() == {}


class _Proxy(BaseHTTPRequestHandler):
    """Notes what it is asked for, and lets nobody through."""

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """The address of a proxy, and what it was asked for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as serving:
        serving.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_address[1]}", serving.asked  # type: ignore[attr-defined]
        finally:
            serving.shutdown()
            thread.join()


@pytest.mark.parametrize("program", ["curl", "wget"])
def test_a_proxy_is_asked_when_the_variable_names_one(
    computer: Computer, zips: Unpacked, proxy: tuple[str, list[str]], program: str
) -> None:
    (computer.tools / "uv").unlink()
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} here")
    computer.has_only(program)
    computer.variables |= {"HTTPS_PROXY": proxy[0], "BITTRADER_UV_URL": "https://uv.example"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert proxy[1][:1] == ["uv.example:443"]
    assert computer.tree() == {}


def test_uv_fetches_packages_through_the_proxy_too(
    computer: Computer, tmp_path: Path, proxy: tuple[str, list[str]]
) -> None:
    zips = unpacked(tmp_path / "zips", offline=False)
    computer.variables = {"HTTPS_PROXY": proxy[0], "UV_DEFAULT_INDEX": "https://packages.example/simple"}
    computer.variables |= {"UV_HTTP_RETRIES": "0"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "the packages cannot be installed: what is missing cannot be downloaded: check the network" in done.stderr
    assert set(proxy[1]) == {"packages.example:443"}
    assert computer.tree() == {}


@pytest.mark.parametrize(
    ("manager", "said"),
    [
        ("apt-get", "sudo apt-get install curl"), ("dnf", "sudo dnf install curl"), ("yum", "sudo yum install curl"),
        ("zypper", "sudo zypper install curl"), ("pacman", "sudo pacman -S curl"),
        ("", "install curl with your system's package manager"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_the_command_of_the_systems_package_manager(
    computer: Computer, zips: Unpacked, manager: str, said: str
) -> None:
    (computer.tools / "uv").unlink()
    computer.has_only()
    if manager:
        computer.tool(manager, "exit 1")
    computer.variables |= {"BITTRADER_UV_URL": "https://uv.example"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.stderr == f"{SETUP}: curl is missing, and uv cannot be fetched without it: {said}\n"
    assert done.returncode == 1
    assert computer.tree() == {}


def test_a_zip_with_everything_inside_that_was_unpacked_without_it_is_told_so_and_not_to_look_at_the_network(
    computer: Computer, tmp_path: Path
) -> None:
    zips = unpacked(tmp_path / "zips")
    wheels = zips.folder / "Head_Native_v4.0" / "package" / "wheels"
    wheels.rename(tmp_path / "elsewhere")
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 2
    assert done.stderr == (
        f"{SETUP}: {wheels} is not there: unpack the whole zip, and start the script that lies in it.\n"
    )
    assert computer.tree() == {}


def test_a_package_that_was_not_unpacked_is_said_to_be_missing(computer: Computer, tmp_path: Path) -> None:
    zips = unpacked(tmp_path / "zips")
    (pebble,) = (zips.folder / "Head_Native_v4.0" / "package" / "wheels").iterdir()
    pebble.unlink()
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "unpack the whole zip again" in done.stderr
    assert computer.tree() == {}


def test_a_package_that_is_not_what_the_requirements_promise_is_not_installed(
    computer: Computer, tmp_path: Path
) -> None:
    zips = unpacked(tmp_path / "zips")
    (pebble,) = (zips.folder / "Head_Native_v4.0" / "package" / "wheels").iterdir()
    pebble.write_bytes(pebble.read_bytes() + b"\0")
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "the packages cannot be installed: a download is not what it should be" in done.stderr
    assert computer.tree() == {}


def test_too_little_room_is_said_before_anything_is_done(computer: Computer, zips: Unpacked) -> None:
    computer.tool("df", 'printf "Filesystem 1024-blocks Used Available\\n/dev/x 100000 1 90000 10%% /\\n"')
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "87 MB are free, and 2000 MB are needed. Make room" in done.stderr
    assert computer.tree() == {}


def test_a_disk_that_fills_up_meanwhile_is_told_and_left_as_it_was(
    computer: Computer, zips: Unpacked, server: tuple[str, Path]
) -> None:
    computer.tool("curl", 'echo "curl: (23) client returned ERROR on write: No space left on device" >&2; exit 23')
    computer.variables = {"BITTRADER_UV_URL": server[0]}
    (computer.tools / "uv").unlink()
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "the disk is full: make room" in done.stderr
    assert computer.tree() == {}


@pytest.mark.skipif(os.getuid() != 0, reason="a small disk is made by root")
def test_a_disk_that_is_really_full_is_told_and_left_as_it_was(
    computer: Computer, zips: Unpacked, server: tuple[str, Path]
) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", computer.home], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        (computer.tools / "uv").unlink()
        computer.tool("df", 'printf "Filesystem 1024-blocks Used Available\\n/dev/x 1 1 9000000 10%% /\\n"')
        computer.variables = {"BITTRADER_UV_URL": server[0]}
        done = computer.run(zips.script(SETUP), "--yes")
        assert done.returncode == 1
        assert "the disk is full: make room" in done.stderr
        assert computer.tree() == {}
    finally:
        subprocess.run(["umount", computer.home], check=True)


@pytest.mark.parametrize(
    ("tool", "text", "said"),
    [
        ("uname", "case $1 in -s) echo Linux ;; -m) echo armv7l ;; esac", "a armv7l processor is not supported"),
        ("uname", "case $1 in -s) echo FreeBSD ;; -m) echo amd64 ;; esac", "FreeBSD is not supported"),
        ("getconf", "case $1 in LONG_BIT) echo 64 ;; GNU*) exit 1 ;; *) echo 4 ;; esac", "Alpine's is musl"),
        ("getconf", 'case $1 in LONG_BIT) echo 64 ;; GNU*) echo "glibc 2.17" ;; esac', "it has glibc 2.17, and the"),
        ("getconf", "case $1 in LONG_BIT) echo 32 ;; esac", "a 32-bit system on a 64-bit processor"),
    ],
)
def test_a_system_that_cannot_run_it_is_refused_with_the_reason(
    computer: Computer, zips: Unpacked, tool: str, text: str, said: str
) -> None:
    computer.tool(tool, text)
    done = computer.run(zips.script(SETUP), "--yes")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert computer.tree() == {}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"FAKE_MACHINE": "x86_64", "FAKE_ARM": "0"}, "Macs with an Intel processor are not supported"),
        ({"FAKE_MACHINE": "x86_64"}, "this terminal runs under Rosetta"),
        ({"FAKE_VERSION": "13.6"}, "macOS 13.6 is too old"),
    ],
)
def test_a_mac_that_cannot_run_it_is_refused_with_the_reason(
    computer: Computer, zips: Unpacked, variables: dict[str, str], said: str
) -> None:
    for name, text in MACOS.items():
        computer.tool(name, text)
    computer.variables = variables
    done = computer.run(zips.script("install.sh", "Worker_macOS_v2.6"), "--yes")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_mac_is_described_and_another_systems_package_refused(computer: Computer, zips: Unpacked) -> None:
    for name, text in MACOS.items():
        computer.tool(name, text)
    done = computer.run(zips.script("install.sh", "Worker_macOS_v2.6"), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "macOS 15.2.1, arm64" in done.stdout
    assert "16 GB of memory" in done.stdout
    done = computer.run(zips.script("install.sh", "Worker_Linux_v2.6"), "--dry-run")
    assert done.returncode == 2
    assert "take Bittrader_Worker_Installer_v2.6_macOS.zip" in done.stderr


def test_a_small_computer_is_told_what_it_lacks_and_used_all_the_same(computer: Computer, zips: Unpacked) -> None:
    numbers = "_NPROCESSORS_ONLN) echo 2 ;; _PHYS_PAGES) echo 524288 ;; PAGESIZE) echo 4096"
    computer.tool("getconf", f'case $1 in LONG_BIT) echo 64 ;; GNU*) echo "glibc 2.36" ;; {numbers} ;; esac')
    done = computer.run(zips.script(SETUP), "--dry-run")
    assert done.returncode == 0
    assert "should have 8 GB of memory" in done.stdout
    assert "should have 4 cores" in done.stdout


def test_what_the_program_says_is_why_it_failed_and_the_environment_serves_the_next_try(
    computer: Computer, zips: Unpacked
) -> None:
    computer.variables = {"STUB_FAILS": "systemd does not answer"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert "bittrader: systemd does not answer" in done.stderr
    (environment,) = environments(computer)
    assert f"this is kept (1.3 GB):\n    {environment}\nTo remove it:  sh uninstall_head.sh\n" in done.stderr
    assert not (computer.folder / ".setup").exists()
    made = environment.stat().st_mtime_ns

    computer.variables = {}
    done = computer.run(zips.script(SETUP), "--yes")
    assert (done.returncode, environment.stat().st_mtime_ns) == (0, made)
    assert "kept" not in done.stderr


def test_an_installation_that_was_declined_is_removed_by_the_script_that_it_names(
    computer: Computer, zips: Unpacked
) -> None:
    computer.variables = {"STUB_DECLINES": "1"}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 1
    assert done.stderr.endswith("To remove it:  sh uninstall_head.sh\n")
    (computer.folder / "install.lock").touch()  # the program's
    done = computer.run(zips.script("uninstall_head.sh"), "--yes")
    assert (done.returncode, "kept" in done.stdout) == (0, False)
    assert computer.tree() == {}


def test_a_program_that_is_stopped_with_ctrl_c_leaves_the_environment_and_its_exit_code(
    computer: Computer, zips: Unpacked
) -> None:
    computer.variables = {"STUB_STAYS": "1"}
    with begun(computer, zips.script(SETUP)) as running:
        wait_for(computer.record)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, "this is kept" in said) == (130, True)
    assert len(environments(computer)) == 1
    assert not (computer.folder / ".setup").exists()


def test_an_upgrade_that_fails_leaves_the_old_one_at_work_and_the_configuration(
    computer: Computer, zips: Unpacked, tmp_path: Path
) -> None:
    computer.folder.mkdir()
    (computer.folder / "config.env").write_text("NUM_CPUS=2\n")
    computer.run(zips.script(SETUP), "--yes")
    before = computer.tree()
    newer = unpacked(tmp_path / "newer", version="2.0")
    computer.variables = {"STUB_FAILS": "no"}
    assert computer.run(newer.script(SETUP), "--yes").returncode == 1
    (kept,) = set(environments(computer)) - {computer.home / one for one in before}
    after = {name: when for name, when in computer.tree().items() if not (computer.home / name).is_relative_to(kept)}
    changed = {name for name, when in after.items() if before.get(name) != when}
    assert changed <= {".bittrader_head", ".bittrader_head/envs"}
    assert set(after) == set(before)

    computer.variables = {}
    assert computer.run(newer.script(SETUP), "--yes").returncode == 0
    assert len(environments(computer)) == 2  # the program removes the old one
    assert str(environments(computer)[1]) in (computer.folder / "bin" / "bittrader").read_text().replace("'\"'\"'", "'")
    assert (computer.folder / "config.env").read_text() == "NUM_CPUS=2\n"


def hanging(computer: Computer) -> Path:
    """The file that says that uv, which never ends while it installs packages, was reached."""
    reached = computer.home.parent / "reached"
    uv = (computer.tools / "uv").resolve()
    computer.tool("uv", f'case "$*" in *" pip "*) touch "{reached}"; exec sleep 300 ;; esac\nexec "{uv}" "$@"')
    return reached


@contextlib.contextmanager
def begun(computer: Computer, script: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in a group of its own, as a terminal makes it."""
    running = subprocess.Popen(
        [computer.shell, str(script), "--yes"],
        env=computer.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def wait_for(path: Path) -> None:
    ends = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_takes_back_what_it_had_begun(
    computer: Computer, zips: Unpacked, number: signal.Signals, code: int
) -> None:
    reached = hanging(computer)
    with begun(computer, zips.script(SETUP)) as running:
        wait_for(reached)
        os.killpg(running.pid, number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert "stopped; what it had begun was taken back" in said
    assert computer.tree() == {}


def test_a_run_that_was_killed_is_made_good_by_the_next(computer: Computer, zips: Unpacked) -> None:
    reached = hanging(computer)
    with begun(computer, zips.script(SETUP)) as running:
        wait_for(reached)
        os.killpg(running.pid, signal.SIGKILL)
    assert (computer.folder / ".setup").exists()
    computer.has_uv()
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in computer.folder.iterdir()) == ["bin", "envs"]


def test_a_run_that_was_killed_can_be_removed(computer: Computer, zips: Unpacked) -> None:
    reached = hanging(computer)
    with begun(computer, zips.script(SETUP)) as running:
        wait_for(reached)
        os.killpg(running.pid, signal.SIGKILL)
    remove = zips.script("uninstall_head.sh")
    before = computer.tree()
    assert computer.run(remove, "--dry-run").returncode == 0
    assert computer.run(remove).returncode == 2
    assert computer.tree() == before
    done = computer.run(remove, "--yes")
    assert (done.returncode, computer.tree()) == (0, {}), done.stderr


def test_two_runs_at_once_do_not_meet(computer: Computer, zips: Unpacked) -> None:
    reached = hanging(computer)
    with begun(computer, zips.script(SETUP)):
        wait_for(reached)
        before = computer.tree()
        done = computer.run(zips.script(SETUP), "--yes")
        assert done.returncode == 1
        assert "it is being installed already" in done.stderr
        assert computer.tree() == before


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 0), ("n\n", 1)])
def test_at_a_terminal_it_asks_first(computer: Computer, zips: Unpacked, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [computer.shell, str(zips.script(SETUP))],
        env=computer.environment, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, answer.encode())
    out, _ = running.communicate(timeout=60)
    os.close(ours)
    assert "Go on? [Y/n]" in out
    assert running.returncode == code
    assert (computer.tree() == {}) == (code == 1)


def test_words_for_programs_leave_standard_output_to_the_program(computer: Computer, zips: Unpacked) -> None:
    done = computer.run(zips.script(SETUP), "--yes", "--json")
    assert done.stdout.startswith("stub: head install")
    assert done.stdout.count("\n") == 1


def test_the_pinned_python_is_fetched_where_it_is_missing(
    computer: Computer, tmp_path: Path, python_archive: tuple[Path, str]
) -> None:
    """From a mirror, as uv's own variable names it; the interpreter is a copy of the one that runs this."""
    for name in computer.tools.glob("python*"):
        name.unlink()
    zips = unpacked(tmp_path / "zips")
    computer.variables = {
        "UV_PYTHON_DOWNLOADS": "automatic",
        "UV_PYTHON_DOWNLOADS_JSON_URL": mirror(tmp_path, python_archive),
    }
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    (environment,) = environments(computer)
    assert (environment / "bin" / "python").resolve().is_relative_to(computer.folder / "python")
    assert not (computer.home / ".local").exists()


def test_a_python_inside_the_zip_is_used_without_a_network(
    computer: Computer, tmp_path: Path, python_archive: tuple[Path, str]
) -> None:
    for name in computer.tools.glob("python*"):
        name.unlink()
    zips = unpacked(tmp_path / "z i p s")
    inside = zips.script("package") / "python" / "20260101"
    inside.mkdir(parents=True)
    (inside / f"cpython-{platform.python_version()}+20260101-install_only.tar.gz").symlink_to(python_archive[0])
    there = "https://github.com/astral-sh/python-build-standalone/releases/download/20260101/cpython-"
    listed = mirror(tmp_path, python_archive, f"{there}{platform.python_version()}%2B20260101-install_only.tar.gz")
    computer.variables = {"UV_PYTHON_DOWNLOADS": "automatic", "UV_PYTHON_DOWNLOADS_JSON_URL": listed}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    (environment,) = environments(computer)
    assert (environment / "bin" / "python").resolve().is_relative_to(computer.folder / "python")


def test_what_a_zip_holds_of_python_is_what_uv_would_fetch(
    tmp_path: Path, python_archive: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if real_uv() is None:
        pytest.skip("there is no uv here")
    served = tmp_path / "20260101" / "python+it.tar.gz"
    served.parent.mkdir()
    served.symlink_to(python_archive[0])
    url = served.as_uri().replace("+", "%2B")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", mirror(tmp_path, python_archive, url))
    package = replace(PACKAGES[-1], systems=(f"Linux-{os.uname().machine}",))
    found = fetch_pythons(package, platform.python_version(), tmp_path)
    assert list(found) == ["package/python/20260101/python+it.tar.gz"]
    assert hashlib.sha256(*found.values()).hexdigest() == python_archive[1]


def mirror(folder: Path, archive: tuple[Path, str], url: str = "") -> str:
    """The address of a list of Pythons as uv reads it, with one in it."""
    major, minor, patch = sys.version_info[:3]
    machine = os.uname().machine
    about = {
        "name": "cpython", "arch": {"family": machine, "variant": None}, "os": "linux", "libc": "gnu",
        "major": major, "minor": minor, "patch": patch, "prerelease": "", "url": url or archive[0].as_uri(),
        "sha256": archive[1], "variant": None, "build": "20260101",
    }  # fmt: skip
    path = folder / "pythons.json"
    path.write_text(json.dumps({f"cpython-{major}.{minor}.{patch}-linux-{machine}-gnu": about}))
    return path.as_uri()


@pytest.fixture(scope="session")
def python_archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The Python that runs this, packed as uv expects one, and its SHA-256."""
    prefix = this_python().parents[1]
    if prefix in (Path("/usr"), Path("/usr/local")):
        pytest.skip("the Python that runs this belongs to the system and cannot be packed")
    path = tmp_path_factory.mktemp("python") / f"cpython-{sys.version_info.major}-install_only.tar.gz"

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        left = ("/site-packages/", "/test/", "/__pycache__", "/idlelib/", "/ensurepip/", ".a")
        return None if any(part in f"{entry.name}/" for part in left[:-1]) or entry.name.endswith(".a") else entry

    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for part in ("bin", "lib"):
            archive.add(prefix / part, f"python/{part}", filter=kept)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["verify_head.sh", "head_daemon.sh"])
def test_the_small_scripts_say_when_nothing_is_installed(computer: Computer, zips: Unpacked, name: str) -> None:
    done = computer.run(zips.script(name))
    assert done.returncode == 2
    assert "no head is installed here" in done.stderr
    assert f"sh {SETUP}" in done.stderr


def test_the_small_scripts_call_the_program_with_their_words(computer: Computer, zips: Unpacked) -> None:
    computer.run(zips.script(SETUP), "--yes")
    assert computer.run(zips.script("verify_head.sh"), "--json").returncode == 1
    assert computer.run(zips.script("head_daemon.sh"), "--background").returncode == 0
    assert computer.run(zips.script("uninstall_head.sh"), "--keep-studies").returncode == 0
    assert calls(computer)[1:] == [
        ["head", "verify", "--json"], ["head", "start", "--background"], ["head", "uninstall", "--keep-studies"],
    ]  # fmt: skip
    assert computer.tree() == {}
    assert "nothing to remove" in computer.run(zips.script("uninstall_head.sh"), "--yes").stdout


def test_all_that_is_made_can_be_moved_elsewhere(computer: Computer, zips: Unpacked, tmp_path: Path) -> None:
    computer.variables = {"BITTRADER_HOME": str(tmp_path / "else where")}
    done = computer.run(zips.script(SETUP), "--yes")
    assert done.returncode == 0, done.stderr
    assert computer.tree() == {}
    assert (tmp_path / "else where" / "head" / "bin" / "bittrader").exists()
