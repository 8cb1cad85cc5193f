"""What Linux says, from the words of its programs and the files of /sys."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from bittrader.host import x11_idle
from bittrader.host.linux import (
    Linux,
    Session,
    desktop_idle,
    is_hot,
    parse_mutter,
    parse_seconds,
    parse_sessions,
    power_of,
    session_idle,
)

# systemd 252: a terminal over SSH, GNOME on Wayland, and the greeter that waits behind it.
SESSIONS = """\
Id=7
User=1000
Type=tty
Class=user
IdleHint=no
IdleSinceHintMonotonic=880000000

Id=3
User=1000
Display=:1
Type=wayland
Class=user
IdleHint=yes
IdleSinceHintMonotonic=400000000

Id=5
User=1000
Type=tty
Class=user
State=closing
IdleHint=no
IdleSinceHintMonotonic=0

Id=c1
User=115
Type=x11
Class=greeter
IdleHint=no
IdleSinceHintMonotonic=0
"""


def session(**facts):
    usual = {"user": os.getuid(), "is_graphical": True, "is_x11": False, "display": ":0", "idle_hint": False}
    return Session(**usual | {"since": 0.0} | facts)


def supply(folder, name, **facts):
    (folder / name).mkdir(parents=True)
    for key, value in facts.items():
        (folder / name / key).write_text(f"{value}\n")


def test_peoples_logins_are_told_from_the_greeter_and_from_what_is_left_of_one():
    assert parse_sessions(SESSIONS) == [
        Session(1000, is_graphical=False, is_x11=False, display="", idle_hint=False, since=880.0),
        Session(1000, is_graphical=True, is_x11=False, display=":1", idle_hint=True, since=400.0),
    ]


@pytest.mark.parametrize("text", ["", "\n\n\n", "Class=user", "Class=user\nUser=x\nIdleSinceHintMonotonic=", "?"])
def test_words_that_are_missing_or_strange_are_no_failure(text):
    assert len(parse_sessions(text)) == text.startswith("Class=user")


def test_a_desktop_that_says_it_is_idle_is_idle_since_then():
    assert session_idle(session(idle_hint=True, since=400.0), 1_000.0, lambda _: 3.0) == 600.0


def test_a_desktop_that_says_it_is_in_use_is_asked_since_when_not():
    assert session_idle(session(since=400.0), 1_000.0, lambda _: 90.0) == 90.0
    assert session_idle(session(since=400.0), 1_000.0, lambda _: None) == 0.0


def test_a_terminal_is_idle_since_its_last_key_although_logind_waits_half_an_hour_to_say_so():
    assert session_idle(session(is_graphical=False, since=880.0), 1_000.0, lambda _: 0.0) == 120.0
    assert session_idle(session(is_graphical=False, since=0.0), 1_000.0, lambda _: 5.0) == 0.0


def say_nothing(*command):
    return None


def test_x_is_never_asked_below_wayland():
    asked = []
    assert desktop_idle(session(is_x11=False), lambda *command: asked.append(command[0])) is None
    assert asked == ["gdbus"]


def test_x_is_asked_in_a_session_of_x_by_a_program_of_its_own():
    asked = []

    def say(*command):
        asked.append(command)
        return "12.5\n" if x11_idle.__file__ in command else None

    assert desktop_idle(session(is_x11=True, display=":3"), say) == 12.5
    assert asked[-1][0] == sys.executable
    assert asked[-1][-1] == ":3"


def test_the_desktop_of_another_user_is_not_asked():
    assert desktop_idle(session(user=os.getuid() + 1, is_x11=True), lambda *_: "(uint64 9000,)") is None


def test_gnome_tells_milliseconds():
    assert parse_mutter("(uint64 61234,)\n") == 61.234
    assert parse_mutter("Error: GDBus.Error") is parse_mutter(None) is None


def test_what_is_no_number_is_not_known():
    assert parse_seconds("1.5\n") == 1.5
    assert parse_seconds("cannot open") is parse_seconds(None) is parse_seconds("") is None


def test_the_shortest_idle_time_of_all_logins_counts():
    def say(*command):
        if "list-sessions" in command:
            return "7 1000 anna pts/0\n3 1000 anna seat0 tty2\n5 1000 anna\nc1 115 gdm seat0 tty1\n"
        assert command[-4:] == ("7", "3", "5", "c1")
        return SESSIONS

    host = Linux(say=say)
    assert host.idle_seconds() == pytest.approx(max(time.monotonic() - 880.0, 0.0), abs=5)


def test_a_login_that_has_just_ended_is_asked_for_no_more():
    asked = []

    def say(*command):
        asked.append(command[1])
        if "list-sessions" in command:
            return "7 1000 anna pts/0\n" if asked.count("list-sessions") == 1 else ""
        return None  # it is gone, and so loginctl fails

    assert Linux(say=say).idle_seconds() == pytest.approx(time.monotonic(), abs=5)
    assert asked == ["list-sessions", "show-session", "list-sessions"]


def test_a_login_is_a_hint_once_and_is_asked_for_then(tmp_path):
    listed = [""]

    def say(*command):
        return listed[0] if "list-sessions" in command else SESSIONS

    host = Linux(say=say, logins=tmp_path)
    host.hint()
    assert host.idle_seconds() == pytest.approx(time.monotonic(), abs=5)
    listed[0] = "7 1000 anna pts/0\n3 1000 anna seat0 tty2\n"
    assert not host.hint()
    assert host.idle_seconds() == pytest.approx(time.monotonic(), abs=5)  # nothing says that this has changed
    os.utime(tmp_path, ns=(0, 10**9))
    assert host.hint()
    assert not host.hint()
    assert host.idle_seconds() == pytest.approx(max(time.monotonic() - 880.0, 0.0), abs=5)


def test_with_nobody_logged_in_nobody_was_there_since_the_start():
    assert Linux(say=lambda *_: "").idle_seconds() == pytest.approx(time.monotonic(), abs=5)


def test_without_logind_it_is_not_known_whether_anybody_is_there():
    assert Linux(say=say_nothing).idle_seconds() is None


def test_a_charger_that_is_in_means_no_battery(tmp_path):
    supply(tmp_path, "AC", type="Mains", online=1)
    supply(tmp_path, "BAT0", type="Battery", status="Not charging", capacity=80)
    assert power_of(tmp_path) == (False, 0.8)


def test_two_batteries_are_as_full_as_their_mean(tmp_path):
    supply(tmp_path, "AC", type="Mains", online=0)
    supply(tmp_path, "ucsi-source-psy-1", type="USB", online=0)
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity=20)
    supply(tmp_path, "BAT1", type="Battery", status="Unknown", capacity=60)
    assert power_of(tmp_path) == (True, 0.4)


def test_a_charger_at_any_usb_port_counts(tmp_path):
    supply(tmp_path, "ucsi-source-psy-1", type="USB", online=0)
    supply(tmp_path, "ucsi-source-psy-2", type="USB", online=1)
    supply(tmp_path, "BAT0", type="Battery", status="Charging", capacity=20)
    assert power_of(tmp_path) == (False, 0.2)


def test_the_battery_of_a_mouse_powers_no_computer(tmp_path):
    supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity=5)
    assert power_of(tmp_path) == (False, None)


def test_a_battery_without_a_charger_to_be_seen_is_used_while_it_discharges(tmp_path):
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert power_of(tmp_path) == (True, None)


def test_a_computer_without_power_supplies_is_on_mains(tmp_path):
    assert power_of(tmp_path / "none") == (False, None)


@pytest.mark.parametrize(
    ("chips", "hot"),
    [
        ({"coretemp": [("Package", 99.0, 100.0, 100.0), ("Core 0", 101.0, 100.0, 100.0)]}, True),
        ({"coretemp": [("Package", 90.0, 100.0, 100.0)]}, False),
        ({"cpu_thermal": [("", 96.0, None, 100.0)]}, True),
        ({"k10temp": [("Tctl", 95.0, None, None)]}, None),
        ({"nvme": [("Composite", 90.0, 80.0, 85.0)]}, None),
        ({}, None),
    ],
)
def test_a_processor_is_hot_at_the_limit_of_its_maker(chips, hot):
    assert is_hot(chips) is hot


def test_a_case_that_can_be_carried_is_a_laptop(tmp_path):
    supply(tmp_path / "dmi", "id", chassis_type=10)
    assert Linux(tmp_path).laptop() is True


def test_a_tower_with_no_battery_is_none(tmp_path):
    supply(tmp_path / "dmi", "id", chassis_type=3)
    assert Linux(tmp_path).laptop() is False


def test_a_screen_is_there_when_one_is_plugged_in(tmp_path):
    assert Linux(tmp_path).has_screen() is False
    supply(tmp_path / "drm", "card0-HDMI-A-1", status="disconnected")
    assert Linux(tmp_path).has_screen() is False
    supply(tmp_path / "drm", "card0-eDP-1", status="connected")
    assert Linux(tmp_path).has_screen() is True
    assert Linux(tmp_path / "none").has_screen() is None


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="needs Xvfb, an X server without a screen")
def test_a_real_x_server_tells_how_long_nobody_touched_it():
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write)], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as display:
            name = f":{display.readline().strip()}"
        idle = desktop_idle(session(is_x11=True, display=name))
        assert idle is not None
        assert 0 <= idle <= time.time() - psutil.Process(server.pid).create_time() + 1
    finally:
        server.terminate()
        server.wait()


def test_a_display_that_is_not_there_fails_with_one_line():
    done = subprocess.run(
        [sys.executable, "-I", "-S", x11_idle.__file__, ":9876"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
