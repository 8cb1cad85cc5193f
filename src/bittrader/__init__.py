"""Search for trading strategies over very long candle histories, fast, without losing an evaluation."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.backtest.metrics import Metrics
    from bittrader.backtest.result import Result
    from bittrader.backtest.run import backtest, evaluate_many
    from bittrader.errors import BittraderError
    from bittrader.market.candles import Candles
    from bittrader.market.store import read_candles
    from bittrader.optimize.search import optimize
    from bittrader.strategies.base import Signals, Strategy
    from bittrader.strategies.chart import Chart
    from bittrader.strategies.indicators import crossed_above, crossed_below
    from bittrader.strategies.parameters import Choice, Float, Int

_HOMES = {
    "bittrader.backtest.costs": ("Costs", "Sizing"),
    "bittrader.backtest.metrics": ("Metrics",),
    "bittrader.backtest.result": ("Result",),
    "bittrader.backtest.run": ("evaluate_many",),
    "bittrader.errors": ("BittraderError",),
    "bittrader.market.candles": ("Candles",),
    "bittrader.market.store": ("read_candles",),
    "bittrader.strategies.base": ("Signals", "Strategy"),
    "bittrader.strategies.chart": ("Chart",),
    "bittrader.strategies.indicators": ("crossed_above", "crossed_below"),
    "bittrader.strategies.parameters": ("Choice", "Float", "Int"),
}
_FUNCTIONS = {"backtest": "bittrader.backtest.run", "optimize": "bittrader.optimize.search"}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BittraderError",
    "Candles",
    "Chart",
    "Choice",
    "Costs",
    "Float",
    "Int",
    "Metrics",
    "Result",
    "Signals",
    "Sizing",
    "Strategy",
    "__version__",
    "backtest",
    "crossed_above",
    "crossed_below",
    "evaluate_many",
    "optimize",
    "read_candles",
]


class CallablePackage(ModuleType):
    """A package that can be called as its function of the same name: Python gives both one place in this namespace.

    `from bittrader import backtest` finds the package whatever was imported before, so it must do as the function.
    Nothing heavy is imported until it is called.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(_FUNCTIONS[name]), name)(*args, **options)


def __getattr__(name: str) -> object:
    """Imports a public name's module when the name is first asked for."""
    if name in _FUNCTIONS:
        return import_module(f"bittrader.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bittrader' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
