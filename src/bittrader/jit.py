"""The one door to Numba."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import TYPE_CHECKING, TypeVar, cast

import numba
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """The function, compiled on its first call, cached on disk, and run without the interpreter's lock.

    No fast-math: a node with another processor must give the same bits.
    """
    return cast("F", _cached(numba.njit(nogil=True, error_model="numpy")(function)))


def lean(function: F) -> F:
    """Like `compiled`, for functions that make no array, and inlined where they are called.

    Without Numba's reference counts, which in loops that slice arrays cost as much as the work; inlined, because an
    array is passed as seven numbers, and a few of them cost more than a short trade.
    """
    # `_nrt` is what Numba's own tests use; its types leave it out.
    dispatcher = numba.njit(nogil=True, error_model="numpy", forceinline=True, _nrt=False)(function)  # type: ignore[call-overload]
    return cast("F", _cached(dispatcher))


class _Cache(FunctionCache):
    """Numba's cache on disk, which is begun anew where a power cut left files of it empty."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except (EOFError, UnpicklingError):
            self.flush()  # type: ignore[no-untyped-call]
            return None


def _cached(dispatcher: Any) -> Any:
    """The dispatcher, with its cache; just the function where Numba is switched off."""
    if isinstance(dispatcher, Dispatcher):
        cache = _Cache(dispatcher.py_func)  # type: ignore[no-untyped-call]
        dispatcher._cache = cache  # type: ignore[attr-defined] # noqa: SLF001 - as `enable_caching` does
    return dispatcher
