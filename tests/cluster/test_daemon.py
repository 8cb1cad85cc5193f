"""Real daemons over real Ray: what is killed comes back, what is stopped is gone, what is others' stays."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from bittrader.cluster import daemon, inviting, visit
from bittrader.cluster.daemon_lock import DaemonRunningError
from bittrader.cluster.facts import facts_here
from bittrader.cluster.invite import decode
from bittrader.cluster.wishes import Wishes, write_wishes
from bittrader.errors import ClusterError
from tests.cluster.daemons import Daemon, address, foreign_ray, running

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

            head.raylet().kill()
            second = head.until_at_work(other_than=first.session)
            assert "raylet has gone" in (head.folder / "logs" / "head_error.log").read_text()

            head.kill()
            before = {one.pid for one in head.processes()}
            assert before
            assert daemon.running("head") is None
            head.start()
            head.until_at_work(other_than=second.session)
            assert not before & {one.pid for one in head.processes()}
            assert f"ends {len(before)} processes that an earlier daemon left" in head.log()

            everything = head.processes()
            assert daemon.stop("head", 60)
            assert not [one for one in everything if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
            assert not head.processes()
            assert not (head.folder / "ray.json").exists()
        assert foreign.is_running()
        assert foreign.status() != psutil.STATUS_ZOMBIE


@with_ray
def test_a_worker_joins_works_and_follows_a_head_that_begins_anew() -> None:
    with running("head", "worker") as (head, worker):
        head.start()
        first = head.until_at_work()
        made = inviting.invite(head.folder, [address()], head.ports + 1, time.time())
        visit.join(worker.folder, decode(made.code), worker.who.node, worker.who.name, facts_here())
        worker.start()
        state = worker.until_at_work()
        assert state.session == first.session
        assert head.until(lambda state: state.nodes == 2)

        daemon.restart("head")
        second = head.until_at_work(other_than=first.session)
        state = worker.until_at_work(other_than=first.session)
        assert state.session == second.session
        known = json.loads((head.folder / "cluster.json").read_text())["nodes"]
        assert {one["node"] for one in known} == {head.who.node, worker.who.node}
        assert daemon.stop("worker", 60)
        assert daemon.stop("head", 60)
        assert not worker.processes()
        assert not head.processes()


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
    with pytest.raises(ClusterError, match="there is no setting 'network.mood'"):
        daemon.start_background("head")


@pytest.fixture
def head_without_ray(monkeypatch: pytest.MonkeyPatch):
    """A head's daemon whose Ray cannot start, so that it is quick: what it is told to run is not there."""
    with running("head") as (head,):
        text = (head.folder / "config.toml").read_text().replace(f'address = "{address()}"', 'address = "203.0.113.9"')
        (head.folder / "config.toml").write_text(text)
        head.start()
        yield head
        daemon.stop("head", 20)


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
    write_wishes(head.folder / "wishes.json", Wishes())
    head.until(lambda state: state.cause != "override")
    with (head.folder / "config.toml").open("a") as file:
        file.write('\n[policy]\nhours = ["00:00-00:01", "00:01-00:02"]\nyield_to_others = false\n')
    head.until(lambda state: "takes up the changed settings" in head.log())
    with (head.folder / "config.toml").open("a") as file:
        file.write("mood = 1\n")
    head.until(lambda state: "the settings stay as they were" in head.log())


def test_a_signal_ends_it_with_code_0(head_without_ray: Daemon) -> None:
    process = psutil.Process(head_without_ray.pid)
    process.terminate()
    assert process.wait(20) in (0, None)
    assert daemon.running("head") is None
    assert head_without_ray.log().rstrip().endswith("ends")
