"""A short digest of an answer, so that two computers' answers about the same rows can be compared long after."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.execution.base import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from bittrader.execution.base import Part

Digests = dict[tuple[int, int], bytes]


def digests_of(parts: Sequence[Part[Any]]) -> Digests:
    """A digest for each part that has an answer, by its rows. Failures have none: their words may differ."""
    return {(part.start, part.stop): digest_of(part.outcome) for part in parts if not isinstance(part.outcome, Failure)}


def differ(first: Digests, second: Digests) -> bool:
    """Whether two answers about the same batch disagree about any rows that both have."""
    return any(first[rows] != second[rows] for rows in first.keys() & second.keys())


def digest_of(answer: object) -> bytes:
    """16 bytes that differ when any bit of a number differs; all NaN are equal, and words do not count."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest.update, answer)
    return digest.digest()


def _feed(take: Callable[[bytes], object], value: object) -> None:
    take(type(value).__name__.encode())
    if isinstance(value, np.ndarray) and value.dtype != object:
        take(f"{value.dtype}{value.shape}".encode())
        whole = np.where(np.isnan(value), np.nan, value) if value.dtype.kind == "f" else value
        take(np.ascontiguousarray(whole, dtype=value.dtype).tobytes())
    elif isinstance(value, float):
        take(struct.pack("d", value if value == value else np.nan))  # noqa: PLR0124 - only NaN differs from itself
    elif is_dataclass(value):
        _feed_all(take, [getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            take(repr(key).encode())
            _feed(take, value[key])
    elif isinstance(value, list | tuple):
        _feed_all(take, value)
    elif not isinstance(value, str):  # words, as in a cause of failure, may name a computer's own folders
        take(pickle.dumps(value))


def _feed_all(take: Callable[[bytes], object], values: Sequence[object]) -> None:
    take(struct.pack("q", len(values)))
    for value in values:
        _feed(take, value)
