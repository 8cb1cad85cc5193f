"""Strategies with a planted fault, and what the checks say of them."""

from __future__ import annotations

import numpy as np
from tests.strategies.made import walk

from bittrader.strategies.base import Signals, Strategy
from bittrader.testing.strategies import check_strategy

SERIES = walk(1200, 13)


def flags(condition) -> Signals:
    return Signals(enter_long=np.asarray(condition, dtype=np.bool_))


def strategy_of(function, **parameters) -> type[Strategy]:
    body = {"signals": lambda _self, chart: function(chart), "__doc__": "Planted.", **parameters}
    return type("Planted", (Strategy,), body)


def found(strategy, series=SERIES) -> dict[str, str]:
    return {finding.check: finding.words for finding in check_strategy(strategy, series)}
