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


def send_to_url(url: str, message: Message) -> str:
    """Why a message could not be sent, in a line that gives no secret away; nothing when it was."""
    try:
        import apprise  # noqa: PLC0415 - an optional library
    except ImportError:
        return _MISSING
    complaints = _Complaints()
    logging.getLogger("apprise").addHandler(complaints)
    try:
        sent = _sent(apprise, url, message)
        cause = "; ".join(dict.fromkeys(complaints.lines)) or "the service did not take it, and did not say why"
    except Exception as error:  # noqa: BLE001 - over a hundred plugins, each with failures of its own
        sent, cause = False, cause_of(error)
    finally:
        logging.getLogger("apprise").removeHandler(complaints)
    return "" if sent else without(cause, [url])


def _sent(apprise: Any, url: str, message: Message) -> bool:
    asset = apprise.AppriseAsset(app_id="Bittrader", app_desc="Bittrader", async_mode=False)
    post = apprise.Apprise(asset=asset)
    return bool(post.add(url)) and bool(post.notify(title=message.title, body=message.body, body_format="text"))


class _Complaints(logging.Handler):
    """What apprise says is wrong, in this thread: it sends a message to one URL in the thread that asks for it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(" ".join(record.getMessage().split()))
