"""What a receipt may name: what an installation of this node makes, and nothing else.

A receipt lies where any program of its owner may write, and root may follow it. So a change counts only if its place is
one that we know, if nobody but the owner is run by it, and if no word of it could be taken for an option or a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from bittrader.cluster.identity import other_role
from bittrader.errors import InstallError
from bittrader.install import launchd, systemd, task
from bittrader.install.changes import Block, Link, WriteFile, pure
from bittrader.install.firewall import FirewalldRules, NftRule, UfwRule, WindowsRule
from bittrader.install.launchd import Agent
from bittrader.install.receipt import Unknown
from bittrader.install.systemd import Linger, Running, Service, UnitFile
from bittrader.install.task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bittrader.cluster.identity import Role
    from bittrader.install.changes import Change
    from bittrader.install.machine import Owner
    from bittrader.install.receipt import Receipt

_SCOPES: tuple[systemd.Scope, ...] = ("system", "user")
_NFTABLES = "/etc/nftables.conf"
_NFT_LINE = re.compile(r"(insert|add) rule [^;\\\x00-\x1f\x7f]*\n")
_WORD = {
    "source": re.compile(r"[\d./]+", re.ASCII),
    "address": re.compile(r"[\d.]+", re.ASCII),
    "interface": re.compile(r"[^-\s\";{}$\\\x00-\x1f\x7f][^\";{}$\\\x00-\x1f\x7f]*"),
}
_ZONE_FILE = re.compile(r"/etc/firewalld/zones/\w[\w-]*\.xml(\.old)?", re.ASCII)
_NAME = re.compile(r"([\w.][\w.-]*)?", re.ASCII)
_SECTION = r"((?:[A-Za-z]+=.*\n)*)"
_UNIT = re.compile(rf"\[Unit\]\n{_SECTION}\n\[Service\]\n{_SECTION}\n\[Install\]\n{_SECTION}")
_LINES = frozenset(
    systemd.unit(Service("head", "system", ("/python",), "/", "user", "/", version=10_000)).split("\n"),
)
_KEYS = frozenset(line.partition("=")[0] for line in _LINES if "=" in line)
"""What stands in our unit files. Besides `_GIVING`, none of it gives a service more than its user has."""
_GIVING = ("Wants=", "WantedBy=", "Nice=", "IOSchedulingClass=", "LimitNOFILE=")
"""What does, if it says anything else than ours: `Wants=debug-shell.service` is a shell of root's at a keyboard."""


@dataclass(frozen=True)
class Bounds:
    """Whose node it is, and where: what its receipt may name follows from that."""

    role: Role
    owner: Owner
    home: str
    folders: tuple[str, ...]
    """That of the node, by each of its names."""

    @property
    def files(self) -> frozenset[str]:
        """Every file of ours that is its owner's."""
        inside = ("/bin/bittrader", "\\bin\\bittrader.cmd", "\\task.xml")
        return frozenset({*(f"{folder}{end}" for folder in self.folders for end in inside), *self.agents})

    @property
    def agents(self) -> frozenset[str]:
        """Where the property list of macOS may be."""
        return frozenset(
            launchd.agent_path(self.role, self.home, folder, at_login=at_login)
            for folder in self.folders
            for at_login in (True, False)
        )

    def is_link(self, link: Link) -> bool:
        """Whether a link is one that we make."""
        called = {f"{folder}/bin/bittrader" for folder in self.folders}
        if link.path == f"{self.home}/.local/bin/bittrader":
            return link.to in called and not link.root
        scopes = [one for one in _SCOPES if link.path == systemd.wanted_path(self.role, one, self.home)]
        return any(
            link.to == systemd.unit_path(self.role, one, self.home) and link.root == (one == "system") for one in scopes
        )


def require_known(receipt: Receipt, bounds: Bounds) -> Receipt:
    """The receipt, if it names only what an installation here makes; else InstallError, with what it names."""
    for entry in receipt.entries:
        for stray in strays(entry.change, bounds):
            raise InstallError(
                f"{receipt.path} names {stray!r}, which no installation of this {bounds.role} makes: nothing of it is "
                "followed. Move it away, and install again: what was made is taken over"
            )
    return receipt


