"""Which parameters, and what was found. Called, it is the function `optimize.search.optimize`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """`from bittrader import optimize` finds this package once any of its modules is imported, and may call it."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from bittrader.optimize.search import optimize  # noqa: PLC0415 - nothing heavy is imported until it is called

        return optimize(*args, **options)


sys.modules[__name__].__class__ = _Callable
