"""Hindsight: what a strategy says of a bar may depend neither on later bars nor on where the candles begin.

Look-ahead is found by taking the future away, or by putting another in its place: what the strategy said before must
not change. Dependence on the beginning is found by taking the past away: after the warm-up, nothing must change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bittrader.market.candles import PRICES
from bittrader.market.sample import synthetic
from bittrader.market.table import utc
from bittrader.strategies.base import FLAGS
from bittrader.strategies.chart import Chart
from bittrader.strategies.differences import between, differing, first_difference
from bittrader.testing.subject import flags_of, having, kept_signals, signals_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bittrader.market.candles import Candles
    from bittrader.strategies.base import Signals, Strategy
    from bittrader.testing.subject import Subject

_FEW = 10
_EVENTS = 16
_CUTS = 16
_ENDS, _OTHER = "the candles end", "other candles follow"
# Where the candles begin instead: one bar later, which moves every counter, and after shares of what warming up leaves.
_BEGINNINGS = (0.0, 0.1, 0.5)
# How much higher the bars before that are instead, and on how many made-up series: where prices never come near a line
# that depends on the past, nothing shows.
_SCALES = (4.0, 0.25)
_MADE_UP = 3
_LEAST_BARS = 3_000
# Recursive averages forget, but never quite: distances that differ by less than this share count as the same.
_ALIKE = 1e-6


def no_look_ahead(subject: Subject) -> Iterator[str]:
    """Yields the first thing said about a bar that changes with the bars after it."""
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        whole = kept_signals(strategy, chart)
        for bars in _cuts(whole, len(chart), subject.seed):
            past = subject.candles.head(bars)
            for candles, tale in ((past, _ENDS), (_other_future(subject.candles, bars), _OTHER)):
                found = first_difference(whole, signals_of(strategy, Chart(candles)), bars)
                if found:
                    yield _look_ahead(subject.candles, found, bars, tale, strategy)
                    return


def no_beginning(subject: Subject) -> Iterator[str]:
    """Yields the first thing said about a bar after the warm-up that changes with the bars before the warm-up."""
    for candles in _long_series(subject):
        chart = Chart(candles)
        for strategy in subject.drawn():
            whole = kept_signals(strategy, chart)
            found = [one for past in _pasts(candles, strategy.warm_up) if (one := _dependence(whole, past, strategy))]
            if found:
                yield _beginning(candles, max(found, key=lambda one: one.needed), strategy)
                return


class _Past(NamedTuple):
    """Candles that are those of a whole series from its bar `begin` on, and have `before` others in front of them."""

    candles: Candles
    begin: int
    before: int
    tale: str


class _Dependence(NamedTuple):
    """A column that changes with the past, from bar `first` to bar `last` of the whole series."""

    column: str
    first: int
    last: int
    past: _Past

    @property
    def needed(self) -> int:
        """How many bars of the same past there must be before it no longer changes."""
        return self.last + 1 - self.past.begin


def _pasts(candles: Candles, warm_up: int) -> Iterator[_Past]:
    bars = len(candles)
    begins = [1 + int(share * (bars - warm_up)) for share in _BEGINNINGS]
    for begin in begins:
        tale = f"the candles begin {begin} {'bar' if begin == 1 else 'bars'} later"
        yield _Past(candles.window(begin, bars), begin, 0, tale)
    for begin in begins[1:]:
        before = np.arange(bars) < begin
        for scale in _SCALES:
            yield _Past(
                _scaled(candles, before, scale), begin, begin, f"the first {begin} bars are {scale:g} times as high"
            )


def _dependence(whole: Signals, past: _Past, strategy: Strategy) -> _Dependence | None:
    start = past.begin + strategy.warm_up
    told = between(signals_of(strategy, Chart(past.candles)), past.before + strategy.warm_up)
    found = differing(between(whole, start), told, _ALIKE)
    return found and _Dependence(found[0], int(found[1][0]) + start, int(found[1][-1]) + start, past)


def _long_series(subject: Subject) -> Iterator[Candles]:
    """The candles, when they are many more than it takes to warm up; then made-up ones on their grid."""
    candles, bars = subject.candles, max(_LEAST_BARS, 3 * subject.strategy.warm_up)
    if len(candles) >= bars:
        yield candles
    time = candles.time[0] + candles.timeframe.milliseconds * np.arange(bars)
    for seed in range(subject.seed, subject.seed + _MADE_UP):
        yield replace(synthetic(bars, seed), timeframe=candles.timeframe, time=time)


def _cuts(signals: Signals, bars: int, seed: int) -> list[int]:
    """Where to end the candles: at the first bars where a flag turns on or off, at some later ones, and anywhere."""
    flags = [flags_of(getattr(signals, name), bars) for name in FLAGS]
    turns = np.flatnonzero(np.logical_or.reduce([np.diff(column, prepend=False) for column in flags]))
    later = turns[np.linspace(0, len(turns) - 1, _EVENTS).astype(int)] if len(turns) else turns
    picked = np.concatenate([turns[:_EVENTS], later])
    spread = np.geomspace(_FEW, max(bars, _FEW), _CUTS).astype(int)
    random = np.random.default_rng(seed).integers(0, bars, _CUTS)
    return sorted({int(bar) for bar in (*picked, *(picked + 1), *(picked + 2), *spread, *random) if _FEW < bar < bars})


def _other_future(candles: Candles, bars: int) -> Candles:
    """The same candles up to a bar, then much wilder ones."""
    wild = np.where(np.arange(len(candles)) % 7 < 3, 2.5, 0.4)
    return _scaled(candles, np.arange(len(candles)) >= bars, wild)


def _scaled(candles: Candles, where: NDArray[np.bool_], scale: NDArray[np.float64] | float) -> Candles:
    """The candles with other prices and more volume on some bars."""
    columns = {name: np.where(where, getattr(candles, name) * scale, getattr(candles, name)) for name in PRICES}
    return replace(candles, **columns, volume=np.where(where, candles.volume * 9 + 1, candles.volume))


def _look_ahead(candles: Candles, found: tuple[str, int], bars: int, tale: str, strategy: Strategy) -> str:
    name, bar = found
    return (
        f"{name} at bar {bar} ({utc(candles.time[bar])} UTC) changes when {tale} after bar {bars - 1}"
        f"{having(strategy)}: it was not known then."
    )


def _beginning(candles: Candles, found: _Dependence, strategy: Strategy) -> str:
    where = " of made-up candles" if candles.synthetic else ""
    told = (
        f"{found.column} at bar {found.first}{where} ({utc(candles.time[found.first])} UTC) changes when "
        f"{found.past.tale}{having(strategy)}: "
    )
    if found.last < len(candles) - (len(candles) - found.past.begin - strategy.warm_up) // 4:
        told += f"if it needs {found.needed} bars to warm up, write warm_up = {found.needed} in the class; else "
    return f"{told}results depend on where the file begins, and trading live would differ from them."
