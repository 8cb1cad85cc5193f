"""A daemon's way to its owner: what is news goes out by a process of its own, and the daemon never waits for it."""

from __future__ import annotations

import json
from collections import deque
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bittrader.files import tail, written_whole
from bittrader.notify.message import EVENTS, News, late, message
from bittrader.notify.pace import Pace, pace
from bittrader.notify.pending import MOST, OLDEST_SECONDS, Pending, pending_of
from bittrader.notify.posting import DESKTOP, Post
from bittrader.notify.results import ended_words
from bittrader.notify.sender import Earlier, Sending
from bittrader.notify.watch import Watched, watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bittrader.notify.message import Message
    from bittrader.notify.posting import Outcome
    from bittrader.notify.wanted import Wanted
    from bittrader.notify.watch import View

RETRY_SECONDS = (60.0, 600.0, 3600.0)
"""When what no URL took is tried again: who loses the head has often lost the network."""
_TAIL_BYTES = 2**20
_LAST_MOMENT = 1e11
"""In the year 5138, which everything still knows that writes dates."""


class Teller:
    """Watches one node for its owner. Only the daemon's own thread may call it."""

    def __init__(self, path: Path, outcomes: Path, name: str, wanted: Wanted, log: Callable[..., None]) -> None:
        """`path` is what outlives the daemon, `outcomes` what the process says that sends."""
        self._path, self._outcomes = path, outcomes
        self._name, self._log = name, log
        self._wanted = wanted
        said = _read(self._path)
        self._watched, self._pace = _memory_of(said)
        self._finished: list[News] = []
        self._queue: deque[Pending] = deque(_pending_of(said, "pending", wanted))
        self._sending: tuple[Sending | Earlier, Pending] | None = None
        for one in _pending_of(said, "sending", wanted):
            self._sending = Earlier(one.post, self._outcomes), one
        self._kept = self._to_keep()
        self._troubles: dict[str, str] = {}

    def want(self, wanted: Wanted) -> None:
        """Takes up what the owner wants from now on."""
        self._wanted = wanted

    def finished(self, study: str, code: int, output: Path, now: float, *, asked: bool) -> None:
        """Notes that a study has ended; `asked`: whether to tell of it even if nothing else is to be told."""
        if asked or (self._wanted.on and "finished" in self._wanted.events):
            self._finished.append(News("finished", now, ended_words(study, code, tail(output, _TAIL_BYTES))))

    def look(self, view: View) -> None:
        """Sees how the node is, and has told what is new; OSError when it cannot keep what it told."""
        self._watched, news = watch(self._watched, view)
        told = [one for one in news if self._wanted.on and one.event in self._wanted.events]
        told += self._finished
        self._finished = []
        self._pace, due = pace(self._pace, told, self._wanted.most_an_hour, view.unix)
        if due is not None:
            self._tell(message(self._name, due.waiting, due.untold, view.unix), view.unix)
        self._go_on(view.unix)
        self._keep()

    def close(self) -> None:
        """Ends the process that sends, which gets a moment to have its say."""
        if self._sending is not None:
            self._sending[0].close()
        self._sending = None

    def _tell(self, what: Message, now: float) -> None:
        post = Post.of(what, desktop=self._wanted.desktop, urls=self._wanted.urls)
        self._log(f"tells: {' | '.join(what.body.splitlines())}")
        if not self._wanted.has_a_way:
            self._trouble("", "nobody is told: neither notify.desktop nor notify.urls is set")
        elif len(self._queue) < MOST:
            self._queue.append(Pending(post, now))
        else:
            self._log("this is not told: too much is on its way already", trouble=True)

    def _go_on(self, now: float) -> None:
        """Sends what is due, one at a time, and takes note of what became of the last."""
        if self._sending is not None:
            sending, queued = self._sending
            outcomes = sending.look()
            if outcomes is None:
                return
            self._sending = None
            self._note(outcomes, queued, now)
        self._queue = deque(one for one in self._queue if now - one.made < OLDEST_SECONDS)
        due = next((one for one in self._queue if _is_due(one, now)), None)
        if due is not None:
            self._queue.remove(due)
            self._start(due, now)

    def _start(self, due: Pending, now: float) -> None:
        """What an earlier one became is gone, and this one is known, before it begins: a kill -9 may come any time."""
        with suppress(OSError):  # whoever has a full disk is told all the same
            self._outcomes.unlink(missing_ok=True)
            self._keep(due)
        try:
            self._sending = Sending(due.post, self._outcomes), due
        except OSError as error:
            self._trouble("", f"the process that tells the owner cannot be started: {error}")
            self._later(due, due.post, now)
        else:
            self._troubles.pop("", None)

    def _note(self, outcomes: tuple[Outcome, ...], queued: Pending, now: float) -> None:
        for one in outcomes:
            self._trouble(one.way, one.failure and f"the owner could not be told by {one.way}: {one.failure}")
        again = frozenset(one.way for one in outcomes if one.failure and one.way != DESKTOP)
        if not again:
            return
        self._later(queued, queued.post.only(again), now)

    def _later(self, queued: Pending, post: Post, now: float) -> None:
        """Has a post tried again, unless it was often enough."""
        if queued.tried == len(RETRY_SECONDS):
            self._log(f"gives up telling the owner by {', '.join(sorted(post.ways))}", trouble=True)
            return
        post = replace(post, message=late(post.message, queued.made)) if not queued.tried else post
        self._queue.append(Pending(post, queued.made, queued.tried + 1, now + RETRY_SECONDS[queued.tried]))

    def _trouble(self, way: str, words: str) -> None:
        """Writes down what is wrong with a way, once for as long as it stays so."""
        if words and self._troubles.get(way) != words:
            self._log(words, trouble=True)
        if words:
            self._troubles[way] = words
        else:
            self._troubles.pop(way, None)

    def _to_keep(self, begins: Pending | None = None) -> dict[str, Any]:
        """What must survive the daemon, as plain data; with what is about to be sent."""
        sending = begins or (self._sending[1] if self._sending else None)
        return {
            **_kept(self._watched, self._pace),
            "pending": [one.as_json() for one in self._queue],
            "sending": [sending.as_json()] if sending else [],
        }

    def _keep(self, begins: Pending | None = None) -> None:
        kept = self._to_keep(begins)
        if kept != self._kept:
            with written_whole(self._path, lasting=False) as part:
                part.touch(mode=0o600)  # what became of a study is nobody else's business
                part.write_text(json.dumps(kept), encoding="utf-8")
            self._kept = kept


