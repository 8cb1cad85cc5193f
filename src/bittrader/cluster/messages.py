"""What the head and a node say to each other at the meeting point: JSON on the wire, these types on both sides.

What comes in was written by others. Whatever is not as it should be is a `BadMessage` with the field's name, and
nothing of it is believed.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bittrader.cluster.facts import Facts
from bittrader.cluster.identity import NODE
from bittrader.cluster.settings import NAME_LENGTH
from bittrader.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]
_T = TypeVar("_T")

_MOST = 2.0**53
MOST_PORTS = 32
"""The most ports that the head tries back at one request."""


class BadMessage(ValueError):  # noqa: N818 - it is a message, not a mistake of ours
    """A message that is not what it should be."""


class RefusedError(ClusterError):
    """What the head does not let somebody do, and why."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """What the head's daemon knows of its own Ray at this moment; the meeting point passes it on to the nodes."""

    session: str | None
    """Changes whenever the head's Ray is a new one; None while there is none."""
    gcs: str | None
    """Where Ray is met, as "ip:port"; None while it is not up."""
    alive: frozenset[str]
    """The nodes that Ray counts as alive."""
    addresses: tuple[str, ...]
    """Where the head can be met, best first. A connection that comes in elsewhere is closed, but for the loopback."""
    encrypted: bool
    """Whether Ray's connections use TLS, so that a node needs a certificate for its address."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the head answers to a node's report."""

    session: str | None
    alive: bool
    gcs: str | None
    time: float
    """The head's clock, Unix seconds."""
    addresses: tuple[str, ...]
    """Where the head can be met from now on, best first."""
    seen_at: str
    """The address that the report came from, as the head sees it."""
    encrypted: bool
    token: str
    """The mark of Ray's token: a node whose own has another mark fetches the new one with its certificate."""
    refused: str | None
    """Why the node may not take part as it is, and how to mend it; None when it may."""

    def as_json(self) -> Json:
        return {**asdict(self), "addresses": list(self.addresses)}

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Told:
        return cls(
            session=optional(message, "session", str),
            alive=field(message, "alive", bool),
            gcs=optional(message, "gcs", str),
            time=number(message, "time"),
            addresses=addresses(message, "addresses"),
            seen_at=address(message, "seen_at"),
            encrypted=field(message, "encrypted", bool),
            token=text(message, "token", 16),
            refused=optional(message, "refused", str),
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """A computer that asks to become a node."""

    secret: str
    """The join code's, as 20 hex digits."""
    node: str
    name: str
    request: str
    """A certificate request (PEM), whose private key stays with the node."""
    facts: Facts

    def as_json(self) -> Json:
        return asdict(self)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Asking:
        return cls(
            secret=text(message, "secret", 40),
            node=node(message, "node"),
            name=shown(message, "name", NAME_LENGTH),
            request=text(message, "request", 4000),
            facts=facts(message, "facts"),
        )


@dataclass(frozen=True, slots=True)
class Joined:
    """What a new node gets from the head."""

    token: str
    """Ray's, the same for the whole cluster."""
    node_secret: str
    """The node's own, for the meeting point."""
    authority: str
    """The certificate (PEM) of the cluster's own authority."""
    certificate: str
    """The node's certificate (PEM), for `seen_at`."""
    seen_at: str
    head: str
    """The head's name."""

    def as_json(self) -> Json:
        return asdict(self)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Joined:
        return cls(
            token=text(message, "token", 200),
            node_secret=text(message, "node_secret", 200),
            authority=text(message, "authority", 8000),
            certificate=text(message, "certificate", 8000),
            seen_at=address(message, "seen_at"),
            head=text(message, "head", NAME_LENGTH),
        )


def read(body: bytes) -> Json:
    """A message from its bytes."""
    try:
        message = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadMessage("it is no JSON") from error
    if not isinstance(message, dict):
        raise BadMessage("it is no JSON object")
    return message


def field(message: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    """A field of exactly this type."""
    value = message.get(name)
    if type(value) is not kind:
        raise BadMessage(f"{name} is no {kind.__name__}")
    return value


def optional(message: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    """A field of this type, or None when it is null or not there."""
    return None if message.get(name) is None else field(message, name, kind)


def text(message: Mapping[str, Any], name: str, most: int) -> str:
    """A text that is not empty and not longer than `most`."""
    value = field(message, name, str)
    if not 0 < len(value) <= most:
        raise BadMessage(f"{name} has {len(value)} characters")
    return value


def shown(message: Mapping[str, Any], name: str, most: int) -> str:
    """A text as `text` has it, which can be shown on a terminal and written into a log: one line, no controls."""
    value = text(message, name, most)
    if not value.isprintable():
        raise BadMessage(f"{name} cannot be shown")
    return value


def number(message: Mapping[str, Any], name: str) -> float:
    """A finite number."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST:
        raise BadMessage(f"{name} is no number")
    return float(value)


def port(message: Mapping[str, Any], name: str) -> int:
    """A port number."""
    return _port(message.get(name), name)


def ports(message: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """A list of not too many port numbers, none of them twice."""
    values = dict.fromkeys(_port(value, name) for value in field(message, name, list))
    if len(values) > MOST_PORTS:
        raise BadMessage(f"{name} are more than {MOST_PORTS}")
    return tuple(values)


def address(message: Mapping[str, Any], name: str) -> str:
    """An IPv4 address."""
    return _address(message.get(name), name)


def addresses(message: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of IPv4 addresses."""
    return tuple(_address(value, name) for value in field(message, name, list))


def facts(message: Mapping[str, Any], name: str) -> Facts:
    """The versions that a computer says it runs."""
    said = field(message, name, dict)
    return Facts.of({**said, **{one: shown(said, one, 80) for one in Facts.names()}})


def node(message: Mapping[str, Any], name: str) -> str:
    """A node's identity."""
    value = field(message, name, str)
    if not NODE.fullmatch(value):
        raise BadMessage(f"{name} is no node's identity")
    return value


def _port(value: object, name: str) -> int:
    if type(value) is not int or not 0 < value < 65536:
        raise BadMessage(f"{name} is no port")
    return value


def _address(value: object, name: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise BadMessage(f"{name} is no IPv4 address") from error


def _no_number(word: str) -> float:
    raise ValueError(word)
