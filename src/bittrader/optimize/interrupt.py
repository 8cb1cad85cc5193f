"""Ctrl-C as a wish to stop, which the search grants between two batches."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_wished() -> Iterator[Callable[[], bool]]:
    """A function that says whether the user wants to stop. The second Ctrl-C interrupts at once.

    Only the main thread may ask for signals; elsewhere nobody stops a search but its budget.
    """
    wished = threading.Event()

    def wish(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        if wished.is_set():
            raise KeyboardInterrupt
        wished.set()

    if threading.current_thread() is not threading.main_thread():
        yield wished.is_set
        return
    before = {number: signal.signal(number, wish) for number in _SIGNALS}
    try:
        yield wished.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
