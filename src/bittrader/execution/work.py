"""What is to be evaluated, said so that this process, another one, or another computer can make the same function."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol

from bittrader.execution.base import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bittrader.execution.base import Evaluate, Rows

    MakeEvaluate = Callable[[], Evaluate[Answer]]


class Shared(Protocol):
    """Something large that many works need, such as candles: it travels once, known by its fingerprint."""

    @property
    def fingerprint(self) -> str:
        """Differs when anything differs."""


@dataclass(frozen=True)
class Code:
    """A user's own files that the work needs, as they were when it began."""

    reference: str
    """What finds the strategy or function in them, as `folder/file.py:name`."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The contents by path, relative, with slashes."""
    digest: str = ""
    """What a folder must hold to be the same code."""


class Remote(Protocol):
    """What another computer makes the function from; picklable."""

    @property
    def code(self) -> Code | None:
        """The user's own files for it; None where all of it is in the package."""

    def make_at(self, reference: str | None) -> MakeEvaluate[Any]:
        """The factory, with the user's code found by this reference; None where all of it is in the package."""

    def differs(self, reference: str | None) -> str | None:
        """What makes this computer's numbers other ones than the driver's, in words; None when nothing does."""


@dataclass(frozen=True, eq=False)
class Work(Generic[Answer]):
    """Everything there is to know about evaluating batches of one search."""

    make: MakeEvaluate[Answer]
    """Makes the function in this process."""
    sent: MakeEvaluate[Answer]
    """Makes it in another process of this computer; picklable."""
    remote: Callable[[], Remote | str]
    """What makes it on another computer; or why no other computer could."""
    shared: Sequence[Shared] = ()
    """What is large of that."""
    first: Rows | None = None
    """What a new process evaluates for nothing, because the first evaluation compiles."""
    time_limit: float | None = None
    """Seconds that one row may take."""
    memory_limit: float | None = None
    """Megabytes that the process of an evaluation may take."""
    name: str = ""
    """What people call the search."""
    apart: bool = False
    """Whether it needs processes of its own, because it may hang, crash or hold the interpreter's lock."""


def packed(thing: object, shared: Sequence[Shared]) -> bytes:
    """A thing pickled without what it shares, of which only the fingerprints are in it."""
    buffer = io.BytesIO()
    _Packer(buffer, {id(one): one.fingerprint for one in shared}).dump(thing)
    return buffer.getvalue()


def unpacked(data: bytes, shared: Mapping[str, object]) -> Any:
    """The thing that `packed` packed, with what it shares taken from here by fingerprint."""
    return _Unpacker(io.BytesIO(data), shared).load()


class _Packer(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, names: Mapping[int, str]) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL)
        self._names = names

    def persistent_id(self, obj: object) -> str | None:
        return self._names.get(id(obj))


class _Unpacker(pickle.Unpickler):
    def __init__(self, buffer: io.BytesIO, shared: Mapping[str, object]) -> None:
        super().__init__(buffer)
        self._shared = shared

    def persistent_load(self, pid: str) -> object:
        return self._shared[pid]
