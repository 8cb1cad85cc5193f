"""What a node keeps in its folder: who it is, that one daemon runs, how it is, and what it did."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, get_type_hints

import psutil
import pytest
from tests.cluster.test_visits import TOLD

from bittrader import paths
from bittrader.cluster import daemon_lock, jobs
from bittrader.cluster.daemon_lock import DaemonLock, DaemonRunningError
from bittrader.cluster.daemon_log import DaemonLog
from bittrader.cluster.drivers import read_running
from bittrader.cluster.identity import folder_of, identity
from bittrader.cluster.jobs import Jobs
from bittrader.cluster.ledger import Ledger
from bittrader.cluster.node_state import JobState, NodeState, read_state, write_state
from bittrader.cluster.ray_list import answered, parse
from bittrader.cluster.ray_place import head_place, worker_place
from bittrader.cluster.settings import Logs, Network
from bittrader.errors import ClusterError
from bittrader.host.base import Address

if TYPE_CHECKING:
    from pathlib import Path

LAN, VPN = Address("192.168.1.5", "wlan0", "lan"), Address("100.64.0.5", "tailscale0", "tailscale")
LOOPBACK = Address("127.0.0.1", "lo", "loopback")


def test_a_node_is_the_same_for_as_long_as_its_folder_lives(tmp_path: Path) -> None:
    first = identity(tmp_path / "new" / "head", "head", "studio")
    assert re.fullmatch(r"[0-9a-f]{16}", first.node)
    assert identity(tmp_path / "new" / "head", "head", "studio") == first
    renamed = identity(tmp_path / "new" / "head", "head", "attic")
    assert (renamed.node, renamed.name) == (first.node, "attic")
    assert identity(tmp_path / "other", "worker", "studio").node != first.node


def test_the_folder_of_another_role_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    identity(tmp_path, "head", "studio")
    with pytest.raises(ClusterError, match="is the folder of a head, not of a worker"):
        identity(tmp_path, "worker", "studio")
    for text in ("", "{}", '{"node": "short", "name": "a", "role": "head"}', "[]"):
        (tmp_path / "identity.json").write_text(text)
        with pytest.raises(ClusterError, match="Delete it, and join again"):
            identity(tmp_path, "worker", "studio")


def test_a_damaged_head_is_not_told_to_join() -> None:
    identity(folder_of("head"), "head", "studio")
    for text in ("", '{"node": "short", "name": "a", "role": "head"}'):
        (folder_of("head") / "identity.json").write_text(text)
        with pytest.raises(ClusterError, match=r"head/identity\.json .* Delete it, and start the head again$"):
            identity(folder_of("head"), "head", "studio")
    (folder_of("head") / "identity.json").unlink()
    assert identity(folder_of("head"), "head", "studio").role == "head"


def test_folders_are_where_the_documents_say(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert folder_of("head") == home / "head" == paths.head_dir()
    monkeypatch.delenv("BITTRADER_HOME")
    assert folder_of("worker").name == ".bittrader_worker"


def test_only_a_file_asks_for_a_study(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("no folder")
    assert not jobs.asked(tmp_path)
    (tmp_path / "jobs").unlink()
    jobs.submit(tmp_path, "mine", 0.0)
    (tmp_path / "jobs" / "folder.json").mkdir()
    assert jobs.asked(tmp_path) == {"mine": 0.0}


def test_what_has_ended_is_not_asked_for_by_a_file_that_stays_but_by_a_new_one(tmp_path: Path) -> None:
    jobs.submit(tmp_path, "mine", 12.5)
    ended = JobState("mine", running=False, code=0, ended=20.0, asked=12.5)
    assert not jobs.asked(tmp_path, [ended])
    assert jobs.asked(tmp_path, [replace(ended, code=None)]) == {"mine": 12.5}
    jobs.submit(tmp_path, "mine", 30.0)
    assert jobs.asked(tmp_path, [ended]) == {"mine": 30.0}


def test_a_file_that_stays_is_remembered_however_many_studies_follow(tmp_path: Path) -> None:
    kept = Jobs(tmp_path, Ledger(tmp_path / "processes.json"))
    jobs.submit(tmp_path, "mine", 12.5)
    kept._asked_at["mine"] = 12.5
    kept.finish("mine", 0)
    for number in range(50):
        kept.finish(f"other-{number}", 0)
    assert not kept.asked()
    states = kept.states(frozenset({"mine"}), {}, 0.0)
    assert len(states) < 25
    assert kept.withdraw_ended() == ""
    assert not list((tmp_path / "jobs").iterdir())


def test_a_damaged_file_asks_for_its_study_all_the_same(tmp_path: Path) -> None:
    jobs.submit(tmp_path, "mine", 12.5)
    for text in ("", "[]", "{}", '{"asked": "noon"}'):
        (tmp_path / "jobs" / "mine.json").write_text(text)
        assert jobs.asked(tmp_path) == {"mine": 0.0}


def test_a_lock_that_is_no_lock_says_so_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    path.write_bytes(b"no database " * 100)
    with pytest.raises(ClusterError, match=r"daemon\.lock cannot be locked: .*: delete it"):
        DaemonLock(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ClusterError, match=r"daemon\.lock cannot be locked"):
        daemon_lock.is_held(tmp_path)


def test_no_node_goes_by_its_loopback_address_beside_another() -> None:
    wanted = Network(address=LOOPBACK.ip)
    place, why = head_place((LOOPBACK, LAN), wanted)
    assert place is None
    assert f"network.address to {LAN.ip}" in why
    alone, _ = head_place((LOOPBACK,), wanted)
    assert alone is not None
    assert alone.address == LOOPBACK.ip


def test_what_a_search_said_is_gone_once_another_process_has_its_number(tmp_path: Path) -> None:
    mine = tmp_path / "running" / f"{os.getpid()}.json"
    mine.parent.mkdir()
    mine.write_text('{"study": "first"}')
    assert read_running(tmp_path) == [{"study": "first", "pid": os.getpid()}]
    before = psutil.Process().create_time() - 3600
    os.utime(mine, (before, before))
    assert read_running(tmp_path) == []
    assert not mine.exists()


def test_one_daemon_at_a_time_has_a_folder_and_a_dead_one_has_none(tmp_path: Path) -> None:
    assert not daemon_lock.is_held(tmp_path)
    program = f"""
