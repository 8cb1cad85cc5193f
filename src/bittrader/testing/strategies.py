"""The contract of a strategy as checks that anyone can run on their own: `check_strategy(MyStrategy, candles)`.

Look-ahead is found by taking the future away, or by putting another in its place: what a strategy said before must not
change. No check can prove its absence; these look where a strategy acts, where a glance ahead would show.
"""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import BittraderError, cause_of
from bittrader.market.candles import PRICES, Candles
from bittrader.market.table import utc
from bittrader.market.timeframe import Timeframe
from bittrader.strategies.base import DISTANCES, FLAGS, Signals, Strategy, checked, plain
from bittrader.strategies.chart import Chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

# Longer histories are checked on their last bars: what is wrong shows there as well, and in seconds.
MOST_BARS = 20_000
_START, _HOUR = 1_577_836_800_000, 3_600_000  # 2020-01-01
_FEW = 10
_EVENTS = 16
_CUTS = 16
_DRAWN = 4
_ENDS, _OTHER = "the candles end", "other candles follow"


@dataclass(frozen=True)
class Finding:
    """Something that a check found; `breaks` when it breaks the contract, else it is worth knowing."""

    check: str
    words: str
    breaks: bool = True


@dataclass(frozen=True)
class Check:
    """One thing that a strategy promises."""

    name: str
    promise: str
    run: Callable[[Subject], Iterator[str]]
    breaks: bool = True


@dataclass(frozen=True)
class Subject:
    """A strategy, and the candles and parameter sets it is tried with."""

    strategy: type[Strategy]
    candles: Candles
    seed: int

    def drawn(self) -> list[Strategy]:
        """The defaults, where they are allowed, and a few random parameter sets."""
        rng = np.random.default_rng(self.seed)
        rows = self.strategy.space.sample(rng, _DRAWN) if self.strategy.space.names else np.empty((0, 0))
        return [*_allowed(self.strategy, [{}]), *map(self.strategy.from_row, rows)]

    def edges(self) -> list[Strategy]:
        """Every parameter at its lowest and highest, alone and all together, as far as the constraints allow."""
        parameters = self.strategy.space.parameters
        ends = [[p.decode(p.at(np.array([at]))[0]) for p in parameters] for at in (0.0, np.nextafter(1.0, 0.0))]
        names = self.strategy.space.names
        sets = [dict(zip(names, values, strict=True)) for values in ends]
        sets += [{name: value} for values in ends for name, value in zip(names, values, strict=True)]
        return _allowed(self.strategy, sets)


def check_strategy(strategy: type[Strategy], candles: Candles, seed: int = 1) -> list[Finding]:
    """What is wrong with a strategy on these candles; empty when it keeps its contract as far as one can see."""
    bars = len(candles)
    subject = Subject(strategy, candles.window(max(0, bars - MOST_BARS), bars), seed)
    broken = list(_findings(CHECKS[0], subject))
    if broken:
        return broken  # the others would say the same again
    return [finding for check in CHECKS for finding in _findings(check, subject)]


def _findings(check: Check, subject: Subject) -> Iterator[Finding]:
    try:
        for words in check.run(subject):
            yield Finding(check.name, words, check.breaks)
    except _Raised as error:
        yield Finding(check.name, str(error))


class _Raised(Exception):  # noqa: N818 - it is no error of ours
    """The strategy raised something."""


def _signals(strategy: Strategy, chart: Chart) -> Signals:
    """The strategy's signals, checked for type and length."""
    try:
        return plain(checked(strategy.signals(chart), len(chart)))
    except BittraderError as error:
        raise _Raised(f"{error}{_with(strategy)}") from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise _Raised(f"{cause_of(error)} ({last.filename}, line {last.lineno}){_with(strategy)}.") from error


def _runs(subject: Subject) -> Iterator[str]:
    """Yields nothing: what goes wrong is raised."""
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        _signals(strategy, chart)
    yield from ()


