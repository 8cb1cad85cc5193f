"""The owner told on purpose: a test of the ways, and the end of a search."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from bittrader import paths
from bittrader.cluster.identity import Role, folder_of
from bittrader.cluster.settings import Notify, read_settings
from bittrader.errors import BittraderError, InputError
from bittrader.notify.message import Message
from bittrader.notify.posting import Outcome, Post
from bittrader.notify.results import result_words
from bittrader.notify.sender import send_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_ROLES: tuple[Role, ...] = ("head", "worker")


def try_ways(role: Role, name: str, *, as_json: bool) -> int:
    """Sends a test message by every way, and says what came of it; 0 when all took it, else 1."""
    wanted = read_settings(folder_of(role)).notify
    if not wanted.wanted.has_a_way:
        raise InputError(f"there is no way to tell you: bittrader {role} config set notify.desktop true")
    said = "A test: this is how you hear of your node."
    outcomes = _sent(wanted, Message(f"Bittrader: {name}", said))
    if as_json:
        facts = [{"way": one.way, "sent": not one.failure, "failure": one.failure or None} for one in outcomes]
        typer.echo(json.dumps({"on": wanted.on, "events": list(wanted.events), "ways": facts}))
    else:
        for one in outcomes:
            typer.echo(_in_words(one))
        if not wanted.on:
            _say(f"Nothing is told by itself yet: bittrader {role} config set notify.on true")
    return 1 if any(one.failure for one in outcomes) else 0


def tell_of(facts: Mapping[str, Any]) -> None:
    """Tells of the end of a search, whose facts `--json` prints; what fails is said, and changes nothing."""
    try:
        wanted = _here()
        if not wanted.wanted.has_a_way:
            raise InputError("this computer's node has notify.desktop false, and no notify.urls")
        outcomes = _sent(wanted, Message("Bittrader", result_words(facts)))
    except (BittraderError, OSError) as error:
        _say(f"You could not be told: {error}")
        return
    for one in outcomes:
        if one.failure:
            _say(_in_words(one))


def _here() -> Notify:
    """The ways of this computer's node; those of one that has none are the desktop."""
    folders = [folder_of(role) for role in _ROLES if (folder_of(role) / paths.SETTINGS).exists()]
    set_here = [read_settings(folder).notify for folder in folders]
    return next((one for one in set_here if one.urls), set_here[0] if set_here else Notify())


def _sent(wanted: Notify, message: Message) -> tuple[Outcome, ...]:
    return send_now(Post.of(message, desktop=wanted.desktop, urls=wanted.urls))


def _in_words(one: Outcome) -> str:
    return f"{one.way}: not sent: {one.failure}" if one.failure else f"{one.way}: sent"


def _say(words: str) -> None:
    Console(stderr=True).print(words, soft_wrap=True, highlight=False, markup=False)
