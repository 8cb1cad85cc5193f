"""What an owner sees who tries the ways, or wants to hear of a search's end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from tests.notify.servers import TOKEN, receiver

from bittrader.cluster import jobs
from bittrader.cluster.config_file import set_key
from bittrader.cluster.identity import folder_of
from bittrader.errors import InputError
from bittrader.market.sample import synthetic
from bittrader.market.store import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.notify.servers import Receiver


@pytest.fixture
def owner() -> Iterator[Receiver]:
    with receiver() as one:
        set_key(folder_of("worker"), "notify.urls", one.url)
        set_key(folder_of("worker"), "notify.desktop", "no")
        yield one


def test_a_test_says_that_it_was_sent_and_how_to_be_told_by_itself(say, owner):
    code, said = say("worker", "notify", "--test")
    assert (code, said.splitlines()) == (
        0,
        ["json://…: sent", "Nothing is told by itself yet: bittrader worker config set notify.on true"],
    )
    assert owner.bodies == ["A test: this is how you hear of your node."]


def test_a_test_that_fails_says_why_and_has_code_1(say, owner):
    owner.status = 401
    set_key(folder_of("worker"), "notify.on", "yes")
    code, said = say("worker", "notify", "--test")
    assert code == 1
    assert said.startswith("json://…: not sent: ")
    assert "401" in said
    facts = json.loads(say("worker", "notify", "--test", "--json")[1])
    assert facts["on"] is True
    assert [(way["way"], way["sent"]) for way in facts["ways"]] == [("json://…", False)]
    assert TOKEN not in f"{said}{facts}"


def test_without_a_way_there_is_nothing_to_test(say):
    set_key(folder_of("head"), "notify.desktop", "no")
    with pytest.raises(InputError, match=r"no way to tell you: bittrader head config set notify\.desktop true"):
        say("head", "notify", "--test")


def test_what_is_told_is_shown_without_the_secret(say, owner):
    assert owner.url not in say("worker", "notify")[1]
    assert "json://…" in say("worker", "notify")[1]
    assert TOKEN not in "".join(say("worker", *words)[1] for words in (("notify", "--json"), ("config", "show")))


def test_a_secret_is_read_from_the_input(say, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("json://127.0.0.1/token\r\n"))
    assert "token" not in say("head", "config", "set", "notify.urls", "-")[1]
    assert "json://127.0.0.1/token" in (folder_of("head") / "config.toml").read_text()


@pytest.fixture
def candles():
    store(synthetic(3000), "hourly")


@pytest.mark.usefixtures("candles")
def test_a_search_tells_of_its_end_when_asked_and_only_then(say, owner):
    words = ("optimize", "sma-cross", "hourly", "--trials", "8", "--threads", "1", "--no-report", "--no-verdict")
    assert say(*words, "--study", "first")[0] == 0
    assert owner.got == []
    assert say(*words, "--study", "second", "--notify")[0] == 0
    (body,) = owner.bodies
    assert body.startswith("Study second is done: sharpe ")
    assert body.endswith("; 8 evaluations.")


@pytest.mark.usefixtures("candles")
def test_that_nobody_could_be_told_is_said_and_the_search_is_done_all_the_same(say, owner):
    owner.status = 500
    words = ("optimize", "sma-cross", "hourly", "--trials", "8", "--threads", "1", "--no-report", "--no-verdict")
    code, said = say(*words, "--study", "first", "--notify")
    assert code == 0
    assert "json://…: not sent: " in said
    (folder_of("worker") / "config.toml").write_text("[notify]\nurls = 1\n")
    code, said = say(*words, "--study", "second", "--notify")
    assert code == 0
    assert "You could not be told: " in said


@pytest.mark.usefixtures("candles")
def test_who_has_no_way_to_be_told_is_told_that(say):
    set_key(folder_of("head"), "notify.desktop", "no")
    words = ("optimize", "sma-cross", "hourly", "--trials", "8", "--threads", "1", "--no-report", "--no-verdict")
    code, said = say(*words, "--notify")
    assert code == 0
    assert "You could not be told: this computer's node has notify.desktop false" in said


def test_who_left_a_study_to_the_node_is_told_only_if_they_asked(tmp_path):
    for name, tell in (("first", True), ("second", False)):
        jobs.submit(tmp_path, name, 0.0, tell=tell)
        assert jobs.is_to_be_told(tmp_path, name) is tell
    (tmp_path / "jobs" / "first.json").write_text("{")
    assert jobs.is_to_be_told(tmp_path, "first") is False
    assert jobs.is_to_be_told(tmp_path, "third") is False
