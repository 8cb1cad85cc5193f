"""What each system is asked to show; on Linux, what a desktop gets."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from tests.notify import dbus_service

from bittrader.notify.desktop import Command, desktop_command, session_bus
from bittrader.notify.message import Message
from bittrader.notify.posting import DESKTOP, Outcome, Post
from bittrader.notify.sender import send_now

MESSAGE = Message("Bittrader: air", 'air has lost the head: <none> & "no" \'; rm -rf $HOME\nair is back.')
BUS = "unix:path=/run/user/1000/bus"


def only(*programs):
    return lambda name: f"/usr/bin/{name}" if name in programs else None


def test_linux_asks_notify_send_with_the_text_as_arguments_of_its_own():
    command = desktop_command("Linux", MESSAGE, only("notify-send", "busctl"), BUS)
    body = 'air has lost the head: &lt;none&gt; &amp; "no" \'; rm -rf $HOME\nair is back.'
    assert command == Command(
        ("/usr/bin/notify-send", "--app-name=Bittrader", "--", "Bittrader: air", body),
        {"DBUS_SESSION_BUS_ADDRESS": BUS},
    )


def test_linux_without_notify_send_asks_systemds_busctl():
    command = desktop_command("Linux", MESSAGE, only("busctl"), BUS)
    assert command.words[:9] == (
        "/usr/bin/busctl", "--user", "--", "call", "org.freedesktop.Notifications", "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications", "Notify", "susssasa{sv}i",
    )  # fmt: skip
    assert command.words[9:13] == ("Bittrader", "0", "", "Bittrader: air")
    assert command.words[14:] == ("0", "0", "-1")


def test_linux_without_a_session_or_a_program_says_why():
    assert desktop_command("Linux", MESSAGE, only("notify-send"), None).startswith("nobody has a desktop session")
    assert "install libnotify" in desktop_command("Linux", MESSAGE, only(), BUS)


def test_macos_asks_osascript_whose_script_never_changes():
    command = desktop_command("macOS", MESSAGE, only("osascript"), None)
    assert command.words == (
        "/usr/bin/osascript",
        "-e", "on run argv",
        "-e", "display notification (item 2 of argv) with title (item 1 of argv)",
        "-e", "end run",
        MESSAGE.title, MESSAGE.body,
    )  # fmt: skip


def test_windows_asks_powershell_without_a_window_and_the_text_is_no_part_of_the_script():
    command = desktop_command("Windows", MESSAGE, only("powershell.exe"), None)
    assert command.words[1:7] == ("-NoLogo", "-NoProfile", "-NonInteractive", "-WindowStyle", "Hidden", "-Command")
    assert command.words[7:] == (desktop_command("Windows", Message("a", "b"), only("powershell.exe"), None).words[7],)
    assert '"' not in command.words[7]
    assert "\n" not in command.words[7]
    assert command.variables == {"BITTRADER_NOTE_TITLE": MESSAGE.title, "BITTRADER_NOTE_BODY": MESSAGE.body}


@pytest.mark.parametrize("system", ["macOS", "Windows"])
def test_a_system_without_its_own_program_says_so(system):
    assert isinstance(desktop_command(system, MESSAGE, only(), None), str)


def test_a_daemon_that_began_at_boot_finds_its_owners_session():
    assert session_bus({}, "/run/user/1000/bus", is_there=True) == BUS
    assert session_bus({}, "/run/user/1000/bus", is_there=False) is None
    assert session_bus({"DBUS_SESSION_BUS_ADDRESS": "unix:abstract=x"}, "y", is_there=True) == "unix:abstract=x"


@pytest.fixture
def desktop(monkeypatch):
    if not dbus_service.is_there:
        pytest.skip("there is no dbus-daemon")
    with dbus_service.desktop() as found:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.address)
        yield found


def test_the_session_of_the_tests_leaves_no_socket_behind():
    if not dbus_service.is_there:
        pytest.skip("there is no dbus-daemon")
    with dbus_service.desktop() as found:
        place = re.search(r"path=([^,]+)", found.address)
    assert place is None or not Path(place[1]).exists()


POST = Post.of(Message("Bittrader: air", "1 < 2 & so on"), desktop=True, urls=())


@pytest.mark.parametrize("program", ["notify-send", "busctl"])
def test_a_desktop_shows_what_it_is_told(desktop, tmp_path, monkeypatch, program):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}")
    (tmp_path / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert send_now(POST) == (Outcome(DESKTOP, ""),)
    assert desktop.shown == [("Bittrader", "Bittrader: air", "1 &lt; 2 &amp; so on")]


def test_a_session_that_has_gone_is_told_in_the_programs_own_words(monkeypatch):
    if not any(map(shutil.which, ("notify-send", "busctl"))):
        pytest.skip("there is no program to show anything")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    (outcome,) = send_now(POST)
    assert outcome.failure.startswith(("notify-send: ", "busctl: "))
    assert os.linesep not in outcome.failure
