"""Which bars a search may learn from, and which it is then tested on. Knows nothing of strategies.

A training span ends with its positions, so what comes after it decides none of its figures: nothing needs to be purged
by default. A span that begins after a test has indicators that still remember the test's bars: the embargo keeps it
away from them. Purge and embargo: López de Prado, Advances in Financial Machine Learning, 2018, chapter 7.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Literal, get_args

from bittrader.errors import InputError, did_you_mean
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.backtest.spans import Span

    Times = NDArray[np.int64]

# What a search learns from in a rolling walk-forward, in lengths of a test: four fifths of what it sees.
TRAIN_LENGTHS = 4
# Each fold is a search of its own, and combinations grow faster than anyone expects.
_MOST_FOLDS = 10_000


Mode = Literal["walk-forward", "anchored", "purged-kfold", "cpcv"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class Fold:
    """One division of the bars: both in order of time, and without a common bar."""

    train: tuple[Span, ...]
    test: tuple[Span, ...]


@dataclass(frozen=True)
class Piece:
    """The bars of a path that one fold tests."""

    fold: int
    """Its index among the folds."""
    span: Span


@dataclass(frozen=True)
class Plan:
    """Folds, and the paths from their tests: each takes every tested bar once, in order of time."""

    folds: tuple[Fold, ...]
    paths: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True)
class Validation:
    """How a search is to be validated. Purge and embargo are bars, a time, or a share of all bars: `48`, `2d`, `1%`."""

    mode: Mode
    folds: int = 5
    """Tests; for `cpcv`, blocks of bars."""
    tests: int = 2
    """For `cpcv`, blocks tested at once."""
    purge: str = "0"
    """Left out before each test."""
    embargo: str = "1%"
    """Left out after each test that a training follows."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            hint = did_you_mean(self.mode, MODES) or f" There are {', '.join(MODES)}."
            raise InputError(f"there is no validation {self.mode!r}.{hint}")

    def __str__(self) -> str:
        blocks = f"{self.folds} blocks, {self.tests} at once" if self.mode == "cpcv" else f"{self.folds} folds"
        after = f", embargo {self.embargo}" if self.mode in {"purged-kfold", "cpcv"} else ""
        return f"{self.mode}, {blocks}, purge {self.purge}{after}"

    def plan(self, bars: int, timeframe: Timeframe) -> Plan:
        """The folds of a series of so many bars; InputError when they do not fit into it."""
        purge, embargo = (bars_in(extent, bars, timeframe) for extent in (self.purge, self.embargo))
        if self.mode == "cpcv":
            return combinatorial(bars, self.folds, self.tests, purge, embargo)
        if self.mode == "purged-kfold":
            return purged_kfold(bars, self.folds, purge, embargo)
        return (anchored if self.mode == "anchored" else walk_forward)(bars, self.folds, purge=purge)


