"""What an installation does to a computer: a pure function of what is known of it and what its owner wants."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.cluster.identity import other_role
from bittrader.cluster.roles import second_role
from bittrader.errors import InstallError
from bittrader.install import launchd, systemd, task
from bittrader.install.changes import Block, Change, Link, WriteFile, digest
from bittrader.install.firewall import FirewalldRules, NftRule, UfwRule, WindowsRule, joined, named, opened_ports
from bittrader.install.systemd import Linger, Running, Service, UnitFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bittrader.install.facts import Facts, System
    from bittrader.install.firewall import Guard
    from bittrader.install.receipt import Choices

_INSTALL = {
    "apt-get": "apt-get install", "dnf": "dnf install", "yum": "yum install", "pacman": "pacman -S",
    "zypper": "zypper install",
}  # fmt: skip
_DBUS = {"pacman": "dbus", "zypper": "dbus-1", "yum": "dbus", "dnf": "dbus-daemon"}
_LEAST_SYSTEMD = 239
"""That of the oldest system on which Ray's wheels run."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, in order, and what its owner should know of it."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def plan(facts: Facts, choices: Choices, environment: str) -> Plan:
    """The plan for a computer; InstallError, with what to do, where none can be made."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in facts.home + facts.folder + environment):
        raise InstallError("a path with a line break or another control character in it can be no service's home")
    changes: list[Change] = [_launcher(facts, environment)]
    if facts.system != "Windows" and facts.link_is_free:
        to, what = _path(facts, "bin", "bittrader"), "so that you can call it"
        changes.append(Link(f"{facts.home}/.local/bin/bittrader", to, what))
    rules, notes = _firewall(facts, wanted=choices.firewall)
    changes += rules
    if facts.system == "Linux" and facts.systemd is None:
        return Plan(tuple(changes), (*notes, _foreground(facts)))
    changes += _SERVICES[facts.system](facts, choices, environment)
    return Plan(tuple(changes), (*notes, *_words_of_system(facts, choices)))


def daemon_command(facts: Facts, environment: str) -> tuple[str, ...]:
    """The words that run the daemon of this node; on Windows without a window."""
    windows = facts.system == "Windows"
    python = f"{environment}\\Scripts\\pythonw.exe" if windows else f"{environment}/bin/python"
    return (python, "-m", "bittrader.cluster.daemon", facts.role, *([facts.moved] if facts.moved else []))


def _path(facts: Facts, *parts: str) -> str:
    return ("\\" if facts.system == "Windows" else "/").join((facts.folder, *parts))


def _launcher(facts: Facts, environment: str) -> Change:
    what = "runs the program of the environment in use"
    if facts.system == "Windows":
        moved = f'if not defined BITTRADER_HOME set "BITTRADER_HOME={facts.moved}"\r\n' if facts.moved else ""
        # From where the file is: a console may not know the letters of a name in the whole path.
        inside = environment.removeprefix(facts.folder)
        there = f"%~dp0..{inside}" if inside != environment else environment
        text = f'@echo off\r\nsetlocal\r\n{moved}"{there}\\Scripts\\python.exe" -m bittrader %*\r\n'
        return WriteFile(_path(facts, "bin", "bittrader.cmd"), text, what)
    moved = f": ${{BITTRADER_HOME:={shlex.quote(facts.moved)}}}\nexport BITTRADER_HOME\n" if facts.moved else ""
    text = f'#!/bin/sh\n{moved}exec {shlex.quote(f"{environment}/bin/python")} -m bittrader "$@"\n'
    return WriteFile(_path(facts, "bin", "bittrader"), text, what, mode=0o755)


def _on_linux(facts: Facts, choices: Choices, environment: str) -> Iterator[Change]:
    assert facts.systemd is not None
    scope = choices.scope
    if facts.systemd < _LEAST_SYSTEMD:
        raise InstallError(f"systemd {facts.systemd} is too old, {_LEAST_SYSTEMD} or newer is needed")
    if scope == "system" and not facts.may_be_root:
        raise InstallError("a service of the computer needs an administrator: run it with sudo, or take --scope user")
    if scope == "user" and not facts.has_logind:
        raise InstallError(f"systemd's logind does not answer here: {_command(facts.manager, _DBUS, 'dbus')}")
    service = Service(
        facts.role, scope, daemon_command(facts, environment), facts.folder, facts.owner.name, facts.home, facts.systemd
    )
    text, root = systemd.unit(service), scope == "system"
    path = systemd.unit_path(facts.role, scope, facts.home)
    if scope == "user":  # before anything is said to the user's own systemd, which may not be there without it
        yield Linger(
            facts.owner.name, systemd.unit_path(other_role(facts.role), scope, facts.home), before=facts.lingered
        )
    yield UnitFile(path, text, f"the service of your {facts.role}", root=root, scope=scope)
    if choices.start_at_login:
        yield Link(systemd.wanted_path(facts.role, scope, facts.home), path, "starts it with the computer", root=root)
    yield Running(systemd.unit_name(facts.role), scope, digest(text))


def _on_macos(facts: Facts, choices: Choices, environment: str) -> Iterator[Change]:
    text = launchd.agent(facts.role, daemon_command(facts, environment), facts.folder, facts.home)
    path = launchd.agent_path(facts.role, facts.home, facts.folder, at_login=choices.start_at_login)
    yield WriteFile(path, text, f"the LaunchAgent of your {facts.role}")
    assert facts.owner.uid is not None
    yield launchd.Agent(launchd.label(facts.role), path, facts.owner.uid, digest(text))


def _on_windows(facts: Facts, choices: Choices, environment: str) -> Iterator[Change]:
    program, owner = daemon_command(facts, environment), facts.owner.name
    text = task.task(facts.role, program, owner, facts.home, at_login=choices.start_at_login)
    path = _path(facts, "task.xml")
    yield WriteFile(path, text, f"the scheduled task of your {facts.role}", utf16=True)
    yield task.ScheduledTask(task.task_name(facts.role), path, digest(text))


_SERVICES: Mapping[System, Callable[[Facts, Choices, str], Iterator[Change]]] = {
    "Linux": _on_linux,
    "macOS": _on_macos,
    "Windows": _on_windows,
}


def _firewall(facts: Facts, *, wanted: bool) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The rules, and what there is to say of them."""
    ports = joined(opened_ports(facts.role, facts.ports), "-")
    if facts.guard is None:
        return (), ()
    if facts.guard == "macOS":
        return (), (_of_macos(ports),)
    if facts.network is None:
        return (), (f"{facts.guard} opens nothing yet: this computer is in no network. Run this again when it is",)
    where = facts.network.words
    if not wanted:
        blocks = f"{named(facts.guard)} may keep the others out"
        return (), (f"{blocks}: TCP ports {ports} must be open to {where} (--firewall does it)",)
    if not (facts.is_root or (facts.system != "Windows" and facts.may_be_root)):
        who = "in a window that was opened as administrator" if facts.system == "Windows" else "with sudo"
        raise InstallError(f"the rules of {facts.guard} need an administrator: run it {who}, or with --no-firewall")
    return tuple(_rules(facts, facts.guard)), ()


