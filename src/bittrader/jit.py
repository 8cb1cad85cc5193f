"""The one door to Numba."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """The function, compiled on its first call, cached on disk, and run without the interpreter's lock.

    No fast-math: a node with another processor must give the same bits.
    """
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def lean(function: F) -> F:
    """Like `compiled`, for functions that make no array, and inlined where they are called.

    Without Numba's reference counts, which in loops that slice arrays cost as much as the work; inlined, because an
    array is passed as seven numbers, and a few of them cost more than a short trade.
    """
    # `_nrt` is what Numba's own tests use; its types leave it out.
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)(function))  # type: ignore[call-overload]