def _is_due(one: Pending, now: float) -> bool:
    """Whether it is time; a clock that was set back delays nothing for longer than it is ever put off."""
    return now >= one.due or one.due - now > max(RETRY_SECONDS)


def _kept(watched: Watched, paced: Pace) -> dict[str, Any]:
    lasting = {"told": watched.told, "lost_at": watched.lost_at, "falls": list(watched.falls)}
    waiting = [asdict(one) for one in paced.waiting]
    return {"watched": lasting, "pace": {"told": list(paced.told), "waiting": waiting, "untold": paced.untold}}


def _read(path: Path) -> dict[str, Any]:
    """What an earlier daemon kept; nothing when it cannot be read, for then the owner is told once more at worst."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _memory_of(said: dict[str, Any]) -> tuple[Watched, Pace]:
    """What was seen and told; nothing of it when a part cannot be believed."""
    try:
        watched, paced = said["watched"], said["pace"]
        if watched["told"] not in ("away", "here", "lost", "unsteady"):
            return Watched(), Pace()
        waiting = tuple(map(_news, (one for one in paced["waiting"] if one["event"] in EVENTS)))
        lost_at = None if watched["lost_at"] is None else _moment(watched["lost_at"])
        return (
            Watched(told=watched["told"], lost_at=lost_at, falls=tuple(map(_moment, watched["falls"]))),
            Pace(tuple(map(_moment, paced["told"])), waiting, int(paced["untold"])),
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        return Watched(), Pace()


def _pending_of(said: dict[str, Any], name: str, wanted: Wanted) -> list[Pending]:
    """What was on its way, by ways that are wanted still."""
    try:
        found = [pending_of(one, wanted) for one in said[name]]
        is_whole = all(
            _moment(one.made) >= 0 <= _moment(one.due) and 0 <= one.tried <= len(RETRY_SECONDS) for one in found
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        return []
    return [one for one in found if one.post.ways][:MOST] if is_whole else []


def _news(said: Any) -> News:
    return News(said["event"], _moment(said["at"]), str(said["words"]))


def _moment(said: float) -> float:
    """A Unix time that a clock may show; ValueError if it is none."""
    if not 0 <= float(said) < _LAST_MOMENT:
        raise ValueError(said)
    return float(said)
