from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster import messages
from bittrader.cluster.facts import Facts
from bittrader.cluster.messages import Asking, BadMessage, Joined, Told

TEXTS = st.text(min_size=1, max_size=40).filter(str.isprintable)
ADDRESSES = st.ip_addresses(v=4).map(str)
TOLD = st.builds(
    Told,
    session=st.none() | TEXTS,
    alive=st.booleans(),
    gcs=st.none() | TEXTS,
    time=st.floats(0, 1e10),
    addresses=st.lists(ADDRESSES, max_size=4).map(tuple),
    seen_at=ADDRESSES,
    encrypted=st.booleans(),
    token=st.text(min_size=1, max_size=16),
    refused=st.none() | TEXTS,
)
ASKING = st.builds(
    Asking,
    secret=TEXTS,
    node=st.from_regex(messages.NODE, fullmatch=True).filter(str.isascii),
    name=TEXTS,
    request=TEXTS,
    facts=st.builds(Facts, TEXTS, TEXTS, TEXTS),
)
JOINED = st.builds(Joined, TEXTS, TEXTS, TEXTS, TEXTS, ADDRESSES, TEXTS)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
NAMES = sorted({*Told.__dataclass_fields__, *Asking.__dataclass_fields__, *Joined.__dataclass_fields__, *Facts.names()})


@given(st.one_of(TOLD, ASKING, JOINED))
def test_what_is_said_is_what_is_heard(said: Told | Asking | Joined) -> None:
    assert type(said).of(messages.read(json.dumps(said.as_json()).encode())) == said


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_message_does_more_than_be_refused(message: dict) -> None:
    for kind in (Told, Asking, Joined):
        with pytest.raises(BadMessage):
            kind.of(message | {"node": "no node", "seen_at": "no address"})


@given(st.one_of(TOLD, ASKING, JOINED), st.data())
def test_one_other_field_is_refused_or_changes_that_field_alone(
    said: Told | Asking | Joined, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(said.as_json())))
    with suppress(BadMessage):
        heard = type(said).of(said.as_json() | {name: data.draw(VALUES)})
        assert {one for one in said.as_json() if getattr(heard, one) != getattr(said, one)} <= {name}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[1, 2]", b'"text"', b"{", b"[" * 100_000, b'{"time": NaN}', b'{"n": ' + b"9" * 5000 + b"}"],
)
def test_garbage_is_no_message(body: bytes) -> None:
    with pytest.raises(BadMessage):
        messages.read(body)


def test_only_so_many_ports_can_be_asked_for_and_none_twice() -> None:
    assert messages.ports({"ports": [5, 5, 7]}, "ports") == (5, 7)
    for bad in (list(range(1, 34)), [0], [65536], ["80"], [True], "80"):
        with pytest.raises(BadMessage):
            messages.ports({"ports": bad}, "ports")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "bell\a", "\u202eback"])
def test_a_name_that_would_forge_a_line_of_the_log_is_refused(name: str) -> None:
    with pytest.raises(BadMessage, match="name cannot be shown"):
        messages.shown({"name": name}, "name", 80)