def _rules(facts: Facts, guard: Guard) -> Iterator[Change]:
    assert facts.network is not None
    there = facts.network
    name, ports = f"bittrader {facts.role}", opened_ports(facts.role, facts.ports)
    given = (name, ports, there.range, there.interface, there.address, there.is_vpn)
    if guard == "ufw":
        yield UfwRule(*given)
    elif guard == "firewalld":
        yield FirewalldRules(*given, zone=facts.zone)
    elif guard == "nftables":
        if facts.chain is None:
            raise InstallError("only an administrator may know what nftables drops: run it with sudo")
        rule = NftRule(*given, *facts.chain)
        yield rule
        if facts.is_loaded_at_boot:
            what = "the same rule, after the next start of the computer"
            yield Block("/etc/nftables.conf", name, " ".join(rule.words_of_nft) + "\n", what, root=True)
    elif guard == "Windows":
        yield WindowsRule(*given)


def require_no_rival(facts: Facts) -> None:
    """InputError where this computer is of the other role already, and both would want the same ports."""
    if facts.has_rival:
        raise second_role(facts.role)


def _of_macos(ports: str) -> str:
    return (
        f"the firewall of macOS asks whether Python and Ray may be met: allow it. It knows programs, not networks; who "
        f"gets to TCP ports {ports} is up to Tailscale or your router"
    )


def _foreground(facts: Facts) -> str:
    role = facts.role
    return (
        f"systemd does not run this computer, so nothing starts the {role} by itself. Start it in a terminal with "
        f"`bittrader {role} start`, with --background to go on after the terminal has closed; an init of yours can run "
        f"`{_path(facts, 'bin', 'bittrader')} {role} start`"
    )


def _words_of_system(facts: Facts, choices: Choices) -> Iterator[str]:
    if facts.system == "Linux" and choices.scope == "system" and facts.owner.uid == 0:
        yield f"the {facts.role} runs as root, because there is no other user: better run this with sudo as yourself"
    if facts.system == "Linux" and facts.guard == "nftables" and choices.firewall and not facts.is_loaded_at_boot:
        yield "the rule of nftables lasts until the computer starts anew: nothing here loads /etc/nftables.conf then"
    if facts.system == "macOS" and not (facts.network and facts.network.is_vpn):
        yield (
            "macOS asks whether Python may find devices in the local network: allow it, else the others cannot be met "
            "(System Settings, Privacy & Security, Local Network)"
        )


def _command(manager: str, names: Mapping[str, str], otherwise: str) -> str:
    package = names.get(manager, otherwise)
    return f"sudo {_INSTALL[manager]} {package}" if manager else f"install {package} with your package manager"
