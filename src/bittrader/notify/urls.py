"""The one door to apprise: a message to what a URL names. Only the process that sends imports it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from bittrader.errors import cause_of
from bittrader.notify.masks import without

if TYPE_CHECKING:
    from bittrader.notify.message import Message

_MISSING = "apprise is not installed, which sends to URLs: pip install 'bittrader[notify]'"
_LEVELS = ("WARNING", "ERROR", "CRITICAL")
_MOST_READ, _MOST_SAID = 10_000, 500
"""Characters of what a service says is wrong, which may be a whole page."""
_SILENT = "the service did not take it, and did not say why"


def send_to_url(url: str, message: Message) -> str:
    """Why a message could not be sent, in a line that gives no secret away; nothing when it was."""
    try:
        import apprise  # noqa: PLC0415 - an optional library
    except ImportError:
        return _MISSING
    complaints = _Complaints()
    logging.getLogger("apprise").addHandler(complaints)
    try:
        causes = [*_sent(apprise, url, message), *complaints.lines]
    except Exception as error:  # noqa: BLE001 - nearly two hundred plugins, each with failures of its own
        causes = [cause_of(error)]
    finally:
        logging.getLogger("apprise").removeHandler(complaints)
    return without("; ".join(dict.fromkeys(causes))[:_MOST_READ], [url])[:_MOST_SAID]


def _sent(apprise: Any, url: str, message: Message) -> list[str]:
    """Why it was not sent, as the service's plugin says it."""
    post = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Bittrader", app_desc="Bittrader", async_mode=False))
    if not post.add(url):
        return ["apprise cannot use this URL"]
    result = post.notify(title=message.title, body=message.body, body_format="text")
    if result:
        return []
    said = [_line(one.message) for one in result.logs() if one.level in _LEVELS]
    return said or [_SILENT]


class _Complaints(logging.Handler):
    """What apprise says is wrong with a URL, in the thread that hands it over; of the sending, its result tells."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(_line(record.getMessage()))


def _line(words: str) -> str:
    return " ".join(words.split())
