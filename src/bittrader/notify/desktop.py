"""A note on the desktop by the system's own program: which one, with which words. Pure, and the same on all systems."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bittrader.notify.message import Message

_TITLE, _BODY = "BITTRADER_NOTE_TITLE", "BITTRADER_NOTE_BODY"
# Windows PowerShell's own entry among the programs that may show notes: one of ours would need an installer.
_APP = r"{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe"
_NOTES = "Windows.UI.Notifications"
_TOAST = "; ".join((
    "$ErrorActionPreference = 'Stop'",
    f"$null = [{_NOTES}.ToastNotificationManager, {_NOTES}, ContentType = WindowsRuntime]",
    "$null = [Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom, ContentType = WindowsRuntime]",
    f"$note = [{_NOTES}.ToastNotificationManager]::GetTemplateContent([{_NOTES}.ToastTemplateType]::ToastText02)",
    "$texts = $note.GetElementsByTagName('text')",
    f"$null = $texts.Item(0).AppendChild($note.CreateTextNode($env:{_TITLE}))",
    f"$null = $texts.Item(1).AppendChild($note.CreateTextNode($env:{_BODY}))",
    f"$toast = [{_NOTES}.ToastNotification]::new($note)",
    f"[{_NOTES}.ToastNotificationManager]::CreateToastNotifier('{_APP}').Show($toast)",
))  # fmt: skip
_OSASCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
_BUS = "DBUS_SESSION_BUS_ADDRESS"
_SERVICE, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


@dataclass(frozen=True)
class Command:
    """A program to run, without a shell and without a window."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    """What it gets beside the environment."""


def desktop_command(
    system: str, message: Message, which: Callable[[str], str | None], bus: str | None
) -> Command | str:
    """How to show a message on a system's desktop, or why that cannot be.

    `system` as `Host.name` says it; `which` finds programs; `bus` is where the owner's D-Bus session is, on Linux.
    No text ever becomes part of a script: it is an argument of its own, or a variable.
    """
    if system == "macOS":
        return _macos(message, which)
    return _windows(message, which) if system == "Windows" else _linux(message, which, bus)


def session_bus(environment: Mapping[str, str], runtime_bus: str, *, is_there: bool) -> str | None:
    """Where the owner's D-Bus session is: as the environment says, else where systemd puts it, for a daemon at boot."""
    if said := environment.get(_BUS):
        return said
    return f"unix:path={runtime_bus}" if is_there else None


def _linux(message: Message, which: Callable[[str], str | None], bus: str | None) -> Command | str:
    if bus is None:
        return "nobody has a desktop session here (no D-Bus of this user)"
    body = escape(message.body, quote=False)  # the desktop reads it as markup
    if program := which("notify-send"):
        return Command((program, "--app-name=Bittrader", "--", message.title, body), {_BUS: bus})
    if program := which("busctl"):
        call = (program, "--user", "--", "call", _SERVICE, _PATH, _SERVICE, "Notify", "susssasa{sv}i")
        return Command((*call, "Bittrader", "0", "", message.title, body, "0", "0", "-1"), {_BUS: bus})
    return "there is neither notify-send nor busctl: install libnotify's tools (libnotify-bin on Debian and Ubuntu)"


def _macos(message: Message, which: Callable[[str], str | None]) -> Command | str:
    program = which("osascript")
    if program is None:
        return "there is no osascript, which every macOS has"
    script = [word for line in _OSASCRIPT for word in ("-e", line)]
    return Command((program, *script, message.title, message.body))


def _windows(message: Message, which: Callable[[str], str | None]) -> Command | str:
    program = which("powershell.exe")
    if program is None:
        return "there is no Windows PowerShell, which every Windows 10 and 11 has"
    words = (program, "-NoLogo", "-NoProfile", "-NonInteractive", "-WindowStyle", "Hidden", "-Command", _TOAST)
    return Command(words, {_TITLE: message.title, _BODY: message.body})
