"""What a worker finds of its head and a head of its nodes, as findings: the way there and back, clocks, silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bittrader.cluster.network import as_ranges, blocked_in_words
from bittrader.cluster.status_words import ago

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from bittrader.cluster.facts import Facts
    from bittrader.cluster.health import Said, State
    from bittrader.cluster.network import Outcome
    from bittrader.cluster.node_state import NodeState

_SILENT_SECONDS = 10.0
"""A node reports every second."""
_LOST_SECONDS = 60.0
# What people do not notice, and what no clock that the network sets is ever off by.
_SKEW_SECONDS, _WRONG_SECONDS = 5.0, 300.0


@dataclass(frozen=True)
class HeadSeen:
    """What a worker found when it visited its head."""

    trouble: str = ""
    """Why it could not be visited, with what to look at; empty when it could."""
    facts: Facts | None = None
    ahead_seconds: float = 0.0
    """How far this computer's clock is ahead of the head's."""
    same_token: bool | None = None
    """Whether Ray's token here is the head's; None when it could not be asked."""
    heard_seconds: float | None = None
    """How long ago the head heard of this node; None if it has not since it began."""
    there: str = ""
    """Where the head is."""
    ports: Mapping[int, Outcome] = field(default_factory=dict)
    """What became of connections from here to the head's ports."""
    seen_at: str | None = None
    """Where the head sees this computer; None when it could not be asked to try the way back."""
    known_at: tuple[str, ...] = ()
    """This computer's addresses, as it knows them."""
    back: Mapping[int, Outcome] = field(default_factory=dict)
    """What became of the head's connections to the ports of this node."""
    back_trouble: str = ""
    """Why the head could not be asked to try them."""


@dataclass(frozen=True)
class NodeSeen:
    """What a head knows of one of its nodes."""

    name: str
    heard_seconds: float | None
    """How long ago it was heard; None if not since the head began."""
    alive: bool = False
    """Whether Ray counts it."""
    refused: str | None = None
    phase: str = ""
    waiting: str = ""
    stopped: bool = False
    """Whether its owner stopped it, which was the last that was heard."""
    ahead_seconds: float = 0.0
    ports: Mapping[int, Outcome] = field(default_factory=dict)
    """What became of connections from here to its ports."""


def of_head(head: HeadSeen, state: NodeState | None, now: float, required: Collection[int]) -> Iterator[Said]:
    """Findings of a worker about its head; at the `required` ports of this node somebody must listen."""
    if head.trouble:
        yield "Head", "wrong", *((head.trouble, "") if "; " in head.trouble else _cut(head.trouble))
        return
    heard = "it has not heard of this node yet" if head.heard_seconds is None else _heard(head.heard_seconds)
    late = head.heard_seconds is None or head.heard_seconds > _SILENT_SECONDS
    advice = "see why: bittrader worker logs" if late and state is not None else ""
    yield "Head", "warning" if late and state is not None else "ok", f"it answers at {head.there}; {heard}", advice
    if state is not None and state.head_trouble:
        yield "Heartbeat", "wrong", state.head_trouble, "see since when: bittrader worker logs"
    elif state is not None and state.head_seen is not None:
        age = now - state.head_seen
        level: State = "ok" if age <= _SILENT_SECONDS else "warning" if age <= _LOST_SECONDS else "wrong"
        yield "Heartbeat", level, f"the daemon last heard of its head {ago(age)} ago", ""
    if head.same_token is False:
        advice = "bittrader worker restart fetches it; if that does not help, join again"
        yield "Token", "wrong", "Ray's token here is not the head's", advice
    elif head.same_token:
        yield "Token", "ok", "the same as the head's", ""
    yield _clock("Clock", head.ahead_seconds, "this computer's clock", "the head's")
    yield from _way_there(head)
    yield from _way_back(head, required)


def of_node(node: NodeSeen) -> Iterator[Said]:
    """Findings of a head about one of its nodes."""
    what = f"Node {node.name}"
    if node.stopped:
        yield what, "ok", f"it was stopped {ago(node.heard_seconds or 0.0)} ago", ""
        return
    if node.heard_seconds is None or node.heard_seconds > _SILENT_SECONDS:
        since = "since this head began" if node.heard_seconds is None else f"for {ago(node.heard_seconds)}"
        advice = f"is it on? There: bittrader worker verify. To send it out: bittrader head revoke {node.name}"
        yield what, "warning", f"nothing heard of it {since}", advice
        return
    if node.refused is not None:
        yield what, "wrong", f"refused: {node.refused}", "there: bittrader worker verify"
    elif node.alive:
        yield what, "ok", f"Ray counts it; {_heard(node.heard_seconds, 'it was')}", ""
    else:
        waiting = f": {node.waiting}" if node.waiting else ""
        words = f"it is heard, and its Ray is {node.phase or 'unknown'}{waiting}"
        level: State = "warning" if node.phase in ("starting", "stopping") else "wrong"
        yield what, level, words, "there: bittrader worker verify"
    if (clock := _clock(what, node.ahead_seconds, "its clock", "this head's"))[1] != "ok":
        yield clock
    if blocked := blocked_in_words(node.ports, node.name):
        yield what, "wrong", *_cut(blocked)


def _heard(seconds: float, who: str = "this node was") -> str:
    return f"{who} heard {ago(seconds)} ago"


def _clock(what: str, ahead: float, whose: str, others: str) -> Said:
    off = abs(ahead)
    if off < _SKEW_SECONDS:
        return what, "ok", f"{whose} and {others} agree", ""
    level: State = "warning" if off < _WRONG_SECONDS else "wrong"
    words = f"{whose} is {ago(off)} {'ahead of' if ahead > 0 else 'behind'} {others}"
    return what, level, words, "have the system set it by the network: join codes and certificates go by the clock"


def _way_there(head: HeadSeen) -> Iterator[Said]:
    if blocked := blocked_in_words(head.ports, "the head"):
        yield "Way there", "wrong", *_cut(blocked)
    elif head.ports:
        yield "Way there", "ok", f"the head's ports {as_ranges(head.ports)} let this computer in", ""


def _way_back(head: HeadSeen, required: Collection[int]) -> Iterator[Said]:
    if head.back_trouble:
        yield "Way back", "warning", f"the head could not be asked to try it: {head.back_trouble}", "look again"
        return
    if head.seen_at is None:
        return
    if head.seen_at not in head.known_at:
        words = f"the head sees this computer at {head.seen_at}, and its addresses are {', '.join(head.known_at)} (NAT)"
        advice = "Ray's nodes must reach each other directly: use Tailscale on both, or one local network"
        yield "Way back", "wrong", words, advice
        return
    closed = [port for port in required if head.back.get(port) == "closed"]
    if blocked := blocked_in_words(head.back, "this computer"):
        yield "Way back", "wrong", *_cut(blocked)
    elif closed:
        advice = "a firewall that refuses looks so, and Ray that listens elsewhere: bittrader worker restart"
        yield "Way back", "wrong", f"the head finds nobody at port {as_ranges(closed)} of {head.seen_at}", advice
    else:
        yield "Way back", "ok", f"the head gets through to ports {as_ranges(head.back)} of {head.seen_at}", ""


def _cut(said: str) -> tuple[str, str]:
    """What is wrong, and what to do, of a line that says both."""
    words, _, advice = said.rpartition(": ")
    return (words, advice) if words else (advice, "")
