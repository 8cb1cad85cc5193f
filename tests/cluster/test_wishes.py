"""What the owner asked, from the file and back."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.wishes import Wishes, ask, parse_wishes, read_wishes, wishes_text, write_wishes
from bittrader.errors import InputError

WISHES = st.builds(
    Wishes,
    paused_until=st.none() | st.just(math.inf) | st.floats(0, 4e9),
    cores=st.none() | st.integers(0, 512),
    run=st.sampled_from(["yes", "stop", "restart"]),
    asked=st.floats(0, 4e9),
)


@given(WISHES)
def test_what_was_written_is_read_again(wishes):
    assert parse_wishes(wishes_text(wishes)) == wishes
    json.loads(wishes_text(wishes), parse_constant=pytest.fail)  # plain JSON, which any program reads


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["cores", "run", "paused_until", "asked"]), inner),
)


@given(st.text() | JSON.map(json.dumps))
def test_whatever_stands_in_the_file_is_wishes_or_refused(text):
    with contextlib.suppress(InputError):
        assert isinstance(parse_wishes(text), Wishes)


def test_the_file_reads_as_it_was_agreed():
    assert json.loads(wishes_text(Wishes(paused_until=math.inf, asked=5.0))) == {
        "paused_until": "forever", "cores": None, "run": "yes", "asked": 5.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is no JSON"),
        ("[]", "no JSON object"),
        ('{"paused": true}', "there is no wish 'paused'"),
        ('{"run": "no"}', "run is one of yes, stop, restart, not 'no'"),
        ('{"run": ["yes"]}', "run is one of yes, stop, restart"),
        ('{"cores": -1}', "cores is no number of cores: -1"),
        ('{"cores": true}', "cores is no number of cores: True"),
        ('{"cores": 2.5}', "cores is no number of cores: 2.5"),
        ('{"paused_until": "tomorrow"}', "paused_until is no time: 'tomorrow'"),
        ('{"paused_until": NaN}', "paused_until is no time: nan"),
    ],
)
def test_a_damaged_file_is_no_wish_and_says_why(tmp_path, text, words):
    path = tmp_path / "wishes.json"
    path.write_text(text)
    wishes, said = read_wishes(path)
    assert wishes == Wishes()
    assert said.startswith("wishes.json cannot be used, so nothing is paused or overridden: ")
    assert words in said


def test_bytes_that_are_no_text_are_no_wish(tmp_path):
    path = tmp_path / "wishes.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert read_wishes(path)[0] == Wishes()
    assert read_wishes(path)[1]


def test_no_file_is_no_wish_and_nothing_wrong(tmp_path):
    assert read_wishes(tmp_path / "wishes.json") == (Wishes(), "")


def test_a_later_wish_takes_the_place_of_the_earlier(tmp_path):
    path = tmp_path / "wishes.json"
    write_wishes(path, Wishes(paused_until=math.inf))
    write_wishes(path, Wishes(cores=3))
    assert read_wishes(path) == (Wishes(cores=3), "")
    assert [one.name for one in tmp_path.iterdir()] == ["wishes.json"]


def test_a_place_that_cannot_be_written_to_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot write .*wishes\.json: No such file or directory\.$"):
        write_wishes(tmp_path / "gone" / "wishes.json", Wishes())


@pytest.mark.parametrize(
    ("until", "now", "paused"),
    [(None, 5.0, False), (math.inf, 5.0, True), (10.0, 9.9, True), (10.0, 10.0, False)],
)
def test_a_pause_ends_at_its_time(until, now, paused):
    assert Wishes(paused_until=until).is_paused(now) is paused


def test_who_asks_for_one_thing_keeps_the_others(tmp_path):
    path = tmp_path / "wishes.json"
    ask(path, 5.0, cores=3)
    assert ask(path, 6.0, run="stop") == Wishes(cores=3, run="stop", asked=6.0)
    assert read_wishes(path) == (Wishes(cores=3, run="stop", asked=6.0), "")
