"""The contract of every host, run against each; and the choice of the one for this computer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import pytest
from tests.host.test_windows import FakeApi

import bittrader.host
from bittrader.errors import BittraderError
from bittrader.host.base import Readings
from bittrader.host.linux import Linux
from bittrader.host.macos import MacOS
from bittrader.host.windows import Windows

SILENT = {
    "Linux": lambda: Linux(say=lambda *_: None),
    "macOS": lambda: MacOS(lambda *_: None, lambda _: time.monotonic()),
    "Windows": lambda: Windows(FakeApi(last=None)),
}


class Owner:
    """Somebody who is away until a test has them come back, on a computer that runs on mains until they unplug it."""

    def __init__(self, folder):
        self.folder = folder
        self.touched = time.monotonic() - 600.0
        self.plug(1)

    @property
    def idle(self):
        return time.monotonic() - self.touched

    def come_back(self):
        self.touched = time.monotonic()

    def plug(self, online):
        for name, facts in {"AC": {"type": "Mains", "online": online}, "BAT0": {"type": "Battery"}}.items():
            (self.folder / "power_supply" / name).mkdir(parents=True, exist_ok=True)
            for key, value in facts.items():
                (self.folder / "power_supply" / name / key).write_text(f"{value}\n")

    def logind(self, *command):
        since = f"IdleSinceHintMonotonic={self.touched * 1e6:.0f}"
        return "7\n" if "list-sessions" in command else f"Class=user\nType=tty\n{since}\n"

    def ioreg(self, *_):
        return f'"HIDIdleTime" = {self.idle * 1e9:.0f}'


class OwnedWindows(FakeApi):
    """A Windows that has an owner."""

    def __init__(self, owner):
        super().__init__(now=10**6)
        self.owner = owner

    def last_input_tick(self):
        return self.now - round(self.owner.idle * 1000)


OWNED = {
    "Linux": lambda owner: Linux(owner.folder, owner.logind, owner.folder),
    "macOS": lambda owner: MacOS(owner.ioreg, lambda _: time.monotonic()),
    "Windows": lambda owner: Windows(OwnedWindows(owner)),
}


@pytest.fixture(params=SILENT)
def host(request):
    made = SILENT[request.param]()
    yield made
    made.close()


def test_a_computer_that_says_nothing_of_its_owner_still_gives_readings(host):
    readings = host.readings()
    assert isinstance(readings, Readings)
    assert readings.idle_seconds is None
    assert readings.other_load >= 0


def seconds_waited(host, seconds):
    began = time.monotonic()
    host.wait_for_news(seconds)
    return time.monotonic() - began


@pytest.mark.parametrize("name", OWNED)
def test_who_waits_hears_at_once_that_the_owner_is_back(name, tmp_path):
    owner = Owner(tmp_path)
    host = OWNED[name](owner)
    assert host.readings().idle_seconds == pytest.approx(600.0, abs=1)
    host.wait_for_news(0.1)  # what was not known before is news as well
    assert seconds_waited(host, 1.0) >= 1.0
    owner.come_back()
    assert seconds_waited(host, 60.0) < 60.0
    assert host.readings().idle_seconds < 5
    host.close()


def test_who_waits_hears_of_a_login_without_asking_for_it_in_between(tmp_path):
    owner, asked = Owner(tmp_path), []

    def logind(*command):
        asked.append(command)
        return owner.logind(*command)

    host = Linux(owner.folder, logind, owner.folder)
    host._idle._period = 3600.0
    assert host.readings().idle_seconds == pytest.approx(600.0, abs=1)
    host.wait_for_news(0.1)
    before = len(asked)
    assert seconds_waited(host, 1.0) >= 1.0
    assert len(asked) == before
    owner.come_back()
    os.utime(owner.folder, ns=(0, 10**9))
    assert seconds_waited(host, 60.0) < 60.0
    host.close()


def test_who_waits_hears_at_once_that_the_computer_was_unplugged(tmp_path):
    owner = Owner(tmp_path)
    host = OWNED["Linux"](owner)
    assert host.readings().on_battery is False
    host.wait_for_news(0.1)
    owner.plug(0)
    assert seconds_waited(host, 60.0) < 60.0
    assert host.readings().on_battery is True
    host.close()


def test_readings_can_be_said_by_a_file(host, monkeypatch, tmp_path):
    file = tmp_path / "readings.json"
    file.write_text(json.dumps({"idle_seconds": 5, "on_battery": True, "charge": 0.35, "hot": True}))
    monkeypatch.setenv("BITTRADER_READINGS", str(file))
    readings = host.readings()
    assert (readings.idle_seconds, readings.on_battery, readings.charge, readings.hot) == (5, True, 0.35, True)


def test_a_computer_says_who_listens_at_a_port(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert host.listeners()[server.getsockname()[1]].pid == os.getpid()


def test_a_computer_says_where_google_drive_is_if_it_has_any(host):
    assert all(path.is_dir() for path in host.drives())


def test_a_computer_has_cores_memory_and_a_loopback_address(host):
    assert host.total_cores() >= 1
    assert 0 < host.memory().available <= host.memory().total
    assert [one.kind for one in host.addresses()].count("loopback") >= 1


def test_clocks_do_not_run_backwards(host):
    before, after = host.clocks(), host.clocks()
    assert before.monotonic <= after.monotonic
    assert before.boottime <= after.boottime


def test_a_closed_host_has_no_thread(host):
    host.readings()
    thread = host._watch._thread
    host.close()
    assert not thread.is_alive()


def test_a_host_that_was_closed_is_asked_again_when_its_daemon_begins_anew(host):
    host.readings()
    host.close()
    host.readings()
    assert host._watch._thread.is_alive()


def test_ray_needs_its_switch_for_several_machines_on_macos_and_windows():
    switch = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
    assert dict(SILENT["macOS"]().flags()) == dict(SILENT["Windows"]().flags()) == switch
    assert not SILENT["Linux"]().flags()


def test_every_host_has_the_name_that_people_write():
    assert [SILENT[name]().name for name in SILENT] == list(SILENT)


@pytest.mark.parametrize(("platform", "name"), [("linux", "Linux"), ("darwin", "macOS")])
def test_the_host_is_chosen_by_the_system(platform, name, monkeypatch):
    monkeypatch.setattr("sys.platform", platform)
    assert bittrader.host.current.__wrapped__().name == name


def test_another_system_is_refused_by_its_name(monkeypatch):
    monkeypatch.setattr("sys.platform", "sunos5")
    with pytest.raises(BittraderError, match=r"Linux, macOS and Windows, not on sunos5\.$"):
        bittrader.host.current.__wrapped__()


def test_a_host_needs_nothing_but_psutil():
    program = """
import json, sys
before = set(sys.modules)
import bittrader.cluster.policy, bittrader.cluster.settings, bittrader.cluster.wishes, bittrader.host.common
import bittrader.host.linux, bittrader.host.macos, bittrader.host.windows
print(json.dumps(sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in json.loads(run.stdout) if not name.startswith("_")] == ["bittrader", "psutil"]