def strays(change: Change, bounds: Bounds) -> Iterator[str]:
    """What a change names that is none of ours."""
    above = set(map(str, pure(change.path).parents)) if isinstance(change, WriteFile | Link) else set()
    is_zone = _ZONE_FILE.fullmatch if isinstance(change, FirewalldRules) else above.__contains__
    yield from (one for one in getattr(change, "made", ()) if not is_zone(one))
    if not _is_ours(change, bounds):
        yield getattr(change, "path", change.target)


def _is_ours(change: Change, bounds: Bounds) -> bool:
    check = _OURS.get(type(change))
    return check is not None and check(change, bounds)


def _is_file(file: WriteFile, bounds: Bounds) -> bool:
    return file.path in bounds.files and file.mode in (0o644, 0o755) and not file.root


def _is_unit(unit: UnitFile, bounds: Bounds) -> bool:
    at_home = unit.path == systemd.unit_path(bounds.role, unit.scope, bounds.home)
    return at_home and unit.mode == 0o644 and _is_harmless(unit, bounds.owner)


def _is_block(block: Block, bounds: Bounds) -> bool:
    is_line = _NFT_LINE.fullmatch(block.text) is not None
    return (block.path, block.name, is_line) == (_NFTABLES, f"bittrader {bounds.role}", True)


def _is_linger(linger: Linger, bounds: Bounds) -> bool:
    return (linger.user, linger.other) == (
        bounds.owner.name,
        systemd.unit_path(other_role(bounds.role), "user", bounds.home),
    )


def _is_agent(agent: Agent, bounds: Bounds) -> bool:
    named = (agent.label, agent.uid) == (launchd.label(bounds.role), bounds.owner.uid)
    return named and agent.path in bounds.agents


def _is_task(known: ScheduledTask, bounds: Bounds) -> bool:
    return known.name == task.task_name(bounds.role) and known.path in bounds.files


def _is_rule(rule: UfwRule | FirewalldRules | NftRule | WindowsRule, bounds: Bounds) -> bool:
    return rule.name == f"bittrader {bounds.role}" and _are_words(rule)


_OURS: Mapping[type[Change], Callable[[Any, Bounds], bool]] = {
    WriteFile: _is_file,
    UnitFile: _is_unit,
    Link: lambda link, bounds: bounds.is_link(link),
    Block: _is_block,
    Running: lambda running, bounds: running.unit == systemd.unit_name(bounds.role),
    Linger: _is_linger,
    Agent: _is_agent,
    ScheduledTask: _is_task,
    **dict.fromkeys((UfwRule, FirewalldRules, NftRule, WindowsRule), _is_rule),
    Unknown: lambda *_: True,  # it is shown, and never followed
}


def _are_words(rule: Change) -> bool:
    """Whether no field of a rule is more than a word to the programs that get it."""
    named = {field.name: getattr(rule, field.name) for field in fields(rule) if field.name != "name"}
    texts = {name: value for name, value in named.items() if isinstance(value, str)}
    return all(_WORD.get(name, _NAME).fullmatch(value) for name, value in texts.items())


def _is_harmless(unit: UnitFile, owner: Owner) -> bool:
    """Whether a unit file runs nothing but as its owner, with rights like those that we give."""
    if unit.scope == "user":
        return not unit.root
    found = _UNIT.fullmatch(unit.text)
    if found is None or not unit.root or unit.before is not None or _has_odd_lines(unit.text):
        return False
    lines = [line for section in found.groups() for line in section.split("\n") if line]
    runs = [line for line in lines if line.startswith("Exec")]
    users = [line for line in found[2].split("\n") if line.startswith("User=")]
    is_plain = len(runs) == 1 and re.match(r'ExecStart="?/', runs[0]) is not None
    is_known = {line.partition("=")[0] for line in lines} <= _KEYS and not _too_much(lines)
    return is_known and users == [f"User={owner.name}"] and is_plain


def _too_much(lines: list[str]) -> set[str]:
    """The lines that start other services, or give more of the computer than a user may take."""
    return {line for line in lines if line.startswith(_GIVING)} - _LINES


def _has_odd_lines(text: str) -> bool:
    """Whether systemd would see other lines than we do."""
    return "\\\n" in text or any(ord(letter) < 32 and letter != "\n" for letter in text)
