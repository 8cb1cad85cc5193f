"""What a strategy would have earned. Called, it is the function `backtest.run.backtest`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """`from bittrader import backtest` finds this package once any of its modules is imported, and may call it."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from bittrader.backtest.run import backtest  # noqa: PLC0415 - nothing heavy is imported until it is called

        return backtest(*args, **options)


sys.modules[__name__].__class__ = _Callable
