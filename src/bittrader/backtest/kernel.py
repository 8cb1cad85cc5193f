"""The engine's loop: from signals to a row of metrics, visiting only the bars that matter.

The conventions are those of `tests/reference/engine.py`, which this must match. Three things make it fast:

- While flat, nothing happens until the next entry flag: flags are skipped eight at a time, as one word.
- A long position of all equity is worth `size * close`, so what its bars add to the sums of returns is a difference of
  prefix sums, and its drawdown follows from record closes linked once per series (`Market.next_record`).
- Any other position is walked bar by bar, from its entry to its exit only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# Why a trade ended; the numbers of `bittrader.backtest.result.Exit`.
SIGNAL, STOP, TARGET, TRAIL, TIME, LIQUIDATION = 1, 2, 3, 4, 5, 6

# Columns of `records`.
ENTRY, EXIT, SIDE, FILL, LEFT, SIZE, PROFIT, FRACTION, WHY, CASH = range(10)

(
    TOTAL_RETURN,
    CAGR,
    SHARPE,
    SORTINO,
    CALMAR,
    VOLATILITY,
    MAX_DRAWDOWN,
    LONGEST_DRAWDOWN_DAYS,
    EXPOSURE,
    TRADES,
    WIN_RATE,
    PROFIT_FACTOR,
    EXPECTANCY,
    AVERAGE_WIN,
    AVERAGE_LOSS,
    AVERAGE_TRADE_DAYS,
    COSTS_PAID,
) = range(len(METRICS))


class Market(NamedTuple):
    """A series, and what follows from it alone; all columns read-only."""

    open: Column
    high: Column
    low: Column
    close: Column
    sums: Column
    """Shape (bars, 6): sums up to each bar of close-to-close returns, of their squares, and of the squares of the negative
    ones; each as the rounded sum and the rest that it lost, so that differences are exact to rounding."""
    next_record: NDArray[np.int64]
    """The next bar that closes at or above this one's close; the number of bars where none does."""
    lowest_between: Column
    """The lowest close between a bar and its next record; infinite where there is no bar between."""
    years: float
    bars_per_year: float
    days_per_bar: float


class Orders(NamedTuple):
    """Signals with nothing left out: a missing column is all False, or empty."""

    enter_long: Flags
    exit_long: Flags
    enter_short: Flags
    exit_short: Flags
    stop: Column
    target: Column
    trail: Column
    max_bars: int
    """0: no limit."""


class Terms(NamedTuple):
    """Costs and sizing as numbers."""

    fee: float
    slippage: float
    """Fraction of the price."""
    funding: NDArray[np.float64]
    """The fraction of notional that a long pays at each bar's open; empty when there is no funding."""
    notional: float
    """Fraction of equity put into a position: fraction times leverage."""
    risk: float
    """Fraction of equity lost at the stop; NaN when size does not depend on it."""
    maintenance: float


@compiled
def next_true(flags: Flags, words: NDArray[np.uint64], start: int) -> int:
    """The first index from `start` on whose flag is set, or the number of flags; `words` is flags[:n // 8 * 8], viewed."""
    word = start >> 3
    index = start
    if word < len(words):
        # A flag is a byte of 0 or 1, and the first one is the lowest of its word: little-endian, as all we run on.
        found = words[word] >> np.uint64((start & 7) << 3)
        if found == 0:
            word += 1
            while word < len(words) and words[word] == 0:
                word += 1
            index = word << 3
            if word < len(words):
                found = words[word]
        if found != 0:
            if found & np.uint64(0xFFFFFFFF) == 0:
                found >>= np.uint64(32)
                index += 4
            if found & np.uint64(0xFFFF) == 0:
                found >>= np.uint64(16)
                index += 2
            return index + (1 if found & np.uint64(0xFF) == 0 else 0)
    while index < len(flags) and not flags[index]:
        index += 1
    return index


@compiled
def next_record(close: Column) -> tuple[NDArray[np.int64], Column]:
    """For each bar, the next one that closes at or above it, and the lowest close between the two."""
    count = len(close)
    following = np.full(count, count, dtype=np.int64)
    lowest = np.full(count, np.inf)
    for bar in range(count - 2, -1, -1):
        ahead = bar + 1
        low = np.inf
        while ahead < count and close[ahead] < close[bar]:
            low = min(low, close[ahead], lowest[ahead])
            ahead = following[ahead]
        following[bar] = ahead
        lowest[bar] = low
    return following, lowest



