"""The contract of a strategy as checks that anyone can run on their own: `check_strategy(MyStrategy, candles)`.

No check can prove that a strategy looks neither ahead nor at where the candles begin; these look where it acts, where a
glance would show.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.strategies.base import DISTANCES
from bittrader.strategies.chart import Chart
from bittrader.strategies.differences import first_difference
from bittrader.testing.hindsight import no_beginning, no_look_ahead
from bittrader.testing.subject import (
    Raised,
    Subject,
    entries,
    flags_of,
    having,
    kept_signals,
    signals_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bittrader.market.candles import Candles
    from bittrader.strategies.base import Strategy

# Longer histories are checked on their last bars: what is wrong shows there as well, and in seconds.
MOST_BARS = 20_000


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
    except Raised as error:
        yield Finding(check.name, str(error))


def _runs(subject: Subject) -> Iterator[str]:
    """Yields nothing: what goes wrong is raised."""
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        signals_of(strategy, chart)
    yield from ()


def _edges_work(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.edges():
        signals_of(strategy, chart)
    yield from ()


def _few_bars_work(subject: Subject) -> Iterator[str]:
    for bars in (1, 2, 10):
        for strategy in subject.drawn()[:2]:
            signals_of(strategy, Chart(subject.candles.head(bars)))
    yield from ()


def _same_again(subject: Subject) -> Iterator[str]:
    chart, bars = Chart(subject.candles), len(subject.candles)
    firsts = [kept_signals(strategy, chart) for strategy in subject.drawn()]
    for first, strategy in zip(firsts, subject.drawn(), strict=True):
        for other in (chart, Chart(subject.candles)):
            found = first_difference(first, signals_of(strategy, other), bars)
            if found:
                yield f"{found[0]} differs from call to call{having(strategy)}: signals may depend on nothing else."
                return


def _no_state(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        before, shared = dict(vars(strategy)), dict(vars(type(strategy)))
        signals_of(strategy, chart)
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
        signals_of(strategy, Chart(candles))
        if candles.head(len(candles)).fingerprint != before:
            yield f"signals() writes into the candles{having(strategy)}."
            return


def _threads_agree(subject: Subject) -> Iterator[str]:
    strategies, bars = subject.drawn(), len(subject.candles)
    alone = [kept_signals(strategy, Chart(subject.candles)) for strategy in strategies]
    chart = Chart(subject.candles)
    with ThreadPoolExecutor(4) as threads:
        jobs = [(one, threads.submit(kept_signals, strategies[one], chart)) for one in range(len(strategies))] * 3
        for one, job in jobs:
            found = first_difference(alone[one], job.result(), bars)
            if found:
                yield f"{found[0]} differs when several threads run at once{having(strategies[one])}."
                return


def _distances_positive(subject: Subject) -> Iterator[str]:
    chart = Chart(subject.candles)
    for strategy in subject.drawn():
        signals = signals_of(strategy, chart)
        enters = entries(signals, len(chart))
        for name in DISTANCES:
            column = getattr(signals, name)
            if column is not None and (enters & (column <= 0)).any():
                wrong = np.flatnonzero(enters & (column <= 0))
                at = f"{column[wrong[0]]:g} at bar {wrong[0]}"
                yield f"{name} is {at}, where it enters{having(strategy)}: a distance from the entry price is positive."
                return


def _worth_knowing(subject: Subject) -> Iterator[str]:
    chart, read, entered, seen = Chart(subject.candles), set[str](), False, set[str]()
    for strategy in subject.drawn() + subject.edges():
        signals = signals_of(_watched(strategy, read), chart)
        entered |= bool(entries(signals, len(chart)).any())
        both = np.count_nonzero(flags_of(signals.enter_long, len(chart)) & flags_of(signals.enter_short, len(chart)))
        if both and "both" not in seen:
            seen.add("both")
            yield f"it enters both sides at once on {both} bars{having(strategy)}; neither is taken there."
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
    Check("look-ahead", "says nothing about a bar that it could not have known then", no_look_ahead),
    Check("history", "says the same wherever the candles begin, once warmed up", no_beginning),
    Check("same again", "says the same when asked again", _same_again),
    Check("no state", "leaves nothing behind on itself or its class", _no_state),
    Check("candles", "leaves the candles as they are", _candles_untouched),
    Check("threads", "says the same on several threads at once", _threads_agree),
    Check("distances", "stops, targets and trails are positive where it enters", _distances_positive),
    Check("notes", "nothing else worth knowing", _worth_knowing, breaks=False),
)


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
