"""One check for each kind of problem: what finds it, and what mends it.

The checks are made in the order of `STAGES`, each on rows that the ones before it have mended: duplicates are looked
for in sorted rows, gaps in unique ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bittrader.errors import DataError
from bittrader.market.problems import Problem
from bittrader.market.table import Table, rising, typical_step, utc
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

# A price this many times beyond both what comes before and what comes after is a bad tick. In years of hourly and
# 1-minute candles of seven markets, crashes that the market made itself reached 3.4; the known bad ticks begin at 5.
_BAD_TICK_FACTOR = 4.0
# That many equal steps of another length in a row are another timeframe, not a row of gaps.
_MIXED_RUN = 24
# Filling may make at most this many bars for each one that is there; a wrong time unit would make more.
_FILL_LIMIT = 20
# That many bars in a row that equal earlier ones in all values are a copy, not chance.
_COPY_RUN = 3
_COPY_BREAK = 1 << 40
_HASH = np.uint64(0x9E3779B97F4A7C15)
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Context:
    """What a check knows besides the rows."""

    timeframe: Timeframe
    now: int
    """UTC milliseconds."""

    @property
    def step(self) -> int:
        """The bar's length in milliseconds."""
        return self.timeframe.milliseconds


@dataclass(frozen=True)
class Stage:
    """A choice, what finds the problems that it mends, and what mends them with one of its values."""

    choice: str
    find: Callable[[Table, Context], list[Problem]]
    fix: Callable[[Table, Context, str], Table]


# The table as a whole: no choice mends these.


def whole(table: Table, context: Context) -> list[Problem]:
    """Problems of time that no row can be blamed for: another timeframe, two of them, the future."""
    problems = _other_timeframe(rising(table.time), context)
    ahead = table.time > context.now
    if ahead.any():
        sentence = f"{_rows(ahead)} in the future: is the time unit right (--time-unit s, ms, us, ns)?"
        problems.append(Problem("future", int(ahead.sum()), _places(table.time[ahead]), sentence))
    return problems


def _other_timeframe(time: NDArray[np.int64], context: Context) -> list[Problem]:
    steps = np.diff(time)
    if (steps == context.step).all():
        return []
    seen = typical_step(time)
    if seen is not None and seen != context.timeframe:
        sentence = f"the bars are {seen} apart, not {context.timeframe}: say --timeframe {seen}, or resample them after"
        return [Problem("wrong-timeframe", len(time), (), sentence)]
    starts, lengths = _runs(steps)
    long = (lengths >= _MIXED_RUN) & (steps[starts] != context.step)
    if not long.any():
        return []
    first = starts[long][0]
    other = f"{Timeframe(int(steps[first]))} apart from {utc(time[first])}"
    sentence = f"timeframes are mixed: the bars are {context.timeframe} apart, but {other}"
    return [Problem("mixed-timeframes", int(lengths[long].sum()), _places(time[starts[long]]), sentence)]