@compiled
def running_sums(values: Column) -> Column:
    """For values of shape (n, k), their sums up to each row, shape (n, 2k): rounded sum and lost rest by turns.

    Two-sum: Knuth, The Art of Computer Programming, volume 2, 4.2.2.
    """
    count, kinds = values.shape
    sums = np.empty((count, 2 * kinds))
    for kind in range(kinds):
        total, rest = 0.0, 0.0
        for index in range(count):
            value = values[index, kind]
            larger = total + value
            shadow = larger - total
            rest += (total - (larger - shadow)) + (value - shadow)
            total = larger
            sums[index, 2 * kind] = total
            sums[index, 2 * kind + 1] = rest
    return sums


# The running account of one evaluation: slots of one array.
EQUITY, PEAK, DRAWDOWN, UNDER, LONGEST, SUM, SQUARES, LOSSES = range(8)


@compiled
def _sink(book: Column, lowest: float, bars: int) -> None:
    """Marks `bars` closes below the peak, `lowest` the lowest equity among them."""
    if bars > 0:
        book[UNDER] += bars
        book[LONGEST] = max(book[LONGEST], book[UNDER])
        book[DRAWDOWN] = max(book[DRAWDOWN], 1.0 - lowest / book[PEAK])


@compiled
def _mark(book: Column, equity: float) -> None:
    """Marks one close."""
    if equity != book[EQUITY]:
        change = equity / book[EQUITY] - 1.0
        book[EQUITY] = equity
        book[SUM] += change
        book[SQUARES] += change * change
        if change < 0.0:
            book[LOSSES] += change * change
    if equity >= book[PEAK]:
        book[PEAK] = equity
        book[UNDER] = 0.0
    else:
        _sink(book, equity, 1)


@compiled
def _mark_flat(book: Column, cash: float, bars: int) -> None:
    """Marks `bars` closes without a position."""
    if bars > 0:
        _mark(book, cash)
        if cash < book[PEAK]:
            _sink(book, cash, bars - 1)


@compiled
def _lowest(values: Column, start: int, stop: int) -> float:
    """The smallest of values[start:stop], in eight lanes that vectorize; infinite when there is none."""
    part = values[start:stop]
    whole = len(part) // 8 * 8
    a = b = c = d = e = f = g = h = np.inf
    for i in range(0, whole, 8):
        a = part[i] if part[i] < a else a
        b = part[i + 1] if part[i + 1] < b else b
        c = part[i + 2] if part[i + 2] < c else c
        d = part[i + 3] if part[i + 3] < d else d
        e = part[i + 4] if part[i + 4] < e else e
        f = part[i + 5] if part[i + 5] < f else f
        g = part[i + 6] if part[i + 6] < g else g
        h = part[i + 7] if part[i + 7] < h else h
    for i in range(whole, len(part)):
        a = part[i] if part[i] < a else a
    return min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h)))


@compiled
def _first_at(values: Column, size: float, level: float, start: int, stop: int) -> int:
    """The first index in [start, stop) with size * value >= level, eight bars a step; `stop` when there is none."""
    part = values[start:stop]
    whole = len(part) // 8 * 8
    i = 0
    while i < whole:
        a = size * part[i] >= level or size * part[i + 1] >= level
        b = size * part[i + 2] >= level or size * part[i + 3] >= level
        c = size * part[i + 4] >= level or size * part[i + 5] >= level
        d = size * part[i + 6] >= level or size * part[i + 7] >= level
        if a or b or c or d:
            break
        i += 8
    while i < len(part) and size * part[i] < level:
        i += 1
    return start + i


@compiled
def _mark_holding(
    book: Column,
    close: Column,
    sums: Column,
    next_record: NDArray[np.int64],
    lowest_between: Column,
    size: float,
    first: int,
    last: int,
) -> None:
    """Marks the closes from `first` to `last` of a position worth `size * close` that bar `first - 1` held already."""
    if first > last:
        return
    start, stop = sums[first - 1], sums[last]
    book[SUM] += (stop[0] - start[0]) + (stop[1] - start[1])
    book[SQUARES] += (stop[2] - start[2]) + (stop[3] - start[3])
    book[LOSSES] += (stop[4] - start[4]) + (stop[5] - start[5])
    book[EQUITY] = size * close[last]
    record = _first_at(close, size, book[PEAK], first, last + 1)
    _sink(book, size * _lowest(close, first, record), record - first)
    while record <= last:
        book[PEAK] = size * close[record]
        book[UNDER] = 0.0
        following = next_record[record]
        if following <= last:
            _sink(book, size * lowest_between[record], following - record - 1)
        else:
            _sink(book, size * _lowest(close, record + 1, last + 1), last - record)
        record = following