def bars_in(extent: str, bars: int, timeframe: Timeframe) -> int:
    """How many bars `48`, `2d` or `1%` are, of so many; a begun bar is a whole one."""
    text = extent.strip()
    try:
        if text.endswith("%"):
            return _part(share(text), bars)
        if text.isdecimal():
            return int(text)
        return -(-Timeframe.parse(text).milliseconds // timeframe.milliseconds)
    except InputError:
        raise InputError(f"{extent!r} is no number of bars. Write bars, a time or a share: 48, 2d, 1%.") from None


def share(text: str) -> float:
    """The fraction that `20%` or `0.2` is; InputError for what is none between 0 and 1."""
    try:
        value = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < 1.0:
        raise InputError(f"{text!r} is no share of the bars. Write 20% or 0.2.")
    return value


def walk_forward(bars: int, folds: int, train: int | None = None, purge: int = 0) -> Plan:
    """Trains on the `train` bars before each of `folds` tests, which follow on each other up to the last bar.

    By default a training is four times as long as a test. `purge`: bars left out between the two. Pardo, The Evaluation
    and Optimization of Trading Strategies, 2008, chapter 11.
    """
    tests = _tests_after(bars, folds, train)
    length = tests[0][0]
    return _one_path([Fold((_ended(test[0] - length, test[0], purge),), (test,)) for test in tests])


def anchored(bars: int, folds: int, train: int | None = None, purge: int = 0) -> Plan:
    """Like `walk_forward`, but each training begins with the first bar; `train` is the length of the first."""
    tests = _tests_after(bars, folds, train)
    return _one_path([Fold((_ended(0, test[0], purge),), (test,)) for test in tests])


def purged_kfold(bars: int, folds: int, purge: int = 0, embargo: int = 0) -> Plan:
    """Tests each of `folds` blocks of bars once, trained on the others.

    `purge`: bars before a test that no training uses; `embargo`: likewise after it.
    """
    blocks = _trained_and_tested(bars, folds)
    return _one_path([Fold(_around(bars, [block], purge, embargo), (block,)) for block in blocks])


def combinatorial(bars: int, groups: int, tests: int = 2, purge: int = 0, embargo: int = 0) -> Plan:
    """Tests every choice of `tests` from `groups` blocks of bars, trained on the others, and gives all paths.

    There are C(groups, tests) folds, and C(groups, tests) * tests / groups paths: the j-th path takes of each block the
    j-th fold that tests it. López de Prado, 2018, chapter 12. `purge` and `embargo` as for `purged_kfold`.
    """
    blocks = _trained_and_tested(bars, groups)
    if not 1 <= tests < groups:
        raise InputError(f"of {groups} blocks, from 1 to {groups - 1} can be tested at once, not {tests}.")
    if (count := math.comb(groups, tests)) > _MOST_FOLDS:
        raise InputError(f"{tests} of {groups} blocks at once are {count:,} folds, and each is a search. Use fewer.")
    chosen = list(combinations(range(groups), tests))
    folds = [
        Fold(_around(bars, [blocks[group] for group in some], purge, embargo), tuple(blocks[group] for group in some))
        for some in chosen
    ]
    testing = [[fold for fold, some in enumerate(chosen) if group in some] for group in range(groups)]
    paths = [
        tuple(Piece(testing[group][path], blocks[group]) for group in range(groups)) for path in range(len(testing[0]))
    ]
    return Plan(_trainable(folds), tuple(paths))


def same_time(spans: Iterable[Span], reference: Times, other: Times) -> tuple[Span, ...]:
    """The spans of the bars of one series as those of another at the same time; empty ones are left out.

    What begins or ends with the one series begins or ends with the other.
    """

    def edge(bar: int) -> int:
        if bar == 0:
            return 0
        return len(other) if bar == len(reference) else bisect_left(other, reference[bar])

    moved = ((edge(start), edge(stop)) for start, stop in spans)
    return tuple((start, stop) for start, stop in moved if start < stop)


def development(bars: int, holdout: float) -> int:
    """How many of the bars, from the first on, are there to search in when a share of all is held out at their end."""
    if not 0.0 <= holdout <= 0.9:
        raise InputError(f"the holdout must be between 0 and 90 % of the bars, not {holdout:.4g}.")
    kept = bars - _part(holdout, bars)
    if kept < 2:
        raise InputError(f"a holdout of {holdout:.0%} leaves none of {bars} bars to search in.")
    return kept


def held_out(series: Sequence[Times], holdout: float) -> tuple[Span, ...]:
    """The bars of each series that are held out: a share of the longest one's, and the same time of the others."""
    longest = max(series, key=len)
    kept = development(len(longest), holdout)
    spans = [same_time([(kept, len(longest))], longest, one) if kept < len(longest) else () for one in series]
    found = tuple(some[0] if some else (len(one), len(one)) for one, some in zip(series, spans, strict=True))
    if kept < len(longest) and not all(0 < start < stop for start, stop in found):
        raise InputError("not every series has bars both before the holdout and in it. Hold out another share.")
    return found


def _part(fraction: float, bars: int) -> int:
    """A fraction of the bars, a begun bar whole: 7 % of 100 are 7, although 0.07 * 100 is more."""
    return max(math.ceil(round(fraction * bars, 6)), 1 if fraction > 0.0 else 0)


def _one_path(folds: list[Fold]) -> Plan:
    return Plan(_trainable(folds), (tuple(Piece(index, fold.test[0]) for index, fold in enumerate(folds)),))


def _trainable(folds: list[Fold]) -> tuple[Fold, ...]:
    if not all(fold.train for fold in folds):
        raise InputError("purge and embargo leave nothing to train on. Make them shorter, or the folds fewer.")
    return tuple(folds)


def _tests_after(bars: int, folds: int, train: int | None) -> list[Span]:
    """The tests that follow on a first training."""
    _require_room(bars, folds)
    first = round(bars * TRAIN_LENGTHS / (TRAIN_LENGTHS + folds)) if train is None else train
    if not 2 <= first < bars:
        raise InputError(f"of {bars} bars, from 2 to {bars - 1} can be trained on first, not {first}.")
    return _blocks(first, bars, folds)


def _trained_and_tested(bars: int, count: int) -> list[Span]:
    """All bars in blocks, of which some are tested and the others are trained on."""
    if count < 2:
        raise InputError(f"folds must be at least 2, not {count}: one is tested, the others are trained on.")
    return _blocks(0, bars, count)


def _require_room(bars: int, folds: int) -> None:
    if not 1 <= folds <= _MOST_FOLDS:
        raise InputError(f"folds must be between 1 and {_MOST_FOLDS:,}, not {folds:,}.")
    if bars < 2 * folds:
        raise InputError(f"{bars:,} bars are too few to test {folds:,} folds. Use fewer folds.")


def _blocks(start: int, stop: int, count: int) -> list[Span]:
    """The bars in `count` blocks of equal length, up to one bar."""
    _require_room(stop - start, count)
    return list(pairwise(start + (stop - start) * index // count for index in range(count + 1)))


def _ended(start: int, stop: int, purge: int) -> Span:
    """A training up to a test."""
    if stop - purge - start < 2:
        raise InputError(f"a purge of {purge} bars leaves nothing of a training of {stop - start}. Make it shorter.")
    return start, stop - purge


def _around(bars: int, tests: Iterable[Span], purge: int, embargo: int) -> tuple[Span, ...]:
    """The bars that are neither tested nor too near to a test; parts of a single bar are left out."""
    free, found = 0, list[tuple[int, int]]()
    for start, stop in tests:
        found.append((free, start - purge))
        free = stop + embargo
    found.append((free, bars))
    return tuple((start, stop) for start, stop in found if stop - start >= 2)