def _runs(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The start and length of each run of equal values."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return starts, np.diff(np.concatenate([starts, [len(values)]]))


# Rows that cannot be bars.


def _find_invalid(table: Table, context: Context) -> list[Problem]:  # noqa: ARG001 - every check's signature
    words = {
        "not-a-price": "lacking four positive prices",
        "inconsistent": "inconsistent: the high or low is not the extreme of the prices",
        "bad-volume": "lacking a volume, or it is negative",
    }
    return [
        Problem(kind, int(bad.sum()), _places(table.time[bad]), f"{_rows(bad)} {words[kind]}", "invalid", ("drop",))
        for kind, bad in _invalid(table).items()
        if bad.any()
    ]


def _invalid(table: Table) -> dict[str, Flags]:
    """For each row, whether it is no bar, by the reason. Comparisons with NaN are false."""
    prices = table.prices()
    lowest, highest = prices.min(axis=0), prices.max(axis=0)
    return {
        "not-a-price": ~((lowest > 0) & (highest < np.inf)),
        "inconsistent": (highest > table.high) | (lowest < table.low),
        "bad-volume": ~((table.volume >= 0) & (table.volume < np.inf)),
    }


def _drop_invalid(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    return table.take(~np.logical_or.reduce(list(_invalid(table).values())))


# Order and repetition.


def _find_unordered(table: Table, context: Context) -> list[Problem]:  # noqa: ARG001 - every check's signature
    back = np.diff(table.time) < 0
    if not back.any():
        return []
    places = _places(table.time[1:][back])
    sentence = f"the rows are not in order of time: it steps back {_times(back.sum())} {utc(places[0])}"
    return [Problem("unordered", int(back.sum()), places, sentence, "unordered", ("sort",))]


def _sort(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    return table.take(np.argsort(table.time, kind="stable"))


def _find_duplicates(table: Table, context: Context) -> list[Problem]:  # noqa: ARG001 - every check's signature
    repeated = _repeats(table)
    if not repeated.any():
        return []
    differs = repeated & ~_equal_to_first(table)
    conflicts, exact = np.unique(table.time[differs]), repeated & ~differs
    problems = []
    if exact.any():
        sentence = f"{_rows(exact)} repeated exactly"
        places = _places(table.time[exact])
        options = ("drop", "first", "last")
        problems.append(Problem("duplicates", int(exact.sum()), places, sentence, "duplicates", options))
    if len(conflicts):
        again = "1 bar comes" if len(conflicts) == 1 else f"{len(conflicts):,} bars come"
        sentence = f"{again} again with other values, the first at {utc(conflicts[0])}"
        places = _places(conflicts)
        problem = Problem(
            "conflicting-duplicates", int(differs.sum()), places, sentence, "duplicates", ("first", "last")
        )
        problems.append(problem)
    return problems


def _repeats(table: Table) -> Flags:
    """For each row, whether an earlier one has its time."""
    return np.concatenate([[False], np.diff(table.time) == 0])


def _equal_to_first(table: Table) -> Flags:
    """For each row, whether it equals the first row of its time."""
    first = np.maximum.accumulate(np.where(_repeats(table), 0, np.arange(len(table))))
    equal = np.ones(len(table), dtype=np.bool_)
    for column in table.columns().values():
        equal &= column == column[first]
    return equal


def _deduplicate(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    new = np.diff(table.time) != 0
    return table.take(np.concatenate([new, [True]]) if choice == "last" else np.concatenate([[True], new]))


# The grid of bars.


def _find_unfinished(table: Table, context: Context) -> list[Problem]:
    last = int(table.time[-1])
    off = _off_grid(table, context)[-1]
    if not off and not (last <= context.now < last + context.step):
        return []
    why = "starts between two bars" if off else "has not ended yet"
    sentence = f"the last bar, {utc(last)}, is unfinished: it {why}"
    return [Problem("unfinished", 1, (last,), sentence, "unfinished", ("drop",))]


def _drop_last(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    return table.take(slice(None, -1))


def _off_grid(table: Table, context: Context) -> Flags:
    """For each row, whether it starts elsewhere in the bar's length than most rows do."""
    remainder = table.time % context.step
    if (remainder == remainder[0]).all():
        return np.zeros(len(table), dtype=np.bool_)
    values, counts = np.unique(remainder, return_counts=True)
    off: Flags = remainder != values[counts.argmax()]
    return off


def _find_off_grid(table: Table, context: Context) -> list[Problem]:
    off = _off_grid(table, context)
    if not off.any():
        return []
    sentence = f"{_rows(off)} between two bars of {context.timeframe}"
    return [Problem("off-grid", int(off.sum()), _places(table.time[off]), sentence, "off_grid", ("drop",))]


def _drop_off_grid(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    return table.take(~_off_grid(table, context))


# Prices that nobody paid.


def _bad_ticks(table: Table) -> Flags:
    """For each row, whether its low or high is far beyond the prices both before and after.

    Before and after are the medians of three closes: a lone bad neighbour does not count, and a price that stays where
    it went is no bad tick. Where the market itself moved, it takes so much more. At the ends, the first open and the
    last close stand in for the rows that are not there.
    """
    padded = np.concatenate([np.repeat(table.open[:1], 3), table.close, np.repeat(table.close[-1:], 3)])
    rows = len(table)
    before = _median(padded[0:rows], padded[1 : rows + 1], padded[2 : rows + 2])
    after = _median(padded[4 : rows + 4], padded[5 : rows + 5], padded[6 : rows + 6])
    lower, upper = np.minimum(before, after), np.maximum(before, after)
    far = _BAD_TICK_FACTOR * upper / lower
    bad: Flags = (table.low * far < lower) | (table.high > upper * far)
    return bad


def _median(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle one of three columns."""
    middle: NDArray[np.float64] = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return middle


def _find_bad_ticks(table: Table, context: Context) -> list[Problem]:  # noqa: ARG001 - every check's signature
    bad = _bad_ticks(table)
    if not bad.any():
        return []
    first = int(np.flatnonzero(bad)[0])
    low, high, close = table.low[first], table.high[first], table.close[max(first - 1, 0)]
    example = f"{utc(table.time[first])} from {low:g} to {high:g} after a close of {close:g}"
    sentence = f"{bad.sum():,} {'bar' if bad.sum() == 1 else 'bars'} with a bad tick: {example}"
    return [Problem("bad-ticks", int(bad.sum()), _places(table.time[bad]), sentence, "bad_ticks", ("drop", "keep"))]


def _drop_bad_ticks(table: Table, context: Context, choice: str) -> Table:  # noqa: ARG001 - every fix's signature
    return table if choice == "keep" else table.take(~_bad_ticks(table))


# Bars that are not there.


def _find_gaps(table: Table, context: Context) -> list[Problem]:
    missing = np.diff(table.time) // context.step - 1
    gaps = np.flatnonzero(missing > 0)
    if len(gaps) == 0:
        return []
    longest = gaps[missing[gaps].argmax()]
    total, starts = int(missing[gaps].sum()), table.time[gaps] + context.step
    where = f"the longest of {missing[longest]:,} from {utc(table.time[longest] + context.step)}"
    sentence = f"{total:,} {'bar is' if total == 1 else 'bars are'} missing in {_count(len(gaps), 'gap')}, {where}"
    return [Problem("gaps", total, _places(starts), sentence, "gaps", ("fill", "keep"))]


def _fill(table: Table, context: Context, choice: str) -> Table:
    """The table with a flat bar at the last close, volume 0, for each missing one."""
    if choice == "keep":
        return table
    bars = np.diff(table.time) // context.step
    if bars.sum() > _FILL_LIMIT * len(table):
        raise DataError(f"{bars.sum():,} bars would have to be made from {len(table):,}. Use --gaps keep, or --since.")
    repeats = np.concatenate([bars, [1]])
    source = np.repeat(np.arange(len(table)), repeats)
    made = np.concatenate([[False], np.diff(source) == 0])
    close = table.close[source]
    prices = {name: np.where(made, close, getattr(table, name)[source]) for name in ("open", "high", "low")}
    time = table.time[0] + np.arange(len(source), dtype=np.int64) * context.step
    return Table(time=time, close=close, volume=np.where(made, 0.0, table.volume[source]), **prices)


STAGES = (
    Stage("invalid", _find_invalid, _drop_invalid),
    Stage("unordered", _find_unordered, _sort),
    Stage("duplicates", _find_duplicates, _deduplicate),
    Stage("unfinished", _find_unfinished, _drop_last),
    Stage("off_grid", _find_off_grid, _drop_off_grid),
    Stage("bad_ticks", _find_bad_ticks, _drop_bad_ticks),
    Stage("gaps", _find_gaps, _fill),
)


def notes(table: Table, context: Context) -> list[Problem]:
    """What is worth knowing and no error."""
    found = _copies(table)
    idle = table.volume == 0
    if idle.any():
        share = f"{_count(int(idle.sum()), 'bar')} ({idle.mean():.1%}) of volume 0"
        found.append(Problem("zero-volume", int(idle.sum()), _places(table.time[idle]), share, note=True))
    offset = int(table.time[0] % context.step)
    if offset and context.step <= _DAY_MS:
        sentence = f"bars start {offset / 60_000:g} minutes after the full {context.timeframe}"
        found.append(Problem("offset", len(table), _places(table.time), sentence, note=True))
    return found


def _copies(table: Table) -> list[Problem]:
    """Stretches that repeat, bar by bar, an earlier stretch: a source that published hours under another time."""
    values = [column.view(np.uint64) for name, column in table.columns().items() if name != "time"]
    key = np.zeros(len(table), np.uint64)
    for column in values:
        key = key * _HASH + column
    moved = np.flatnonzero((table.high > table.low) & (table.volume > 0))
    order = moved[np.argsort(key[moved], kind="stable")]
    equal = key[order[1:]] == key[order[:-1]]
    if equal.sum() < _COPY_RUN:
        return []
    later, earlier = order[1:][equal], order[:-1][equal]
    later, lag = np.sort(later), (later - earlier)[np.argsort(later)]
    starts, lengths = _runs(lag - _COPY_BREAK * np.cumsum(np.diff(later, prepend=later[0]) > 1))
    long = lengths >= _COPY_RUN
    if not long.any():
        return []
    first, copied = later[starts[long]], int(lengths[long].sum())
    source = utc(table.time[first[0] - lag[starts[long]][0]])
    sentence = (
        f"{copied:,} bars repeat earlier ones value by value: from {utc(table.time[first[0]])} those from {source}"
    )
    return [Problem("copies", copied, _places(table.time[first]), sentence, note=True)]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _times(number: int) -> str:
    return "once, to" if number == 1 else f"{number:,} times, first to"


def _rows(bad: Flags) -> str:
    number = int(bad.sum())
    return f"{number:,} row is" if number == 1 else f"{number:,} rows are"


def _places(time: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(moment) for moment in time[:3])
