"""A computer in memory: its files, and the service managers and firewalls that installations talk to."""

from __future__ import annotations

import json
import plistlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from bittrader.errors import InstallError
from bittrader.install.facts import Facts
from bittrader.install.firewall import From
from bittrader.install.machine import Owner, Said

if TYPE_CHECKING:
    from collections.abc import Sequence


_BROKEN = "-broken"
"""How the name ends of an environment that nothing can run from."""


class CutError(BaseException):
    """The power is gone: nothing after this happens."""


@dataclass
class FakeMachine:
    """Records every command, and behaves as the programs do that these commands are for."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    modes: dict[str, int] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    as_root: list[tuple[str, ...]] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    """What systemd knows: the units whose files it has read."""
    agents: set[str] = field(default_factory=set)
    tasks: dict[str, bool] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    firewalld_stopped: bool = False
    nft: dict[int, str] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    """Words of commands that fail."""
    cut_after: int | None = None
    """How many deeds are left before the power goes."""
    deeds: int = 0

    def __post_init__(self) -> None:
        self.folders |= {
            "/",
            "/etc",
            "/etc/systemd",
            "/etc/systemd/system",
            "/home",
            "/home/ana",
            "/Users",
            "/Users/ana",
        }
        self.folders |= {
            "/var",
            "/var/lib",
            "/var/lib/systemd",
            "/var/lib/systemd/linger",
            "C:\\",
            "C:\\Users",
            "C:\\Users\\ana",
        }

    def picture(self) -> object:
        """All that there is, to be compared."""
        services = (sorted(self.active), sorted(self.loaded), sorted(self.agents), sorted(self.tasks))
        return (
            dict(self.files),
            dict(self.links),
            sorted(self.folders),
            *services,
            list(self.rules),
            sorted(self.nft.values()),
        )

    def deed(self) -> None:
        self.deeds += 1
        if self.cut_after is not None:
            if self.cut_after == 0:
                raise CutError
            self.cut_after -= 1

    # the files

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def mode(self, path: str) -> int:
        return self.modes[path]

    def write(self, path: str, text: str, *, mode: int, root: bool = False, utf16: bool = False) -> None:
        self.deed()
        self._make_folders(path)
        self.files[path] = text.encode("utf-16").decode("utf-8", "surrogateescape") if utf16 else text
        self.modes[path] = mode

    def link(self, path: str, target: str, *, root: bool = False) -> None:
        self.deed()
        self._make_folders(path)
        self.links[path] = target

    def target(self, path: str) -> str | None:
        return self.links.get(path)

    def exists(self, path: str) -> bool:
        return path in self.files or path in self.links or path in self.folders

    def remove(self, path: str, *, root: bool = False) -> None:
        self.deed()
        self.files.pop(path, None)
        self.links.pop(path, None)

    def remove_folder(self, path: str, *, root: bool = False) -> None:
        self.deed()
        below = [
            one for one in (*self.files, *self.links, *self.folders) if str(_pure(one).parent) == path and one != path
        ]
        if not below:
            self.folders.discard(path)

    def pause(self, seconds: float) -> None:
        pass

    def _make_folders(self, path: str) -> None:
        self.folders |= {str(one) for one in _pure(path).parents}

    # the programs

    def run(self, words: Sequence[str], *, root: bool = False) -> Said:
        words = tuple(words)
        self.ran.append(words)
        if root:
            self.as_root.append(words)
        if self.sick & set(words):
            return Said(1, err="it is sick")
        program = getattr(self, "_" + PurePosixPath(words[0]).name.replace("-", "_"), None)
        return Said(127, err=f"no {words[0]}") if program is None else program(*words[1:])

    def _systemctl(self, *words: str) -> Said:
        scope = "user" if words[0] == "--user" else "system"
        word, *rest = words[1:] if scope == "user" else words
        if scope == "user" and "/var/lib/systemd/linger/ana" not in self.files and word != "is-active":
            return Said(1, err="Failed to connect to bus: No medium found")
        unit = f"{scope} {rest[-1]}" if rest else ""
        if word == "is-active":
            return Said(0 if unit in self.active else 3)
        self.deed()
        if word == "daemon-reload":
            units = [(one, one.startswith("/etc")) for one in self.files if one.endswith(".service")]
            self.loaded = {f"{'system' if etc else 'user'} {PurePosixPath(one).name}" for one, etc in units}
        elif word == "restart":
            if unit not in self.loaded:
                return Said(5, err=f"Unit {rest[-1]} not found.")
            self.active.discard(unit)
            if any(_BROKEN in text for path, text in self.files.items() if path.endswith(".service")):
                return Said(1, err="Job failed.")
            self.active.add(unit)
        elif word == "stop":
            if unit not in self.loaded:
                return Said(5, err=f"Unit {rest[-1]} not loaded.")
            self.active.discard(unit)
        return Said(0)

    def _journalctl(self, *_words: str) -> Said:
        return Said(0, "bittrader: port 6379 is taken\nended with result exit-code\n")

    def _loginctl(self, *words: str) -> Said:
        self.deed()
        path = f"/var/lib/systemd/linger/{words[-1]}"
        if "enable-linger" in words:
            self.files[path] = ""
        else:
            self.files.pop(path, None)
        return Said(0)

    def _launchctl(self, word: str, *rest: str) -> Said:
        if word == "print":
            return Said(0 if rest[0] in self.agents or rest[0] == "gui/501" else 113)
        self.deed()
        if word == "bootstrap":
            if _BROKEN in self.files[rest[1]]:
                return Said(5, err="Bootstrap failed: 5: Input/output error")
            label = plistlib.loads(self.files[rest[1]].encode())["Label"]
            name = f"{rest[0]}/{label}"
            if name in self.agents:
                return Said(5, err="Bootstrap failed: 5: Input/output error")
            self.agents.add(name)
        elif word == "bootout":
            self.agents.discard(rest[0])
        return Said(0)

    def _schtasks(self, *words: str) -> Said:
        name = words[words.index("/tn") + 1]
        if words[0] == "/query":
            return Said(0 if name in self.tasks else 1)
        self.deed()
        if words[0] == "/create" and _BROKEN in self._as_utf16(words[4]):
            return Said(1, err="ERROR: The task XML is malformed.")
        if words[0] == "/create":
            self.tasks[name] = False
        elif name not in self.tasks:
            return Said(1, err="ERROR: The system cannot find the file specified.")
        elif words[0] == "/delete":
            del self.tasks[name]
        else:
            self.tasks[name] = words[0] == "/run"
        return Said(0)

    def _as_utf16(self, path: str) -> str:
        return self.files.get(path, "").encode("utf-8", "surrogateescape").decode("utf-16")

    def _ufw(self, *words: str) -> Said:
        if words == ("show", "added"):
            return Said(0, "".join(f"ufw {one}\n" for one in self.rules))
        self.deed()
        if words[:2] == ("--force", "delete"):
            rule = " ".join(words[2:])
            found = [one for one in self.rules if one.startswith(rule)]
            self.rules = [one for one in self.rules if one not in found]
            return Said(0, "Could not delete non-existent rule" if not found else "Rule deleted")
        rule = " ".join(words[: words.index("comment")]) + f" comment '{words[-1]}'"
        self.rules += [] if rule in self.rules else [rule]
        return Said(0)

    def _firewall_cmd(self, *words: str) -> Said:
        """Rules for now are in `rules`, those that are kept in the file of their zone."""
        if self.firewalld_stopped:
            return Said(252, err="FirewallD is not running")
        if words == ("--state",):
            return Said(0, "running")
        if words == ("--get-default-zone",):
            return Said(0, "public\n")
        if words[0] == "--permanent":
            return self._firewall_offline_cmd(*words[1:])
        what, _, rule = words[-1].partition("=")
        return self._zone_changed(what, " ".join((*words[:-1], rule)), self.rules)

    def _firewall_offline_cmd(self, *words: str) -> Said:
        what, _, rule = words[-1].partition("=")
        given = [one.removeprefix("--zone=") for one in words if one.startswith("--zone=")]
        zone = next(iter(given), "public")
        came, kept = f"/usr/lib/firewalld/zones/{zone}.xml", f"/etc/firewalld/zones/{zone}.xml"
        head, *rules = self.files.get(kept, self.files.get(came, "<zone>")).split("\n")
        before = list(rules)
        said = self._zone_changed(what, f"<rule {rule}/>", rules)
        if rules != before:
            if kept in self.files:
                self.files[f"{kept}.old"] = self.files[kept]
            self.files[kept] = "\n".join((head, *rules))
        return said

    def _zone_changed(self, what: str, rule: str, rules: list[str]) -> Said:
        if what == "--query-rich-rule":
            return Said(0 if rule in rules else 1)
        self.deed()
        if what == "--add-rich-rule":
            rules += [] if rule in rules else [rule]
        elif rule in rules:
            rules.remove(rule)
        else:
            return Said(34, err="NOT_ENABLED")
        return Said(0)

    def _test(self, _what: str, path: str) -> Said:
        return Said(0 if self.exists(path) else 1)

    def _cat(self, path: str) -> Said:
        return Said(0, self.files[path]) if path in self.files else Said(1, err=f"no {path}")

    def _nft(self, *words: str) -> Said:
        if "list" in words:
            rules = [{"rule": {"handle": number, "comment": name}} for number, name in self.nft.items()]
            return Said(0, json.dumps({"nftables": [{"metainfo": {}}, *rules]}))
        self.deed()
        if words[0] == "insert":
            self.nft[max(self.nft, default=3) + 1] = words[-1].strip('"')
        else:
            del self.nft[int(words[-1])]
        return Said(0)

    def _netsh(self, *words: str) -> Said:
        name = next(one for one in words if one.startswith("name="))
        if "show" in words:
            return Said(0 if name in self.rules else 1)
        self.deed()
        if "add" in words:
            self.rules.append(name)
        elif name in self.rules:
            self.rules = [one for one in self.rules if one != name]
        else:
            return Said(1, "No rules match the specified criteria.")
        return Said(0)


def _pure(path: str) -> PurePosixPath | PureWindowsPath:
    return PureWindowsPath(path) if "\\" in path else PurePosixPath(path)


VPN = From("100.64.0.0/10", "tailscale0", "100.101.102.103", is_vpn=True)
LAN = From("192.168.1.0/24", "enp3s0", "192.168.1.20", is_vpn=False)


def linux(role: str = "head", **more: object) -> Facts:
    """A Linux computer."""
    given = {"systemd": 252, "link_is_free": True, "may_be_root": True, "network": VPN, **more}
    return Facts("Linux", role, Owner("ana", 1000, 1000), "/home/ana", f"/home/ana/.bittrader_{role}", **given)


def macos(role: str = "worker", **more: object) -> Facts:
    """A Mac."""
    given = {"link_is_free": True, "may_be_root": True, "network": LAN, **more}
    return Facts("macOS", role, Owner("ana", 501, 20), "/Users/ana", f"/Users/ana/.bittrader_{role}", **given)


def windows(role: str = "worker", **more: object) -> Facts:
    """A computer with Windows."""
    folder = f"C:\\Users\\ana\\.bittrader_{role}"
    given = {"guard": "Windows", "network": LAN, **more}
    return Facts("Windows", role, Owner("DESK\\ana"), "C:\\Users\\ana", folder, **given)


def environment(facts: Facts, version: str = "0.1.0-0badcafe") -> str:
    """Where an installation of that version runs from."""
    return ("\\" if facts.system == "Windows" else "/").join((facts.folder, "envs", version))


__all__ = ["LAN", "VPN", "CutError", "FakeMachine", "InstallError", "environment", "linux", "macos", "windows"]
