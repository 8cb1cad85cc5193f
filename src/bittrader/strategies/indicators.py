"""Indicators as plain functions of arrays, under their usual names; a chart's methods are these with a cache."""

from bittrader.strategies.arrays import multiple
from bittrader.strategies.averages import ema, rma, sma
from bittrader.strategies.crossings import crossed_above, crossed_below, falling, rising
from bittrader.strategies.oscillators import rsi
from bittrader.strategies.volatility import atr, true_range

__all__ = [
    "atr",
    "crossed_above",
    "crossed_below",
    "ema",
    "falling",
    "multiple",
    "rising",
    "rma",
    "rsi",
    "sma",
    "true_range",
]
