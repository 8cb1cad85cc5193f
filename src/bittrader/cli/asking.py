"""What an installation asks the person in front of it, and how it speaks to them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bittrader.cli.joining import check_here
from bittrader.cluster.identity import folder_of
from bittrader.cluster.roles import has_joined
from bittrader.cluster.settings import read_settings
from bittrader.errors import ClusterError, InputError
from bittrader.host import current
from bittrader.install.facts import Facts
from bittrader.install.firewall import joined, named, opened_ports
from bittrader.install.receipt import Receipt
from bittrader.install.systemd import Scope


@dataclass(frozen=True)
class Asked:
    """What was said on the command line; None is what was not."""

    dry_run: bool
    yes: bool
    as_json: bool
    scope: Scope | None
    firewall: bool | None
    at_login: bool | None
    cores: int | None
    environment: Path | None
    join: str | None = None

    @property
    def may_ask(self) -> bool:
        """Whether there is somebody to ask, who wants to be asked."""
        return not (self.yes or self.as_json or self.dry_run) and is_terminal()


def is_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(asked: Asked, facts: Facts, receipt: Receipt) -> Asked:
    """The answers of whoever sits here, to what was not said yet."""
    who = f"{facts.owner.name}'s" if facts.is_root else "your"
    say(f"[bold]Bittrader {facts.role}[/bold]: {escape(who)} node on this computer, in {escape(facts.folder)}.")
    if facts.role == "worker" and asked.join is None and not has_joined():
        asked = replace(asked, join=_code())
    if asked.at_login is None and receipt.is_new and not (facts.system == "Linux" and facts.systemd is None):
        when = "with the computer" if facts.system == "Linux" else "when you log in"
        asked = replace(asked, at_login=confirm(f"Start it by itself {when}?", default=True))
    settings = read_settings(folder_of(facts.role))
    if asked.cores is None and receipt.is_new and settings.node.cores is None:
        has = current().total_cores()
        cores = _cores(has)
        asked = replace(asked, cores=None if cores == has else cores)
    if asked.firewall is None and receipt.is_new and facts.guard not in (None, "macOS") and facts.network is not None:
        ports = joined(opened_ports(facts.role, facts.ports), "-")
        question = f"Open TCP ports {ports} to {facts.network.words} in {named(facts.guard)}?"
        asked = replace(asked, firewall=confirm(question, default=False))
    return asked


def _cores(has: int) -> int:
    """A number of cores that this computer has, asked for until it is."""
    while True:
        said = _answer(f"How many cores may it use at most? [{has}]") or str(has)
        if said.isascii() and said.isdecimal() and 1 <= int(said) <= has:
            return int(said)
        say(f"[red]This computer has {has}: at least 1, at most {has}[/red]")


def _code() -> str:
    """A join code that its head takes, asked for until there is one."""
    while True:
        said = _answer("Join code, as `bittrader head invite` prints it:")
        try:
            check_here(said)
        except ClusterError as error:
            say(f"[red]{escape(str(error))}[/red]")
        else:
            return said


def numbered(title: str, lines: Sequence[str]) -> None:
    """Prints lines below a title, with their numbers."""
    say(title)
    for number, line in enumerate(lines, 1):
        say(f"  {number:2}. {escape(line)}")


def confirm(question: str, *, default: bool) -> bool:
    """What is answered to a question of yes or no."""
    known = {"": default, "y": True, "yes": True, "n": False, "no": False}
    while True:
        said = _answer(f"{question} [{'Y/n' if default else 'y/N'}]").lower()
        if said in known:
            return known[said]
        say("[red]Please answer y or n[/red]")


def _answer(question: str) -> str:
    """What somebody types behind a question; InputError when nobody does."""
    try:
        return _err().input(f"{escape(question)} ").strip()
    except EOFError:
        raise InputError("no answer came: say --yes, or answer the questions") from None


def _err() -> Console:
    return Console(stderr=True)


def say(words: str) -> None:
    """Prints words for a person, beside what a program may read."""
    _err().print(words, soft_wrap=True, highlight=False)