import pathlib, time
from bittrader.cluster.daemon_lock import DaemonLock
lock = DaemonLock(pathlib.Path({str(tmp_path)!r}))
print("has it", flush=True)
time.sleep(600)
"""
    other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "has it\n"
    assert daemon_lock.is_held(tmp_path)
    with pytest.raises(DaemonRunningError, match="running already"):
        DaemonLock(tmp_path)
    other.kill()
    other.communicate()
    assert not daemon_lock.is_held(tmp_path)
    DaemonLock(tmp_path).release()


def state(**facts: object) -> NodeState:
    defaults = {"str": "", "int": 0, "float": 0.0, "bool": False}
    kinds = get_type_hints(NodeState, localns={"Phase": str})
    plain = {name: defaults.get(getattr(kind, "__name__", "")) for name, kind in kinds.items()}
    return NodeState(**{**plain, "phase": "up", "versions": {}, "studies": [], "jobs": [], **facts})


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    said = state(jobs=[JobState("first", running=False, code=2, ended=3.0)], studies=[{"study": "x"}], charge=0.5)
    write_state(tmp_path, said)
    assert read_state(tmp_path) == said
    assert list(tmp_path.iterdir()) == [tmp_path / "state.json"]


def test_a_state_of_another_version_is_none(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", json.dumps({**state().as_json(), "more": 1}), json.dumps({"jobs": 3})):
        (tmp_path / "state.json").write_text(text)
        assert read_state(tmp_path) is None


@pytest.mark.parametrize("role", ["head", "worker"])
def test_a_log_is_let_go_in_pieces_and_what_is_wrong_stands_by_itself_too(role: str, tmp_path: Path) -> None:
    log = DaemonLog(tmp_path, role, Logs(size_mb=0.1, keep=2), shown=False)
    log("something is wrong", trouble=True)
    assert (tmp_path / "logs" / f"{role}_error.log").read_text().endswith("WARNING something is wrong\n")
    for number in range(6000):
        log(f"line {number} of many, each as long as a reason is")
    log.close()
    kept = sorted((tmp_path / "logs").glob(f"{role}.log*"))
    assert [one.name for one in kept] == [f"{role}.log", f"{role}.log.1", f"{role}.log.2"]
    assert all(one.stat().st_size <= 100_000 for one in kept)
    last = kept[0].read_text().splitlines()[-1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z INFO    line 5999 .*", last)


def test_a_head_is_where_the_network_lets_it_be() -> None:
    place, _ = head_place([VPN, LAN], Network())
    assert (place.address, place.gcs, place.encrypted) == ("100.64.0.5", "100.64.0.5:6379", False)
    place, _ = head_place([LAN], Network())
    assert (place.address, place.encrypted) == ("192.168.1.5", True)
    place, why = head_place([LOOPBACK], Network())
    assert place is None
    assert "check its cable" in why


def test_a_worker_goes_by_the_address_that_the_head_sees_while_it_has_it() -> None:
    seen = Address(TOLD.seen_at, "eth1", "lan")
    place, _ = worker_place([LAN, seen], Network(), TOLD)
    assert (place.address, place.gcs, place.session) == (TOLD.seen_at, TOLD.gcs, "one")
    place, _ = worker_place([LAN], Network(), TOLD)
    assert place.address == LAN.ip, "it has moved, and the head does not know yet"
    place, _ = worker_place([LAN, seen], Network(address=LAN.ip), TOLD)
    assert place.address == LAN.ip, "the owner decides"


def test_a_worker_is_nowhere_before_the_head_has_said_where_its_ray_is() -> None:
    for told, why in ((None, "has not answered"), (replace(TOLD, gcs=None, session=None), "the head's Ray is not up")):
        place, obstacle = worker_place([LAN], Network(), told)
        assert place is None
        assert why in obstacle
    place, obstacle = worker_place([LOOPBACK], Network(), TOLD)
    assert place is None
    assert "check its cable" in obstacle


def test_what_the_membership_process_says_is_read_and_half_a_line_is_nothing() -> None:
    listed = parse(b'{"asked": 3.5, "session": "one", "alive": ["a", "b"]}\n')
    assert (listed.asked, listed.session, listed.alive, listed.error) == (3.5, "one", frozenset("ab"), "")
    failed = parse(b'{"asked": 4.0, "error": "no GCS"}')
    assert (failed.session, failed.alive, failed.error) == (None, frozenset(), "no GCS")
    assert answered(listed, failed) == answered(listed, None) == answered(None, listed) == listed
    for cut in (b"", b'{"asked": 3', b"[]", b'{"asked": null}', b"{}"):
        assert parse(cut) is None
