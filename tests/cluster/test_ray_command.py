"""How Ray is started: every port is said, nothing is left to whoever set a variable, and only the cluster may talk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.ray_command import RayNode, command, driver_environment, environment, store_bytes
from bittrader.cluster.ray_folder import before, make_temp_dir, temp_dir
from bittrader.cluster.ray_process import clean_environment
from bittrader.cluster.seen import Place
from bittrader.cluster.settings import Ports, parse_settings
from bittrader.errors import ClusterError

PLACE = Place("10.0.0.2", "10.0.0.1:6379", encrypted=True, session="one")
SETTINGS = parse_settings(
    "[network.ports]\ngcs = 7000\nfirst_worker = 30000\nlast_worker = 30009\n[health]\nfailures = 9\n"
)


def node(*, head: bool) -> RayNode:
    return RayNode(
        head=head, node="0123456789abcdef", name="Ana's Mac, old", cores=8, memory_bytes=16 * 10**9, settings=SETTINGS,
        temp_dir=Path("/tmp/bt"), token=Path("/home/token"), allowance=Path("/home/allowance.json"),
        synced=Path("/home/synced.json"),
        flags={"RAY_FLAG": "1"},
        tls={"RAY_USE_TLS": "1", "RAY_TLS_CA_CERT": "/home/ca.pem"},
    )  # fmt: skip


@pytest.mark.parametrize("head", [True, False])
def test_every_port_that_a_firewall_must_know_is_said(*, head: bool) -> None:
    words = " ".join(command(node(head=head), PLACE))
    ports = vars(SETTINGS.network.ports)
    for name, port in ports.items():
        if name == "meeting" or (name == "gcs" and not head):
            continue  # Ray has nothing to do with the one, and a worker does not open the other
        assert f"={port}" in words, name
    assert len(ports) == len(vars(Ports()))


def test_a_head_begins_a_cluster_and_a_worker_joins_it() -> None:
    assert "--head" in command(node(head=True), PLACE)
    assert "--address=10.0.0.1:6379" in command(node(head=False), PLACE)
    assert "--include-dashboard=false" in command(node(head=True), PLACE)
    assert not [word for word in command(node(head=False), PLACE) if "dashboard=" in word], "Ray refuses it"
    for head in (True, False):
        words = command(node(head=head), PLACE)
        assert {
            "--node-ip-address=10.0.0.2",
            "--num-cpus=8",
            "--labels=bittrader-node=0123456789abcdef,bittrader-name=Ana-s-Mac-old",
        } < set(words)
        assert "--block" not in words


def test_only_who_has_the_token_and_a_certificate_may_talk() -> None:
    said = environment(node(head=False), PLACE)
    assert (said["RAY_AUTH_MODE"], said["RAY_AUTH_TOKEN_PATH"]) == ("token", "/home/token")
    assert (said["RAY_USE_TLS"], said["RAY_TLS_CA_CERT"]) == ("1", "/home/ca.pem")
    plain = Place("100.64.0.2", "100.64.0.1:6379", encrypted=False)
    assert environment(node(head=False), plain)["RAY_USE_TLS"] == "0"
    assert "RAY_TLS_CA_CERT" not in environment(node(head=False), plain)


def test_the_environment_holds_what_the_node_needs_and_nothing_is_sent_to_anybody() -> None:
    said = environment(node(head=True), PLACE)
    assert said["RAY_USAGE_STATS_ENABLED"] == "0"
    assert said["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"
    assert said["BITTRADER_ALLOWANCE"] == "/home/allowance.json"
    assert said["RAY_FLAG"] == "1"
    assert said["RAY_health_check_period_ms"] == "1000"
    assert said["RAY_health_check_timeout_ms"] == "2000"
    assert said["RAY_health_check_failure_threshold"] == "9"
    assert driver_environment(node(head=True), PLACE).items() <= said.items()


def test_what_somebody_set_for_a_ray_of_their_own_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.9.9.9:1")
    monkeypatch.setenv("ELSE", "stays")
    assert "RAY_ADDRESS" not in clean_environment()
    assert clean_environment()["ELSE"] == "stays"


@given(memory=st.integers(0, 2**45))
def test_the_object_store_is_modest(memory: int) -> None:
    assert 200 * 10**6 <= store_bytes(memory) <= 2 * 10**9
    assert store_bytes(memory) <= store_bytes(memory + 10**9)


def test_the_folder_of_ray_is_short_closed_and_fresh_and_the_last_one_is_kept(tmp_path: Path) -> None:
    assert len(str(temp_dir("0123456789abcdef"))) < 40
    folder = tmp_path / "bt"
    for turn in range(3):
        make_temp_dir(folder)
        assert not list(folder.iterdir())
        assert folder.stat().st_mode & 0o077 == 0
        (folder / f"log {turn}").touch()
    assert [one.name for one in before(folder).iterdir()] == ["log 1"]


def test_a_folder_that_somebody_else_put_there_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "bt").symlink_to(tmp_path / "theirs")
    with pytest.raises(ClusterError, match="another user's"):
        make_temp_dir(tmp_path / "bt")
