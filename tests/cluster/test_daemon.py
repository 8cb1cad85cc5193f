"""Real daemons over real Ray: what is killed comes back, what is stopped is gone, what is others' stays."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tests.cluster.daemons import Daemon, address, foreign_ray, running
from tests.notify.servers import TOKEN, receiver

from bittrader.cluster import daemon, environments, inviting, jobs, ray_folder, visit
from bittrader.cluster.config_file import set_key
from bittrader.cluster.daemon_lock import DaemonRunningError
from bittrader.cluster.facts import facts_here
from bittrader.cluster.heartbeat import Heartbeat
from bittrader.cluster.invite import decode
from bittrader.cluster.status_words import in_words, next_try
from bittrader.cluster.wishes import Wishes, write_wishes
from bittrader.errors import ClusterError
from bittrader.execution.allowance import read_allowed
from bittrader.market.sample import synthetic
from bittrader.optimize.search import optimize
from bittrader.optimize.studies import shelf
from bittrader.optimize.studies.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterator

with_ray = pytest.mark.ray


@with_ray
def test_a_head_comes_up_and_back_and_leaves_nothing_and_no_other_ray_is_touched() -> None:
    with tempfile.TemporaryDirectory(prefix="other", dir="/tmp") as folder, foreign_ray(Path(folder)) as foreign:
        with running("head") as (head,):
            head.start()
            first = head.until_at_work()
            told = json.loads((head.folder / "ray.json").read_text())
            assert told["session"] == first.session
            assert told["gcs"] == f"{address()}:{head.ports}"
            assert json.loads((head.folder / "allowance.json").read_text())["cores"] == first.cores_allowed
            folder_of_ray = ray_folder.temp_dir(head.who.node)
            assert folder_of_ray.stat().st_mode & 0o077 == 0  # Ray opens its own in it to everybody
            assert list(ray_folder.rays_own(folder_of_ray).glob("session_*/sockets/plasma_store"))

            head.raylet().kill()
            second = head.until_at_work(other_than=first.session)
            assert "raylet has gone" in (head.folder / "logs" / "head_error.log").read_text()

            head.kill()
            before, raylet = {one.pid for one in head.processes()}, head.raylet().pid
            assert daemon.running("head") is None
            head.start()
            head.until_at_work(other_than=second.session)
            assert not before & {one.pid for one in head.processes()}
            # Some of them end by themselves when nobody talks to them any more.
            assert raylet in (left := left_by_an_earlier_daemon(head)) <= before, (left, before)

            everything = head.processes()
            assert daemon.stop("head", 60)
            assert not [one for one in everything if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
            assert not head.processes()
            assert not (head.folder / "ray.json").exists()
        assert foreign.is_running()
        assert foreign.status() != psutil.STATUS_ZOMBIE


@with_ray
def test_a_worker_joins_works_and_follows_a_head_that_begins_anew() -> None:
    with running("head", "worker") as (head, worker), receiver() as owner:
        for key, value in (("urls", owner.url), ("desktop", "no"), ("on", "yes")):
            set_key(worker.folder, f"notify.{key}", value)
        head.start()
        first = head.until_at_work()
        made = inviting.invite(head.folder, [address()], head.ports + 1, time.time())
        visit.join(worker.folder, decode(made.code), worker.who.node, worker.who.name, facts_here())
        worker.start()
        state = worker.until_at_work()
        assert state.session == first.session
        assert head.until(lambda state: state.nodes == 2)
        worker.until(lambda _: owner.got)
        assert owner.bodies == [f"{worker.who.name} has joined the cluster of the head at {address()}:{head.ports}."]

        daemon.restart("head")
        second = head.until_at_work(other_than=first.session)
        state = worker.until_at_work(other_than=first.session)
        assert state.session == second.session
        assert {one["node"] for one in known_nodes(head)} == {head.who.node, worker.who.node}
        assert daemon.stop("worker", 60)
        head.until(lambda _: [one for one in known_nodes(head) if one["state"].get("stopped")])
        assert daemon.stop("head", 60)
        assert not worker.processes()
        assert not head.processes()


def known_nodes(head: Daemon) -> list[dict[str, Any]]:
    """The nodes, as the head tells of them."""
    nodes: list[dict[str, Any]] = json.loads((head.folder / "cluster.json").read_text())["nodes"]
    return nodes


def left_by_an_earlier_daemon(told: Daemon) -> set[int]:
    """The processes that it says it found and ended."""
    said = re.findall(r"ends \d+ processes that an earlier daemon left: ([\d, ]+)", told.log())
    return {int(pid) for pid in said[-1].split(",")} if said else set()


def joined_nowhere() -> Daemon:
    return Daemon("worker")


def test_a_worker_that_never_joined_is_told_so_in_one_line() -> None:
    joined_nowhere()
    with pytest.raises(ClusterError, match="in no cluster: `bittrader worker join CODE`"):
        daemon.start_background("worker")
    assert daemon.running("worker") is None
    assert daemon.stop("worker", 0.1), "there is none"


def test_what_cannot_be_a_setting_is_told_in_one_line() -> None:
    (Daemon("head").folder / "config.toml").write_text("[network]\nmood = 'good'\n")
    with pytest.raises(ClusterError, match=r"there is no setting 'network\.mood'"):
        daemon.start_background("head")


@contextlib.contextmanager
def started_without_ray() -> Iterator[Daemon]:
    """A head whose Ray has nowhere to be, so that it is quick; it finds a retired environment."""
    with running("head") as (head,):
        for name in ("old", "new"):
            (head.folder / "envs" / name).mkdir(parents=True)
        environments.retire_all_but(head.folder / "envs" / "new", head.folder)
        text = (head.folder / "config.toml").read_text().replace(f'address = "{address()}"', 'address = "203.0.113.9"')
        (head.folder / "config.toml").write_text(text)
        head.start()
        yield head
        assert daemon.stop("head", 30)


@pytest.fixture
def head_without_ray() -> Iterator[Daemon]:
    with started_without_ray() as head:
        yield head


def test_a_daemon_that_begins_removes_the_retired_environments(head_without_ray: Daemon) -> None:
    head_without_ray.until(lambda _: [one.name for one in (head_without_ray.folder / "envs").iterdir()] == ["new"])


def test_there_is_one_daemon_a_folder_and_it_says_why_ray_is_down(head_without_ray: Daemon) -> None:
    with pytest.raises(DaemonRunningError, match="running already"):
        daemon.start_background("head")
    state = head_without_ray.until(lambda state: state.waiting)
    assert state.phase == "down"
    assert "network.address is 203.0.113.9" in state.waiting
    assert head_without_ray.log().count("network.address is 203.0.113.9") == 1


def test_what_the_owner_asks_for_holds_at_once_and_a_changed_policy_too(head_without_ray: Daemon) -> None:
    head = head_without_ray
    write_wishes(head.folder / "wishes.json", Wishes(cores=0, asked=1.0))
    assert head.until(lambda state: state.cause == "override").cores_allowed == 0
    assert json.loads((head.folder / "allowance.json").read_text())["cores"] == 0
    for damage in (Path.unlink, lambda path: path.write_text("{")):
        damage(head.folder / "allowance.json")
        head.until(lambda _: (said := read_allowed(head.folder / "allowance.json")) and said.cores == 0)
    write_wishes(head.folder / "wishes.json", Wishes())
    head.until(lambda state: state.cause != "override")
    with (head.folder / "config.toml").open("a") as file:
        file.write('\n[policy]\nhours = ["00:00-00:01", "00:01-00:02"]\nyield_to_others = false\n')
    head.until(lambda state: "takes up the changed settings" in head.log())
    with (head.folder / "config.toml").open("a") as file:
        file.write("mood = 1\n")
    head.until(lambda state: "the settings stay as they were" in head.log())


def test_where_its_own_copy_of_the_code_is_follows_the_setting(head_without_ray: Daemon, tmp_path: Path) -> None:
    head = head_without_ray

    def told() -> object:
        return json.loads((head.folder / "code.json").read_text())["folder"]

    head.until(lambda state: state.code["how"] == "studies bring it along")
    set_key(head.folder, "code.folder", str(tmp_path))
    state = head.until(lambda state: state.code["folder"] == str(tmp_path))
    assert told() == str(tmp_path)
    assert ("Code", str(tmp_path)) in in_words(state, state.at)
    set_key(head.folder, "code.folder", str(tmp_path / "none"))
    head.until(lambda state: state.code["trouble"])
    assert told() is None
    assert "there is no such folder now: studies bring it along" in head.log()
    set_key(head.folder, "node.cores", "1")
    head.until(lambda _: head.log().count("takes up the changed settings") == 3)
    assert "holds after a restart" not in head.log()
    set_key(head.folder, "node.name", "desk")
    head.until(lambda _: "holds after a restart" in head.log())


def test_a_signal_ends_it_with_code_0(head_without_ray: Daemon) -> None:
    process = psutil.Process(head_without_ray.pid)
    process.terminate()
    assert process.wait(20) in (0, None)
    assert daemon.running("head") is None
    assert head_without_ray.log().rstrip().endswith("ends")


def test_a_study_that_is_left_to_it_is_run_and_how_it_ended_is_told(head_without_ray: Daemon) -> None:
    head = head_without_ray
    jobs.submit(head.folder, "ghost", time.time())
    (head.folder / "jobs" / "No Name.json").write_text("{}")
    state = head.until(lambda state: [job for job in state.jobs if job.code is not None])
    assert [(job.name, job.running, job.code) for job in state.jobs] == [("ghost", False, 2)]
    assert "ghost" in (head.folder / "logs" / "study-ghost.log").read_text()
    head.until(lambda _: not jobs.asked(head.folder))
    assert "the study ghost failed: see logs/study-ghost.log" in head.log()
    daemon.stop("head", 20)
    head.start()
    assert head.state().jobs == state.jobs, "it is remembered"


def test_the_owner_is_told_of_a_study_that_was_left_to_it_and_a_change_of_settings_holds_at_once(
    head_without_ray: Daemon,
) -> None:
    head = head_without_ray
    with receiver() as owner:
        (head.folder / "notify.json").mkdir()  # that it cannot be kept is no reason not to tell
        set_key(head.folder, "notify.desktop", "no")
        set_key(head.folder, "notify.urls", owner.url)
        head.until(lambda _: "takes up the changed settings" in head.log())
        jobs.submit(head.folder, "untold", time.time())
        head.until(lambda state: "untold" in {job.name for job in state.jobs if job.code is not None})
        jobs.submit(head.folder, "ghost", time.time(), tell=True)
        head.until(lambda _: owner.got)
        set_key(head.folder, "notify.on", "yes")
        head.until(lambda _: head.log().count("takes up the changed settings") > 1)
        jobs.submit(head.folder, "spirit", time.time())
        head.until(lambda _: len(owner.got) > 1)
    assert [one.partition(":")[0] for one in owner.bodies] == ["Study ghost failed", "Study spirit failed"]
    assert owner.got[0]["title"] == f"Bittrader: {head.who.name}"
    assert TOKEN not in head.log() + (head.folder / "state.json").read_text()
    assert "holds after a restart" not in head.log()
    assert head.log().count("the owner may not be told what is new: FileExistsError") == 1


def test_a_study_whose_file_cannot_be_removed_runs_once(head_without_ray: Daemon) -> None:
    head = head_without_ray
    jobs.submit(head.folder, "ghost", time.time())
    file = head.folder / "jobs" / "ghost.json"
    with immutable(file):
        head.until(lambda state: [job for job in state.jobs if job.code is not None])
        head.until(lambda _: "ghost.json cannot be removed" in head.log())
        daemon.stop("head", 20)
        head.start()
        head.until(lambda state: state.at > state.started + 2)
        assert head.log().count("starts the study ghost") == 1
        assert not jobs.asked(head.folder, head.state().jobs)
    head.until(lambda _: not file.exists())


@contextlib.contextmanager
def immutable(path: Path) -> Iterator[None]:
    """A file that nobody can remove, not even root; a folder that is closed does as well for others."""
    if os.getuid() == 0:
        made = subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode == 0
        if not made:
            pytest.skip("this file system has no files that stay")
    else:
        path.parent.chmod(0o500)
    try:
        yield
    finally:
        if os.getuid() == 0:
            subprocess.run(["chattr", "-i", path], check=True)
        else:
            path.parent.chmod(0o700)


def test_a_study_that_another_process_has_is_tried_again_and_what_it_waits_for_is_said(
    head_without_ray: Daemon, tmp_path: Path
) -> None:
    head = head_without_ray
    candles = tmp_path / "candles.csv"
    columns = synthetic(500).columns()
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    candles.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows), ""]))
    optimize("sma-cross", [str(candles)], study="mine", trials=5, run=False)
    with Study.write(shelf.path_of("mine")):
        jobs.submit(head.folder, "mine", time.time())
        state = head.until(lambda state: state.jobs and state.jobs[0].trouble)
        (job,) = state.jobs
        assert "mine is running in another process" in job.trouble
        assert ("Detached", f"mine waits for {next_try(job, state.at)}") in in_words(state, state.at)
        assert state.at < job.next_start < state.at + 2
    state = head.until(lambda state: state.studies)
    assert not state.jobs[0].trouble
    jobs.withdraw(head.folder, "mine")


def test_what_drivers_say_is_passed_on_and_forgotten_with_them(head_without_ray: Daemon) -> None:
    head = head_without_ray
    (head.folder / "running").mkdir(exist_ok=True)
    alive, gone = head.folder / "running" / f"{os.getpid()}.json", head.folder / "running" / "4194304.json"
    for path in (alive, gone):
        path.write_text('{"study": "first", "finished": 12}')
    state = head.until(lambda state: state.studies)
    assert [(one["study"], one["pid"]) for one in state.studies] == [("first", os.getpid())]
    assert not gone.exists()


def test_systemd_hears_of_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    # A short path: a socket's may not be long.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"{folder}/notify")
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        with started_without_ray() as head:
            heard = [systemd.recv(4096).decode() for _ in range(3)]
            assert heard[0] == "READY=1"
            assert heard[1].startswith("WATCHDOG=1\nSTATUS=Ray is ")
            psutil.Process(head.pid).suspend()  # as a hang: no turn, no heartbeat
            systemd.settimeout(3)
            assert not goes_on(systemd)
            psutil.Process(head.pid).resume()


def test_systemd_hears_of_an_end_and_not_of_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `STOPPING=1` it gives the process some seconds, and then kills it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"{folder}/notify")
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        with started_without_ray() as head:
            assert systemd.recv(4096) == b"READY=1"
            pid = head.pid
            daemon.restart("head")
            heard = [b""]
            while heard[-1] != b"READY=1":
                heard.append(systemd.recv(4096))
            assert b"STOPPING=1" not in heard
            assert head.pid == pid
            assert daemon.stop("head")
            while heard[-1] != b"STOPPING=1":
                heard.append(systemd.recv(4096))


def test_a_daemon_without_a_terminal_keeps_its_home_where_it_is_told(tmp_path: Path) -> None:
    """As a scheduled task of Windows runs it: without streams, and without a variable."""
    program = """
import runpy, sys
sys.argv = ["daemon", "worker", sys.argv[1]]
sys.stdout = sys.stderr = None
runpy.run_module("bittrader.cluster.daemon", run_name="__main__")
"""
    environment = {name: value for name, value in os.environ.items() if name != "BITTRADER_HOME"}
    folder = tmp_path / "worker"
    folder.mkdir()
    visit.keep_contact(folder, visit.Contact(("192.0.2.1",), 6380))
    (folder / "config.toml").write_text("mood = 1\n")
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "")  # for its settings
    assert (folder / "daemon.lock").exists()


def goes_on(systemd: socket.socket) -> bool:
    """Whether more is heard, after what was on its way."""
    for _ in range(3):
        with contextlib.suppress(TimeoutError):
            systemd.recv(4096)
            continue
        return False
    return True


def test_systemd_that_is_not_there_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    Heartbeat().notify("READY=1")
    assert "NOTIFY_SOCKET" not in os.environ
    Heartbeat().notify("READY=1")
