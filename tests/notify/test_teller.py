"""A daemon's way to its owner, with real processes that send."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notify.servers import TOKEN, receiver, silent
from tests.notify.test_message import FACTS
from tests.notify.test_watch import VIEW

from bittrader import paths
from bittrader.notify import sender, teller
from bittrader.notify.message import EVENTS, Message
from bittrader.notify.pending import OLDEST_SECONDS, Pending, pending_of
from bittrader.notify.pending import _mark as mark
from bittrader.notify.posting import Post
from bittrader.notify.results import result_words
from bittrader.notify.teller import RETRY_SECONDS, Teller
from bittrader.notify.wanted import Wanted

if TYPE_CHECKING:
    from pathlib import Path

URLS = st.lists(st.from_regex(r"[a-z]{3,8}://[A-Za-z0-9/]{12,30}", fullmatch=True), min_size=1, max_size=4, unique=True)
POSTS = st.builds(
    lambda title, body, desktop, urls: Post.of(Message(title, body), desktop=desktop, urls=urls),
    st.text(), st.text(), st.booleans(), URLS,
)  # fmt: skip
PENDING = st.builds(Pending, POSTS, st.floats(0, 1e10), st.integers(0, 3), st.floats(0, 1e10))
JOINED = "air has joined the cluster of the head at 10.0.0.1:6379."
LOST = "air has lost the head: no head."


@dataclass
class Daemon:
    """One life of a daemon, as far as its teller sees it: its turns take no time, unless it waits for the sender."""

    folder: Path
    wanted: Wanted
    lines: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view = VIEW
        kept = self.folder / paths.NOTIFY, self.folder / paths.NOTIFY_OUTCOMES
        self.teller = Teller(*kept, "air", self.wanted, self._log)

    def _log(self, line: str, *, trouble: bool = False) -> None:
        self.lines.append((line, trouble))

    @property
    def troubles(self) -> list[str]:
        return [line for line, trouble in self.lines if trouble]

    def be(self, seconds: float, **facts: object) -> None:
        self.view = replace(self.view, **facts)
        for _ in range(max(int(seconds / 5), 1)):
            self.teller.look(self.view)
            self.view = replace(self.view, monotonic=self.view.monotonic + 5, unix=self.view.unix + 5)
        self.settle()

    def settle(self) -> None:
        """Turns on the spot until nothing is on its way."""
        self.teller.look(self.view)
        while self.teller._sending is not None:
            time.sleep(0.02)
            self.teller.look(self.view)


def wanted(*urls: str, **facts: object) -> Wanted:
    return replace(Wanted(on=True, desktop=False, urls=urls, events=frozenset(EVENTS), most_an_hour=60), **facts)


def test_the_owner_hears_of_joining_losing_and_coming_back(tmp_path):
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        daemon.be(120, at_work=False)
        daemon.be(30, at_work=True)
    assert one.bodies == [JOINED, LOST, "air is back at work after 2 min."]
    assert daemon.troubles == []


@pytest.mark.parametrize("facts", [{"on": False}, {"events": frozenset({"back"})}])
def test_what_is_not_wanted_is_not_told(tmp_path, facts):
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url, **facts))
        daemon.be(30, at_work=True)
        daemon.be(120, at_work=False)
    assert one.bodies == []
    assert daemon.lines == []


def test_what_is_too_much_for_an_hour_is_told_together_later(tmp_path):
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url, most_an_hour=1))
        daemon.be(30, at_work=True)
        daemon.be(120, at_work=False)
        daemon.be(4000, at_work=True)
    first, second = one.bodies
    assert first == JOINED
    assert [line.partition(" UTC: ")[2] for line in second.splitlines()] == [LOST, "air is back at work after 2 min."]


def test_a_daemon_that_is_killed_again_and_again_tells_nothing_twice_and_keeps_to_the_limit(tmp_path):
    with receiver() as one:
        for _ in range(5):
            daemon = Daemon(tmp_path, wanted(one.url))
            daemon.be(30, at_work=True)
        assert one.bodies == [JOINED]
        for _ in range(5):
            daemon = Daemon(tmp_path, wanted(one.url, most_an_hour=2))
            daemon.be(30, at_work=True, ending=False)
            daemon.be(5, ending=True)
    assert len(one.bodies) == 2


WATCHED = '{"told": "away", "lost_at": null, "falls": []}'
PACE = '{"told": [], "waiting": [], "untold": 0}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"watched": {"told": "x"}, "pace": {}}', '{"watched": 1, "pace": 2}', "[" * 200_000),
        f'{{"watched": {WATCHED}, "pace": {PACE.replace("0", "1e999")}}}',
        f'{{"watched": {WATCHED.replace("null", "1e999")}, "pace": {PACE}}}',
        f'{{"watched": {WATCHED}, "pace": {PACE.replace("[], ", "[NaN], ", 1)}}}',
        *(
            f'{{"watched": {WATCHED}, "pace": {{"told": [], "untold": 0, "waiting": [{one}]}}}}'
            for one in ('{"event": "lost", "at": "x", "words": ""}', '{"event": "lost", "at": -1e300, "words": ""}')
        ),
    ],
)
def test_a_damaged_memory_is_an_empty_one(tmp_path, text):
    (tmp_path / paths.NOTIFY).write_text(text)
    with receiver() as one:
        Daemon(tmp_path, wanted(one.url)).be(30, at_work=True)
    assert one.bodies == [JOINED]


def test_what_was_not_sent_is_said_once_and_tried_again_when_the_network_may_be_back(tmp_path):
    with receiver(500) as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        daemon.be(RETRY_SECONDS[0] + 5)
        assert len(daemon.troubles) == 1
        assert daemon.troubles[0].startswith("the owner could not be told by json://…: ")
        one.status = 200
        daemon.be(RETRY_SECONDS[1] + 5)
    (body,) = one.bodies
    assert body.endswith(f" UTC)\n{JOINED}")
    assert body.startswith("(of ")


def test_what_nobody_ever_takes_is_given_up_and_no_secret_is_in_the_log_or_the_folder(tmp_path):
    with receiver(500) as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        for seconds in RETRY_SECONDS:
            daemon.be(seconds + 5)
        daemon.be(7200)
    assert [line.partition(":")[0] for line in daemon.troubles] == [
        "the owner could not be told by json",
        "gives up telling the owner by json",
    ]
    assert TOKEN not in json.dumps(daemon.lines)
    assert TOKEN not in (tmp_path / paths.NOTIFY).read_text()


def test_while_a_server_never_answers_the_daemon_turns_and_what_is_new_waits(tmp_path):
    with silent() as never:
        daemon = Daemon(tmp_path, wanted(never))
        for _ in range(1000):
            daemon.teller.look(daemon.view)
            daemon.view = replace(
                daemon.view, at_work=True, monotonic=daemon.view.monotonic + 5, unix=daemon.view.unix + 5
            )
        assert daemon.teller._sending is not None
        daemon.teller.close()
    assert daemon.troubles == []


def test_a_system_without_processes_to_spare_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        daemon.be(120, at_work=False)
    assert len(daemon.troubles) == 1
    assert "cannot be started" in daemon.troubles[0]


def test_what_could_not_be_sent_for_want_of_a_process_is_sent_when_there_is_one(tmp_path, monkeypatch):
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        with monkeypatch.context() as poor:
            poor.setattr("sys.executable", str(tmp_path / "nothing"))
            daemon.be(30, at_work=True)
        assert one.bodies == []
        daemon.be(RETRY_SECONDS[0] + 5)
    (body,) = one.bodies
    assert body.endswith(JOINED)


@pytest.fixture
def killed():
    """Gives the next daemon, at the same moment: of the one before nothing is left but its files and its sender."""
    before = []

    def next_one(daemon: Daemon) -> Daemon:
        before.append(daemon)
        after = Daemon(daemon.folder, daemon.wanted)
        after.view = daemon.view
        return after

    yield next_one
    for one in before:
        one.teller.close()


def test_a_daemon_that_is_killed_while_a_message_waits_for_its_next_try_sends_it_once(tmp_path, killed):
    with receiver(500) as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        daemon = killed(daemon)
        daemon.be(RETRY_SECONDS[0] - 40)
        assert one.asked == 1
        one.status = 200
        for _ in range(3):
            daemon = killed(daemon)
            daemon.be(RETRY_SECONDS[0] + 5)
    (body,) = one.bodies
    assert body.endswith(f" UTC)\n{JOINED}")
    assert TOKEN not in (tmp_path / paths.NOTIFY).read_text()
    assert (tmp_path / paths.NOTIFY).stat().st_mode & 0o077 == 0


def begin(daemon: Daemon) -> None:
    """Turns until something is being sent, and no further."""
    while daemon.teller._sending is None:
        daemon.teller.look(daemon.view)
        daemon.view = replace(daemon.view, at_work=True, monotonic=daemon.view.monotonic + 5, unix=daemon.view.unix + 5)


def test_what_was_accepted_after_the_daemon_was_killed_is_not_sent_again(tmp_path, killed):
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        begin(daemon)
        daemon = killed(daemon)
        daemon.settle()
        daemon.be(2 * RETRY_SECONDS[0])
    assert one.bodies == [JOINED]
    assert daemon.troubles == []


def test_what_was_being_sent_when_the_daemon_and_the_sender_were_killed_is_sent_again(tmp_path, killed, monkeypatch):
    with silent() as never, receiver() as one:
        daemon = Daemon(tmp_path, wanted(never))
        begin(daemon)
        os.kill(daemon.teller._sending[0].pid, signal.SIGKILL)
        kept = (tmp_path / paths.NOTIFY).read_text().replace(mark(never), mark(one.url))
        (tmp_path / paths.NOTIFY).write_text(kept)
        monkeypatch.setattr(sender, "_EARLIER_SECONDS", 0.0)
        daemon.wanted = wanted(one.url)
        daemon = killed(daemon)
        daemon.settle()
        daemon.be(RETRY_SECONDS[0] + 5)
    (body,) = one.bodies
    assert body.endswith(JOINED)


class KilledError(BaseException):
    """Nothing of the daemon happens after this."""


def test_a_kill_just_before_a_message_is_sent_does_not_take_the_outcome_of_the_last_for_its_own(
    tmp_path, killed, monkeypatch
):
    def die(*_):
        raise KilledError

    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        with monkeypatch.context() as dying:
            dying.setattr(teller, "Sending", die)
            with pytest.raises(KilledError):
                daemon.be(120, at_work=False)
        monkeypatch.setattr(sender, "_EARLIER_SECONDS", 0.0)
        daemon = killed(daemon)
        daemon.settle()
        daemon.be(RETRY_SECONDS[0] + 5)
    first, second = one.bodies
    assert (first, second.endswith(LOST)) == (JOINED, True)


def test_nothing_else_is_sent_while_what_an_earlier_daemon_began_may_be_on_its_way(tmp_path, killed):
    with silent() as never:
        daemon = Daemon(tmp_path, wanted(never))
        begin(daemon)
        pid = daemon.teller._sending[0].pid
        daemon = killed(daemon)
        for _ in range(100):
            daemon.teller.look(daemon.view)
        assert isinstance(daemon.teller._sending[0], sender.Earlier)
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "after", [{"urls": ("json://127.0.0.1:1/another",)}, {"urls": ()}, {"seconds": OLDEST_SECONDS}]
)
def test_what_nobody_wants_any_more_or_is_a_day_old_is_not_sent(tmp_path, killed, after):
    with receiver(500) as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        one.status = 200
        daemon.wanted = wanted(*after.get("urls", (one.url,)))
        daemon = killed(daemon)
        daemon.view = replace(daemon.view, unix=daemon.view.unix + after.get("seconds", 0.0))
        daemon.be(4000)
    assert one.bodies == []


@given(pending=PENDING)
def test_what_waits_comes_back_as_it_was_and_without_its_urls(pending):
    urls = tuple(pending.post.urls.values())
    kept = json.loads(json.dumps(pending.as_json()))
    assert pending_of(kept, Wanted(on=True, desktop=True, urls=urls, events=frozenset(), most_an_hour=1)) == pending
    assert not [url for url in urls if url.partition("://")[2] in json.dumps(kept["ways"])]


@pytest.mark.parametrize(
    "damage", [{"made": "x"}, {"made": -1}, {"due": float("nan")}, {"tried": 99}, {"ways": 5}, {"message": {}}]
)
def test_what_waits_in_a_damaged_memory_is_left_out_and_the_rest_is_believed(tmp_path, killed, damage):
    with receiver(500) as one:
        daemon = Daemon(tmp_path, wanted(one.url))
        daemon.be(30, at_work=True)
        kept = json.loads((tmp_path / paths.NOTIFY).read_text())
        kept["pending"][0] |= damage
        (tmp_path / paths.NOTIFY).write_text(json.dumps(kept))
        one.status = 200
        daemon = killed(daemon)
        daemon.be(7200)
    assert one.bodies == []


def test_thousands_of_studies_that_end_at_once_are_few_short_messages(tmp_path):
    output = tmp_path / "study.log"
    output.write_text("x" * 100_000)
    with receiver() as one:
        daemon = Daemon(tmp_path, wanted(one.url, most_an_hour=2))
        for number in range(3000):
            daemon.teller.finished(f"s{number}", 1, output, 0.0, asked=True)
        daemon.be(30, at_work=True)
    assert 1 <= len(one.bodies) <= 2
    assert "And 2,980 more since" in one.bodies[0]
    assert max(map(len, one.bodies)) < 20_000
    assert (tmp_path / paths.NOTIFY).stat().st_size < 20_000


def test_a_study_is_told_of_when_its_kind_of_news_is_wanted_or_who_left_it_asked(tmp_path):
    output = tmp_path / "study-first.log"
    output.write_text(f"{'.' * 2_000_000}\n{json.dumps(FACTS)}\n")
    with receiver() as one:
        for on, asked in ((True, False), (False, True), (False, False)):
            daemon = Daemon(tmp_path, wanted(one.url, on=on))
            daemon.teller.finished("first", 0, output, daemon.view.unix, asked=asked)
            daemon.settle()
    assert one.bodies == [result_words(FACTS)] * 2


def test_news_that_has_no_way_to_go_is_said(tmp_path):
    daemon = Daemon(tmp_path, wanted())
    daemon.be(30, at_work=True)
    assert daemon.troubles == ["nobody is told: neither notify.desktop nor notify.urls is set"]
