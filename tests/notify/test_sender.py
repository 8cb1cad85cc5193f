"""The process that sends: what arrives, and what becomes of what does not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.notify.servers import TOKEN, receiver, silent

from bittrader.notify.masks import is_url
from bittrader.notify.message import Message
from bittrader.notify.posting import Post, outcomes_in
from bittrader.notify.sender import Sending, send_now

MESSAGE = Message("Bittrader: air", "air is back at work after 15 min.\n<b>&")


def post(*urls: str, seconds: float = 30.0) -> Post:
    return Post.of(MESSAGE, desktop=False, urls=urls, seconds=seconds)


def ended(sending: Sending):
    while (outcomes := sending.look()) is None:
        time.sleep(0.02)
    return outcomes


def kill(sending: Sending):
    os.kill(sending.pid, signal.SIGKILL)
    return ended(sending)


def test_a_url_gets_the_message_as_it_is():
    with receiver() as one:
        (outcome,) = send_now(post(one.url))
    assert (outcome.way, outcome.failure) == ("json://…", "")
    assert [(got["title"], got["message"]) for got in one.got] == [(MESSAGE.title, MESSAGE.body)]


def test_room_for_what_becomes_of_a_post_is_taken_before_it_goes_out(tmp_path):
    with receiver() as one:
        sending = Sending(post(one.url), tmp_path / "outcomes")
        assert (tmp_path / "outcomes").stat().st_size > 1000 * len(sending.post.ways)
        (outcome,) = ended(sending)
    assert outcome.failure == ""


@pytest.mark.parametrize("url", [f"json://127.0.0.1:1/{TOKEN}", f"nonsense://{TOKEN}/x"])
def test_why_a_message_was_not_sent_is_said_without_the_secret(url):
    (outcome,) = send_now(post(url))
    assert outcome.failure
    assert TOKEN not in f"{outcome}"


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "discord://4174216298/JHMHI8qBe7bk2Zw",
        "mailto://me:key@gmail.com",
    ],
)
def test_the_services_that_the_guides_name_are_known_by_the_urls_that_they_show(url):
    assert is_url(url)
    known = "import apprise, sys; sys.exit(not apprise.Apprise().add(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", known, url], check=True)


def test_a_service_that_refuses_is_told_with_its_answer_and_the_others_get_the_message():
    with receiver(401) as no, receiver() as yes:
        first, second = send_now(post(no.url, yes.url))
    assert (first.way, second.way) == ("json://… (1)", "json://… (2)")
    assert "401" in first.failure
    assert TOKEN not in first.failure
    assert (second.failure, len(yes.got)) == ("", 1)


def test_a_server_that_never_answers_holds_up_nobody():
    with silent() as never, receiver() as one:
        first, second = send_now(post(never, one.url, seconds=3.0))
    assert first.failure == "no answer after 3 s"
    assert (second.failure, len(one.got)) == ("", 1)


def test_a_server_that_answers_without_end_costs_no_memory_and_holds_up_nobody():
    with receiver() as flood, receiver() as one:
        flood.answer_megabytes = 1_000_000
        sending = Sending(post(flood.url, one.url, seconds=10.0))
        most = 0
        while (outcomes := sending.look()) is None:
            with contextlib.suppress(psutil.Error):
                most = max(most, psutil.Process(sending.pid).memory_info().rss)
            time.sleep(0.05)
    assert outcomes[0].failure
    assert TOKEN not in outcomes[0].failure
    assert (outcomes[1].failure, len(one.got)) == ("", 1)
    assert most < 0.7 * 2**30


def test_a_look_at_a_sender_that_waits_brings_nothing_and_returns():
    with silent() as never:
        sending = Sending(post(never))
        assert [sending.look() for _ in range(100)] == [None] * 100
        kill(sending)


def test_a_sender_that_is_killed_is_told_of_and_leaves_no_process():
    with silent() as never:
        sending = Sending(post(never))
        (outcome,) = kill(sending)
    assert outcome.failure == "the process that sends ended before it was done"
    assert not psutil.pid_exists(sending.pid)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_no_list_of_processes_shows_a_token():
    with silent() as never:
        sending = Sending(post(never))
        while b"bittrader.notify" not in (command := Path(f"/proc/{sending.pid}/cmdline").read_bytes()):
            time.sleep(0.02)
        command += Path(f"/proc/{sending.pid}/environ").read_bytes()
        kill(sending)
    assert TOKEN.encode() not in command


def test_a_post_is_the_same_on_the_other_side():
    one = replace(post("json://a/b", "json://c/d"), desktop=True)
    assert Post.from_json(one.to_json()) == one
    assert one.only(frozenset({"json://… (2)"})).ways == ("json://… (2)",)


def test_words_of_a_library_among_the_outcomes_are_no_outcome():
    said = 'hello\n{"way": "json://…", "failure": ""}\n[1]\n{"way": "js'
    assert [one.failure for one in outcomes_in(post("json://a/b"), said)] == [""]
