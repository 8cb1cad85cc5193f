"""Results by what made them, as many as fit a bound of bytes; the ones not asked for longest go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


T = TypeVar("T")


class Cache:
    """A cache that threads share. Nothing is locked while a result is made: two threads may make the same one at the
    same time, and both then get the one that was kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._entries: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for `key`: the one we have, else what `make` returns, kept when it fits the bound at all."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]  # type: ignore[return-value]
        made = make()
        size = _bytes(made)
        if size > self._limit:
            return made
        with self._lock:
            if key in self._entries:
                return self._entries[key][0]  # type: ignore[return-value]
            self._entries[key] = (made, size)
            self._held += size
            while self._held > self._limit:
                self._held -= self._entries.popitem(last=False)[1][1]
        return made

    @property
    def nbytes(self) -> int:
        """The bytes held now."""
        return self._held

    def __len__(self) -> int:
        return len(self._entries)


def _bytes(result: object) -> int:
    if isinstance(result, tuple):
        return sum(map(_bytes, result))
    size = getattr(result, "nbytes", 0)
    return int(size)