@compiled
def _walk(
    book: Column,
    market: Market,
    terms: Terms,
    side: float,
    size: float,
    cash: float,
    entry: int,
    fill: float,
    stop: float,
    target: float,
    trail: float,
    limit: int,
) -> tuple[int, float, int, float]:
    """Marks a position bar by bar until it ends within a bar, or bar `limit` is reached.

    Prices are compared times `side`, so that more is always better. Returns the bar, the price before slippage, why it
    ended (0: it reached `limit`) and the cash after funding.
    """
    adverse = market.low if side > 0.0 else market.high
    favourable = market.high if side > 0.0 else market.low
    funded = len(terms.funding) > 0
    owned = side * size
    kept = size * (1.0 - side * terms.maintenance)
    fixed = side * fill - stop
    goal = side * fill + target
    best = side * fill
    liquidation = -cash / kept
    previous, peak = book[EQUITY], book[PEAK]
    total, squares, losses = book[SUM], book[SQUARES], book[LOSSES]
    trough, below = np.inf, 0
    ended, price, why = limit, 0.0, 0
    for bar in range(entry, limit):
        opened = side * market.open[bar]
        if funded and bar > entry:
            cash -= owned * market.open[bar] * terms.funding[bar]
            liquidation = -cash / kept
        trailing = best - trail
        level = max(max(fixed, trailing), liquidation)
        if side * adverse[bar] <= level:
            price = side * min(opened, level)
            why = STOP if fixed >= level else (TRAIL if trailing >= level else LIQUIDATION)
            ended = bar
            break
        if side * favourable[bar] >= goal:
            price = side * max(opened, goal)
            why = TARGET
            ended = bar
            break
        reached = side * favourable[bar]
        best = reached if reached > best else best
        equity = cash + owned * market.close[bar]
        change = equity / previous - 1.0
        loss = change if change < 0.0 else 0.0
        previous = equity
        total += change
        squares += change * change
        losses += loss * loss
        if equity >= peak:
            _sink(book, trough, below)
            book[PEAK] = peak = equity
            book[UNDER] = 0.0
            trough, below = np.inf, 0
        else:
            trough = equity if equity < trough else trough
            below += 1
    _sink(book, trough, below)
    book[EQUITY] = previous
    book[SUM], book[SQUARES], book[LOSSES] = total, squares, losses
    return ended, price, why, cash


