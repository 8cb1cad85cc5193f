"""The one door to Numba."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

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
    """Numba's cache on disk, begun anew where a power cut left files of it empty, or where a class in it has moved."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except (EOFError, UnpicklingError, AttributeError, ImportError):
            self.flush()  # type: ignore[no-untyped-call]
            return None


def _cached(dispatcher: Any) -> Any:
    """The dispatcher, with its cache; just the function where Numba is switched off."""
    if isinstance(dispatcher, Dispatcher):
        cache = _Cache(dispatcher.py_func)  # type: ignore[no-untyped-call]
        dispatcher._cache = cache  # type: ignore[attr-defined] # noqa: SLF001 - as `enable_caching` does
    return dispatcher


def prefetch(column: NDArray[Any], index: int) -> None:
    """Asks the memory for the cache line of `column[index]` without waiting for it, in compiled code.

    Worth it where a place that the processor cannot foresee is known some hundred instructions before it is read.
    """


@overload(prefetch, inline="always")
def _prefetch(column: Any, index: Any) -> Callable[..., None]:  # noqa: ARG001 - types, from which Numba chooses
    def request(column: Any, index: Any) -> None:
        _request(column, index)  # type: ignore[call-arg]  # Numba gives the first

    return request


@intrinsic
def _request(_typing: Any, column: Any, index: Any) -> tuple[Any, Callable[..., Any]]:
    """LLVM's `prefetch`: for reading, to be kept in all caches, data."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return numba.void(column, index), generate
