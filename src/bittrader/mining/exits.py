"""Rules that end a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.mining.rules import Exit, table
from bittrader.strategies.base import Multiple
from bittrader.strategies.parameters import Float, Int

if TYPE_CHECKING:
    from bittrader.strategies.chart import Chart

_ATR_LENGTH = Int(5, 50, default=14)


class Opposite(Exit):
    """At the opposite entry signal, whether filters let that one pass or not."""

    words = "at the opposite signal"


class Stop(Exit):
    """At a loss, as wide as the market was nervous."""

    signal = "stop"
    atr_length = _ATR_LENGTH
    stop_atr = Float(0.5, 10, default=2.5, step=0.25)
    words = "at a stop of {stop_atr} ATR({atr_length})"

    def order(self, chart: Chart) -> Multiple | int:
        atr = chart.atr(self.atr_length)
        return Multiple(atr, self.stop_atr)


class Target(Exit):
    """At a profit, as far as the market was nervous."""

    signal = "target"
    atr_length = _ATR_LENGTH
    target_atr = Float(0.5, 20, default=5, step=0.25)
    words = "at a target of {target_atr} ATR({atr_length})"

    def order(self, chart: Chart) -> Multiple | int:
        atr = chart.atr(self.atr_length)
        return Multiple(atr, self.target_atr)


class Trail(Exit):
    """At a stop that follows the best price."""

    signal = "trail"
    atr_length = _ATR_LENGTH
    trail_atr = Float(0.5, 20, default=5, step=0.25)
    words = "at a trailing stop of {trail_atr} ATR({atr_length})"

    def order(self, chart: Chart) -> Multiple | int:
        atr = chart.atr(self.atr_length)
        return Multiple(atr, self.trail_atr)


class Time(Exit):
    """After so many bars."""

    signal = "max_bars"
    max_bars = Int(2, 500, default=48, log=True)
    words = "after {max_bars} bars"

    def order(self, chart: Chart) -> Multiple | int:  # noqa: ARG002 - as the others
        return self.max_bars


EXITS: dict[str, type[Exit]] = table(Opposite, Stop, Target, Trail, Time)