@compiled
def run(market: Market, orders: Orders, terms: Terms, records: Column, row: Column) -> None:
    """Fills `row` with the metrics (in the order of `METRICS`, NaN where undefined) of trading `orders`.

    `records`, shape (n, 10), takes the first n trades: entry bar, exit bar, side, fill at entry and at exit, size, profit,
    profit / equity at entry, why it ended (0: open at the end), cash after entry.
    """
    opens, close, sums = market.open, market.close, market.sums
    following, lowest = market.next_record, market.lowest_between
    bars = len(close)
    funded = len(terms.funding) > 0
    has_stop, has_target, has_trail = len(orders.stop) > 0, len(orders.target) > 0, len(orders.trail) > 0
    # A long position of all equity owns no cash, so its equity is its size times the price.
    all_in = terms.notional == 1.0 and math.isnan(terms.risk) and not (has_stop or has_target or has_trail or funded)
    whole = bars // 8 * 8
    enter_long, enter_short = orders.enter_long[:whole].view(np.uint64), orders.enter_short[:whole].view(np.uint64)
    exit_long, exit_short = orders.exit_long[:whole].view(np.uint64), orders.exit_short[:whole].view(np.uint64)
    book = np.zeros(8)
    book[EQUITY] = book[PEAK] = 1.0
    cash, paid = 1.0, 0.0
    trades, wins, held_bars, exposed = 0, 0, 0, 0
    gains, lost, fractions, won_fractions, lost_fractions = 0.0, 0.0, 0.0, 0.0, 0.0
    unmarked = signal = 0
    next_long = next_short = next_exit_long = next_exit_short = -1
    while cash > 0.0:
        if next_long < signal:
            next_long = next_true(orders.enter_long, enter_long, signal)
        if next_short < signal:
            next_short = next_true(orders.enter_short, enter_short, signal)
        signal = min(next_long, next_short)
        entry = signal + 1
        if entry >= bars:
            break
        stop = orders.stop[signal] if has_stop else np.inf
        target = orders.target[signal] if has_target else np.inf
        trail = orders.trail[signal] if has_trail else np.inf
        if next_long == next_short or math.isnan(stop) or math.isnan(target) or math.isnan(trail):
            signal += 1
            continue
        _mark_flat(book, cash, entry - unmarked)
        side = 1.0 if signal == next_long else -1.0
        before = cash
        fill = opens[entry] * (1.0 + side * terms.slippage)
        size = terms.notional * before / (fill * (1.0 + terms.fee))
        if not math.isnan(terms.risk) and stop > 0.0:
            size = min(size, terms.risk * before / stop)
        fee = size * fill * terms.fee
        cash -= side * size * fill + fee
        paid += fee + size * abs(fill - opens[entry])
        held_cash = cash
        if side > 0.0:
            if next_exit_long < entry:
                next_exit_long = next_true(orders.exit_long, exit_long, entry)
            limit = next_exit_long + 1
        else:
            if next_exit_short < entry:
                next_exit_short = next_true(orders.exit_short, exit_short, entry)
            limit = next_exit_short + 1
        why_limit = SIGNAL
        if orders.max_bars > 0 and entry + orders.max_bars < limit:
            limit = entry + orders.max_bars
            why_limit = TIME
        limit = min(limit, bars)
        if all_in and side > 0.0:
            _mark(book, size * close[entry])
            _mark_holding(book, close, sums, following, lowest, size, entry + 1, limit - 1)
            ended, price, why = limit, 0.0, 0
        else:
            ended, price, why, cash = _walk(
                book, market, terms, side, size, cash, entry, fill, stop, target, trail, limit
            )
        exposed += ended - entry
        if ended == bars:
            paid += held_cash - cash
            if trades < len(records):
                records[trades, ENTRY] = entry
                records[trades, SIDE] = side
                records[trades, FILL] = fill
                records[trades, SIZE] = size
                records[trades, WHY] = 0.0
                records[trades, CASH] = held_cash
            unmarked = bars
            break
        if why == 0:
            price = opens[ended]
            why = why_limit
            if funded:
                cash -= side * size * price * terms.funding[ended]
        paid += held_cash - cash
        leaving = price * (1.0 - side * terms.slippage)
        fee = size * leaving * terms.fee
        paid += fee + size * abs(leaving - price)
        cash = max(cash + side * size * leaving - fee, 0.0)
        profit = cash - before
        if trades < len(records):
            records[trades, ENTRY] = entry
            records[trades, EXIT] = ended
            records[trades, SIDE] = side
            records[trades, FILL] = fill
            records[trades, LEFT] = leaving
            records[trades, SIZE] = size
            records[trades, PROFIT] = profit
            records[trades, FRACTION] = profit / before
            records[trades, WHY] = why
            records[trades, CASH] = held_cash
        trades += 1
        held_bars += ended - entry
        fractions += profit / before
        if profit > 0.0:
            wins += 1
            gains += profit
            won_fractions += profit / before
        else:
            lost -= profit
            lost_fractions -= profit / before
        unmarked = ended
        # An exit at the open may be followed by an entry at that very open.
        signal = ended - 1 if why == SIGNAL or why == TIME else ended
    _mark_flat(book, cash, bars - unmarked)
    row[:] = np.nan
    row[TRADES] = trades
    _measure(book, market, bars - 1, row)
    row[EXPOSURE] = exposed / bars
    if trades > 0:
        row[WIN_RATE] = wins / trades
        row[EXPECTANCY] = fractions / trades
        row[AVERAGE_TRADE_DAYS] = held_bars * market.days_per_bar / trades
    if lost > 0.0:
        row[PROFIT_FACTOR] = gains / lost
    if wins > 0:
        row[AVERAGE_WIN] = won_fractions / wins
    if trades > wins:
        row[AVERAGE_LOSS] = lost_fractions / (trades - wins)
    row[COSTS_PAID] = paid


@compiled
def _measure(book: Column, market: Market, returns: int, row: Column) -> None:
    """Fills in the metrics that follow from equity alone."""
    row[TOTAL_RETURN] = book[EQUITY] - 1.0
    row[MAX_DRAWDOWN] = book[DRAWDOWN]
    row[LONGEST_DRAWDOWN_DAYS] = book[LONGEST] * market.days_per_bar
    if market.years > 0.0:
        row[CAGR] = book[EQUITY] ** (1.0 / market.years) - 1.0
    if not math.isfinite(row[CAGR]):
        row[CAGR] = np.nan
    if book[DRAWDOWN] > 0.0:
        row[CALMAR] = row[CAGR] / book[DRAWDOWN]
    if returns < 2:
        return
    year = math.sqrt(market.bars_per_year)
    mean = book[SUM] / returns
    variance = (book[SQUARES] - returns * mean * mean) / (returns - 1)
    row[VOLATILITY] = math.sqrt(max(variance, 0.0)) * year
    # Below this, what varies is the rounding.
    if variance > 1e-13 * mean * mean:
        row[SHARPE] = mean / math.sqrt(variance) * year
    if book[LOSSES] > 0.0:
        row[SORTINO] = mean / math.sqrt(book[LOSSES] / returns) * year