def _edges_work(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.edges():
        _signals(strategy, chart)
    yield from ()


def _few_bars_work(subject: Subject) -> Iterator[str]:
    for bars in (1, 2, _FEW):
        for strategy in subject.drawn()[:2]:
            _signals(strategy, Chart(subject.candles.head(bars)))
    yield from ()


def _no_look_ahead(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        whole = _kept(_signals(strategy, chart))
        for bars in _cuts(whole, len(chart), subject.seed):
            past = subject.candles.head(bars)
            for candles, tale in ((past, _ENDS), (_other_future(subject.candles, bars), _OTHER)):
                found = _first_difference(whole, _signals(strategy, Chart(candles)), bars)
                if found:
                    yield _look_ahead(subject.candles, found, bars, tale, strategy)
                    return


def _same_again(subject: Subject) -> Iterator[str]:
    chart, bars = Chart(subject.candles), len(subject.candles)
    firsts = [_kept(_signals(strategy, chart)) for strategy in subject.drawn()]
    for first, strategy in zip(firsts, subject.drawn(), strict=True):
        for other in (chart, Chart(subject.candles)):
            found = _first_difference(first, _signals(strategy, other), bars)
            if found:
                yield f"{found[0]} differs from call to call{_with(strategy)}: signals may depend on nothing else."
                return


def _no_state(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        before, shared = dict(vars(strategy)), dict(vars(type(strategy)))
        _signals(strategy, chart)
        changed = [f"self.{name}" for name in _changed(before, dict(vars(strategy)))]
        changed += [f"{type(strategy).__name__}.{name}" for name in _changed(shared, dict(vars(type(strategy))))]
        if changed:
            yield f"signals() changes {', '.join(changed)}: what one call leaves behind, another would find."
            return


def _candles_untouched(subject: Subject) -> Iterator[str]:
    columns: dict[str, Any] = {name: np.array(column) for name, column in subject.candles.columns().items()}
    candles = replace(subject.candles, **columns)
    before = candles.fingerprint
    for strategy in subject.drawn():
        _signals(strategy, Chart(candles))
        if candles.head(len(candles)).fingerprint != before:
            yield f"signals() writes into the candles{_with(strategy)}."
            return


def _threads_agree(subject: Subject) -> Iterator[str]:
    strategies, bars = subject.drawn(), len(subject.candles)
    alone = [_kept(_signals(strategy, Chart(subject.candles))) for strategy in strategies]
    chart = Chart(subject.candles)
    with ThreadPoolExecutor(4) as threads:
        jobs = [(one, threads.submit(_kept_signals, strategies[one], chart)) for one in range(len(strategies))] * 3
        for one, job in jobs:
            found = _first_difference(alone[one], job.result(), bars)
            if found:
                yield f"{found[0]} differs when several threads run at once{_with(strategies[one])}."
                return


def _distances_positive(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        signals = _signals(strategy, chart)
        enters = _enters(signals, len(chart))
        for name in DISTANCES:
            column = getattr(signals, name)
            if column is not None and (enters & (column <= 0)).any():
                wrong = np.flatnonzero(enters & (column <= 0))
                at = f"{column[wrong[0]]:g} at bar {wrong[0]}"
                yield f"{name} is {at}, where it enters{_with(strategy)}: a distance from the entry price is positive."
                return


def _worth_knowing(subject: Subject) -> Iterator[str]:
    chart, read, entered, seen = Chart(subject.candles), set[str](), False, set[str]()
    for strategy in subject.drawn() + subject.edges():
        signals = _signals(_watched(strategy, read), chart)
        entered |= bool(_enters(signals, len(chart)).any())
        both = np.count_nonzero(_flags(signals.enter_long, len(chart)) & _flags(signals.enter_short, len(chart)))
        if both and "both" not in seen:
            seen.add("both")
            yield f"it enters both sides at once on {both} bars{_with(strategy)}; neither is taken there."
    unused = [name for name in subject.strategy.space.names if name not in read]
    if unused:
        yield f"parameters that nothing reads: {', '.join(unused)}; a search would vary them in vain."
    if not entered:
        yield "it never enters a position on these candles."
    if not subject.strategy.__doc__:
        yield "it has no docstring: one line of what it does helps whoever reads a report."


CHECKS = (
    Check("runs", "returns signals of the right types and lengths", _runs),
    Check("edges", "works at the ends of every parameter's range", _edges_work),
    Check("few bars", "works on 1, 2 and 10 bars", _few_bars_work),
    Check("look-ahead", "says nothing about a bar that it could not have known then", _no_look_ahead),
    Check("same again", "says the same when asked again", _same_again),
    Check("no state", "leaves nothing behind on itself or its class", _no_state),
    Check("candles", "leaves the candles as they are", _candles_untouched),
    Check("threads", "says the same on several threads at once", _threads_agree),
    Check("distances", "stops, targets and trails are positive where it enters", _distances_positive),
    Check("notes", "nothing else worth knowing", _worth_knowing, breaks=False),
)


def _allowed(strategy: type[Strategy], sets: list[dict[str, Any]]) -> list[Strategy]:
    made = []
    for params in sets:
        try:
            made.append(strategy(**params))
        except BittraderError:  # a constraint forbids this corner
            continue
    return made


def _kept(signals: Signals) -> Signals:
    """A copy, in case the strategy writes into its arrays again."""
    columns = {name: getattr(signals, name) for name in (*FLAGS, *DISTANCES)}
    return replace(signals, **{name: None if column is None else column.copy() for name, column in columns.items()})


def _kept_signals(strategy: Strategy, chart: Chart) -> Signals:
    return _kept(_signals(strategy, chart))


def _flags(flags: NDArray[np.bool_] | None, bars: int) -> NDArray[np.bool_]:
    return np.zeros(bars, np.bool_) if flags is None else flags


def _enters(signals: Signals, bars: int) -> NDArray[np.bool_]:
    return _flags(signals.enter_long, bars) | _flags(signals.enter_short, bars)


def _cuts(signals: Signals, bars: int, seed: int) -> list[int]:
    """Where to end the candles: at the first bars where a flag turns on or off, at some later ones, and anywhere."""
    flags = [_flags(getattr(signals, name), bars) for name in FLAGS]
    turns = np.flatnonzero(np.logical_or.reduce([np.diff(column, prepend=False) for column in flags]))
    later = turns[np.linspace(0, len(turns) - 1, _EVENTS).astype(int)] if len(turns) else turns
    picked = np.concatenate([turns[:_EVENTS], later])
    spread = np.geomspace(_FEW, max(bars, _FEW), _CUTS).astype(int)
    random = np.random.default_rng(seed).integers(0, bars, _CUTS)
    return sorted({int(bar) for bar in (*picked, *(picked + 1), *(picked + 2), *spread, *random) if _FEW < bar < bars})


def _other_future(candles: Candles, bars: int) -> Candles:
    """The same candles up to a bar, then much wilder ones."""
    later = np.arange(len(candles)) >= bars
    wild = np.where(np.arange(len(candles)) % 7 < 3, 2.5, 0.4)
    columns = {name: np.where(later, getattr(candles, name) * wild, getattr(candles, name)) for name in PRICES}
    return replace(candles, **columns, volume=np.where(later, candles.volume * 9 + 1, candles.volume))


def _first_difference(whole: Signals, part: Signals, bars: int) -> tuple[str, int] | None:
    """The first column, and its first bar, in which the two differ over the first `bars`."""
    if whole.max_bars != part.max_bars:
        return "max_bars", 0
    for name in (*FLAGS, *DISTANCES):
        one, other = getattr(whole, name), getattr(part, name)
        if (one is None) != (other is None):
            return name, 0
        if one is None:
            continue
        one, other = one[:bars], other[:bars]
        same = one == other if name in FLAGS else np.isclose(one, other, rtol=1e-9, atol=0.0, equal_nan=True)
        if not same.all():
            return name, int(np.flatnonzero(~same)[0])
    return None


def _look_ahead(candles: Candles, found: tuple[str, int], bars: int, tale: str, strategy: Strategy) -> str:
    name, bar = found
    return (
        f"{name} at bar {bar} ({utc(candles.time[bar])} UTC) changes when {tale} after bar {bars - 1}"
        f"{_with(strategy)}: it was not known then."
    )


def _with(strategy: Strategy) -> str:
    values = ", ".join(f"{name}={value}" for name, value in strategy.params.items())
    return f", with {values}" if values else ""


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) is not after.get(name))


def _watched(strategy: Strategy, read: set[str]) -> Strategy:
    """The same strategy, writing down what is read of it."""

    def note(self: Strategy, name: str) -> Any:
        read.add(name)
        return object.__getattribute__(self, name)

    watched: type[Strategy] = type(type(strategy).__name__, (type(strategy),), {"__getattribute__": note})
    copy = object.__new__(watched)
    copy.__dict__.update(vars(strategy))
    return copy


def random_candles(bars: int = 3000, seed: int = 1) -> Candles:
    """Hourly candles of a random walk, rounded to cents: something to try a strategy on."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars))), 2)
    start = np.concatenate([close[:1], close[:-1]])
    wick = 1 + 0.01 * rng.random((2, bars))
    return Candles(
        symbol="RANDOM",
        timeframe=Timeframe.parse("1h"),
        time=_START + _HOUR * np.arange(bars),
        open=start,
        high=np.maximum(np.maximum(start, close), np.round(np.maximum(start, close) * wick[0], 2)),
        low=np.minimum(np.minimum(start, close), np.round(np.minimum(start, close) / wick[1], 2)),
        close=close,
        volume=np.round(10 * rng.random(bars), 3),
        synthetic=True,
    )
