"""The engine's loop: from signals to a row of metrics, visiting only the bars that matter.

The conventions are those of `tests/reference/engine.py`, which this must match. What makes it fast:

- While flat, nothing happens until the next entry flag: flags are skipped eight at a time, as one word.
- Equity before and after each close that a position saw is gathered, and returns are made of it in long vectors.
- A long position of all equity is worth `size * close`, so when nothing but a signal ends it, its bars are not visited:
  what they add to the sums of returns is a difference of running sums, and its drawdown follows from record closes
  linked once per series (`Market.next_record`).

Spans share one account: each is begun flat, and what a span's last bar leaves open is marked and dropped.

Loops run over slices from 0 on: only then does the compiler know that no index is negative, and vectorize. Reductions
keep lanes by hand, so that every processor adds in the same order and gives the same bits. What is compiled into `run`
is in this file, because Numba's cache looks at no other for changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.jit import lean, prefetch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.backtest.inputs import Market, Orders, Terms, Where

    Column = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# Columns of `Market.bars`; the first is that of `Market.sums`, too.
OPEN, HIGH, LOW, CLOSE = range(4)

# Why a trade ended; the numbers of `bittrader.backtest.result.Exit`.
NOTHING, SIGNAL, STOP, TARGET, TRAIL, TIME, LIQUIDATION = range(7)

# Columns of `records`.
ENTRY, EXIT, SIDE, FILL, LEFT, SIZE, PROFIT, FRACTION, WHY, CASH, AFTER, RECORD = range(12)

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

# The account of an evaluation: slots of one array, the first ones beginning at 1. Behind them, LANES sums each of
# returns, of their squares, and of the squares of the negative ones.
(
    EQUITY,
    PEAK,
    DRAWDOWN,
    UNDER,
    LONGEST,
    SUM,
    SQUARES,
    LOSSES,
    LOWEST,
    HIGHEST,
    BARS,
    YEARS,
    EXPOSED,
    PAID,
    CLOSED,
    WINS,
    HELD,
    GAINS,
    LOST,
    FRACTIONS,
    WON_FRACTIONS,
    LOST_FRACTIONS,
    SLOTS,
) = range(23)
LANES = 128
BOOK = SLOTS + 3 * LANES
# So many marks are gathered before their returns are added up: enough for long vectors, few enough for the cache.
GATHERED = 2048
# Holding for more bars than this is quicker by what is known of the series than bar by bar.
FEW = 8
# So many bars are looked through at once for the entries whose prices the memory is asked for.
AHEAD = 4096


def new_book() -> Column:
    """The account of an evaluation before its first bar."""
    book = np.zeros(BOOK)
    book[EQUITY] = book[PEAK] = 1.0
    return book


@lean
def next_true(flags: Flags, others: Flags, start: int) -> int:
    """The first index from `start` on at which either flag is set, else the number of flags."""
    whole = len(flags) >> 3
    # A flag is a byte of 0 or 1, and the first one is the lowest of its word: little-endian, as all we run on.
    words, other_words = flags[: whole << 3].view(np.uint64), others[: whole << 3].view(np.uint64)
    first = min(start >> 3, whole)
    rest, other_rest = words[first:], other_words[first:]
    found, at = np.uint64(0), 0
    if len(rest) > 0:
        passed = np.uint64((start & 7) << 3)
        found = (rest[0] | other_rest[0]) >> passed << passed
    if found == 0:
        for word in range(1, len(rest)):
            found = rest[word] | other_rest[word]
            if found != 0:
                at = word
                break
    if found != 0:
        # Times the lowest set bit, the byte that counts the flags below it comes to the top.
        lowest = found & (~found + np.uint64(1))
        return ((first + at) << 3) + int((lowest * np.uint64(0x0001020304050607)) >> np.uint64(56))
    for index in range(max(start, whole << 3), len(flags)):
        if flags[index] or others[index]:
            return index
    return max(start, len(flags))


@lean
def _fetch(flags: Flags, others: Flags, bars: Column, distance: Column, start: int) -> None:
    """Asks the memory for the distance and the prices that entries of the next AHEAD bars read.

    A search holds more indicators than the caches do: waiting for them took a third of the kernel's time. Where entries
    follow each other closely, so do the prices that are read, and the processor foresees them.
    """
    first, last = start >> 3, min((start >> 3) + (AHEAD >> 3), len(flags) >> 3)
    words, other_words = flags[first << 3 : last << 3].view(np.uint64), others[first << 3 : last << 3].view(np.uint64)
    prices = bars[first << 3 : last << 3].reshape(-1)
    distances = distance[first << 3 : last << 3]
    before = np.uint64(0)
    for word in range(len(words)):
        found = words[word] | other_words[word]
        if found != 0:
            # A cache line holds 8 numbers, two bars; an array may begin anywhere in one.
            prefetch(distances, word << 3)
            prefetch(distances, (word << 3) + 7)
            if before == 0:
                for line in range(4):
                    prefetch(prices, (word << 5) + (line << 3))
        before = found


@lean
def _sink(book: Column, lowest: float, bars: int) -> None:
    """Marks `bars` closes below the peak, `lowest` the lowest equity among them."""
    if bars > 0:
        book[UNDER] += bars
        book[LONGEST] = max(book[LONGEST], book[UNDER])
        book[DRAWDOWN] = max(book[DRAWDOWN], 1.0 - lowest / book[PEAK])


@lean
def _rise(book: Column, equity: float) -> None:
    """Marks a close at a new peak."""
    book[PEAK] = equity
    book[UNDER] = 0.0


@lean
def _mark_level(book: Column, equity: float, bars: int) -> None:
    """Marks `bars` closes at the same equity."""
    if equity >= book[PEAK]:
        _rise(book, equity)
    else:
        _sink(book, equity, bars)


@lean
def _mark_each(book: Column, equity: Column) -> None:
    """Marks closes one by one."""
    peak, trough, below = book[PEAK], np.inf, 0
    for i in range(len(equity)):
        if equity[i] >= peak:
            _sink(book, trough, below)
            peak = equity[i]
            _rise(book, peak)
            trough, below = np.inf, 0
        else:
            trough = min(trough, equity[i])
            below += 1
    _sink(book, trough, below)


@lean
def _add_returns(book: Column, before: Column, after: Column) -> None:
    """Adds up the returns from `before` to `after`, each lane by itself."""
    sums, squares = book[SLOTS : SLOTS + LANES], book[SLOTS + LANES : SLOTS + 2 * LANES]
    losses = book[SLOTS + 2 * LANES :]
    for start in range(0, len(before), LANES):
        was, now = before[start : start + LANES], after[start : start + LANES]
        for lane in range(len(was)):
            change = now[lane] / was[lane] - 1.0
            loss = min(change, 0.0)
            sums[lane] += change
            squares[lane] += change * change
            losses[lane] += loss * loss


@lean
def _sink_closes(book: Column, bits: NDArray[np.int64], size: float) -> bool:
    """Marks closes of a position worth `size * close` if all are below the peak; else nothing, and False.

    The closes are given by their bits: those of positive floats are in the same order, and vectorize.
    """
    lowest = highest = bits[0]
    for i in range(len(bits)):
        lowest = min(lowest, bits[i])
        highest = max(highest, bits[i])
    slots = book.view(np.int64)
    slots[LOWEST], slots[HIGHEST] = lowest, highest
    if size * book[HIGHEST] >= book[PEAK]:
        return False
    _sink(book, size * book[LOWEST], len(bits))
    return True


@lean
def _peak_at(close: Column, size: float, peak: float) -> int:
    """The first index at which `size * close` reaches `peak`, or the number of closes."""
    for i in range(len(close)):
        if size * close[i] >= peak:
            return i
    return len(close)


@lean
def _mark_holding(book: Column, market: Market, bits: NDArray[np.int64], size: float, first: int, last: int) -> None:
    """Marks the closes from `first` to `last` of a position worth `size * close` that bar `first - 1` held already."""
    close, next_record = market.close, market.next_record
    start, stop = market.sums[first - 1], market.sums[last]
    book[SUM] += stop[1] - start[1]
    book[SQUARES] += stop[2] - start[2]
    book[LOSSES] += stop[3] - start[3]
    if _sink_closes(book, bits[first : last + 1], size):
        return
    record = first + _peak_at(close[first:], size, book[PEAK])
    if record > first:
        _sink_closes(book, bits[first:record], size)
    while record <= last:
        _rise(book, size * close[record])
        following = next_record[record]
        if following <= last:
            _sink(book, size * market.lowest_between[record], following - record - 1)
        elif record < last:
            _sink_closes(book, bits[record + 1 : last + 1], size)
        record = following


@lean
def _watch(
    bars: Column,
    funding: Column,
    maintenance: float,
    side: float,
    size: float,
    cash: float,
    equity: float,
    fill: float,
    stop: float,
    target: float,
    trail: float,
    before: Column,
    after: Column,
) -> tuple[int, float, int, float, float, float, float]:
    """Follows a position until a stop, a target or a liquidation ends it, or the bars do.

    Prices are taken times `side`, so that more is always better. Writes the equity before and after each close that the
    position sees. Returns how many these are, the price before slippage, why it ended,
    the cash after funding, the last equity, and the lowest and the highest.
    """
    adverse, favourable = (LOW, HIGH) if side > 0.0 else (HIGH, LOW)
    best = side * fill
    fixed, goal = best - stop, best + target
    owned, kept = side * size, size * (1.0 - side * maintenance)
    liquidation = -cash / kept
    floor = max(fixed, liquidation)
    lowest, highest = np.inf, -np.inf
    for bar in range(len(bars)):
        if len(funding) > 0 and bar > 0:
            cash -= owned * bars[bar, OPEN] * funding[bar]
            liquidation = -cash / kept
            floor = max(fixed, liquidation)
        trailing = best - trail
        level = trailing if trailing > floor else floor
        if side * bars[bar, adverse] <= level:
            why = STOP if fixed >= level else (TRAIL if trailing >= level else LIQUIDATION)
            return bar, side * min(side * bars[bar, OPEN], level), why, cash, equity, lowest, highest
        reached = side * bars[bar, favourable]
        if reached >= goal:
            return bar, side * max(side * bars[bar, OPEN], goal), TARGET, cash, equity, lowest, highest
        best = reached if reached > best else best
        before[bar] = equity
        equity = cash + owned * bars[bar, CLOSE]
        after[bar] = equity
        lowest = equity if equity < lowest else lowest
        highest = equity if equity > highest else highest
    return len(bars), 0.0, NOTHING, cash, equity, lowest, highest


@lean
def run(  # noqa: C901, PLR0912, PLR0915 - one loop, spelled out once
    market: Market,
    where: Where,
    orders: Orders,
    terms: Terms,
    records: Column,
    row: Column,
    book: Column,
    scratch: Column,
) -> None:
    """Fills `row` with the metrics (in the order of `METRICS`, NaN where undefined) of trading `orders` in the spans.

    `records`, shape (n, RECORD), takes the first n positions: entry bar, exit bar, side, fill at entry and exit, size,
    profit, profit / equity at entry, why it ended (0: open at its span's end, so no trade), cash after entry and
    after exit.

    `book` is the account: a new one, or that of a run over earlier bars, which then goes on; the metrics are those of
    all its bars. `scratch` is space to work in, two numbers a bar.
    """
    bars, bits = market.bars, market.close.view(np.int64)
    before, after = scratch[: len(bars)], scratch[len(bars) :]
    funded = len(terms.funding) > 0
    has_stop, has_target, has_trail = len(orders.stop) > 0, len(orders.target) > 0, len(orders.trail) > 0
    # A long position of all equity has no cash, so its equity is its size times the price, and it is never liquidated.
    all_in = terms.notional == 1.0 and math.isnan(terms.risk) and not funded
    unwatched = all_in and market.calm and not (has_stop or has_target or has_trail)
    opens = market.sums if unwatched else bars
    cash, equity, marks, paid = book[EQUITY], book[EQUITY], 0, book[PAID]
    trades, wins, held_bars, exposed, kept = 0, 0, 0, 0, 0
    gains, lost = book[GAINS], book[LOST]
    fractions, won_fractions, lost_fractions = book[FRACTIONS], book[WON_FRACTIONS], book[LOST_FRACTIONS]
    has_long, has_short = len(orders.enter_long) > 0, len(orders.enter_short) > 0
    entries = orders.enter_long if has_long else orders.enter_short
    others = orders.enter_short if has_short else entries
    distance, fetched = orders.stop if has_stop else (orders.target if has_target else orders.trail), -1
    next_exit_long = -1 if len(orders.exit_long) > 0 else len(bars)
    next_exit_short = -1 if len(orders.exit_short) > 0 else len(bars)
    for span in range(len(where.starts)):
        unmarked = signal = where.starts[span]
        end = where.stops[span]
        while cash > 0.0 and (has_long or has_short):
            if len(distance) > 0 and signal >= fetched:
                _fetch(entries, others, bars, distance, signal)
                fetched = signal + AHEAD
            signal = next_true(entries, others, signal)
            entry = signal + 1
            if entry >= end:
                break
            long, short = has_long and orders.enter_long[signal], has_short and orders.enter_short[signal]
            stop = orders.stop[signal] * orders.stop_times if has_stop else np.inf
            target = orders.target[signal] * orders.target_times if has_target else np.inf
            trail = orders.trail[signal] * orders.trail_times if has_trail else np.inf
            if (long and short) or math.isnan(stop) or math.isnan(target) or math.isnan(trail):
                signal += 1
                continue
            if entry > unmarked:
                _mark_level(book, cash, entry - unmarked)
                if cash != equity:
                    before[marks], after[marks] = equity, cash
                    equity = cash
                    marks += 1
            next_exit = next_exit_long if long else next_exit_short
            if next_exit < entry:
                if long:
                    next_exit = next_exit_long = next_true(orders.exit_long, orders.exit_long, entry)
                else:
                    next_exit = next_exit_short = next_true(orders.exit_short, orders.exit_short, entry)
            limit, why = next_exit + 1, SIGNAL
            if orders.max_bars > 0 and entry + orders.max_bars < limit:
                limit, why = entry + orders.max_bars, TIME
            limit = min(limit, end)
            side = 1.0 if long else -1.0
            opened = opens[entry, OPEN]
            fill = opened * (1.0 + side * terms.slippage)
            began = cash
            size = terms.notional * cash / (fill * (1.0 + terms.fee))
            if not math.isnan(terms.risk) and stop > 0.0:
                size = min(size, terms.risk * cash / stop)
            fee = size * fill * terms.fee
            paid += fee + size * abs(fill - opened)
            held_cash = cash - (side * size * fill + fee)
            cash = held_cash
            if unwatched and long and limit - entry > FEW:
                ended, price, held_why = limit, 0.0, NOTHING
                before[marks], after[marks] = equity, size * market.close[entry]
                _mark_level(book, after[marks], 1)
                marks += 1
                _mark_holding(book, market, bits, size, entry + 1, ended - 1)
                equity = size * market.close[ended - 1]
            else:
                held, price, held_why, cash, equity, lowest, highest = _watch(
                    bars[entry:limit],
                    terms.funding[entry:limit],
                    terms.maintenance,
                    side,
                    size,
                    cash,
                    equity,
                    fill,
                    stop,
                    target,
                    trail,
                    before[marks:],
                    after[marks:],
                )
                ended = entry + held
                if highest < book[PEAK]:
                    _sink(book, lowest, held)
                else:
                    _mark_each(book, after[marks : marks + held])
                marks += held
            if marks > GATHERED:
                _add_returns(book, before[:marks], after[:marks])
                marks = 0
            exposed += ended - entry
            if ended == end:
                paid += held_cash - cash
                if kept < len(records):
                    records[kept, ENTRY] = entry
                    records[kept, SIDE] = side
                    records[kept, FILL] = fill
                    records[kept, SIZE] = size
                    records[kept, WHY] = NOTHING
                    records[kept, CASH] = held_cash
                    kept += 1
                cash = equity
                unmarked = end
                break
            if held_why == NOTHING:
                price = opens[ended, OPEN]
                if funded:
                    cash -= side * size * price * terms.funding[ended]
            else:
                why = held_why
            leaving = price * (1.0 - side * terms.slippage)
            fee = size * leaving * terms.fee
            paid += held_cash - cash + fee + size * abs(leaving - price)
            cash = max(cash + side * size * leaving - fee, 0.0)
            profit = cash - began
            fraction = profit / began
            if kept < len(records):
                records[kept, ENTRY] = entry
                records[kept, EXIT] = ended
                records[kept, SIDE] = side
                records[kept, FILL] = fill
                records[kept, LEFT] = leaving
                records[kept, SIZE] = size
                records[kept, PROFIT] = profit
                records[kept, FRACTION] = fraction
                records[kept, WHY] = why
                records[kept, CASH] = held_cash
                records[kept, AFTER] = cash
                kept += 1
            trades += 1
            held_bars += ended - entry
            fractions += fraction
            wins += profit > 0.0
            gains += max(profit, 0.0)
            lost -= min(profit, 0.0)
            won_fractions += max(fraction, 0.0)
            lost_fractions -= min(fraction, 0.0)
            unmarked = ended
            # An exit at the open may be followed by an entry at that very open.
            signal = ended - 1 if held_why == NOTHING else ended
        if end > unmarked:
            _mark_level(book, cash, end - unmarked)
            if cash != equity:
                before[marks], after[marks] = equity, cash
                equity = cash
                marks += 1
    _add_returns(book, before[:marks], after[:marks])
    book[EQUITY] = equity
    book[YEARS] += where.years + (market.days_per_bar / 365.0 if book[BARS] > 0.0 else 0.0)
    book[BARS] += where.bars
    book[EXPOSED] += exposed
    book[PAID] = paid
    book[CLOSED] += trades
    book[WINS] += wins
    book[HELD] += held_bars
    book[GAINS], book[LOST] = gains, lost
    book[FRACTIONS], book[WON_FRACTIONS], book[LOST_FRACTIONS] = fractions, won_fractions, lost_fractions
    row[:] = np.nan
    _measure_equity(book, market, row)
    _measure_trades(book, market, row)


@lean
def _measure_trades(book: Column, market: Market, row: Column) -> None:
    """Fills in the metrics that follow from the trades."""
    trades, wins = book[CLOSED], book[WINS]
    row[TRADES] = trades
    row[EXPOSURE] = book[EXPOSED] / book[BARS]
    row[COSTS_PAID] = book[PAID]
    if trades > 0.0:
        row[WIN_RATE] = wins / trades
        row[EXPECTANCY] = book[FRACTIONS] / trades
        row[AVERAGE_TRADE_DAYS] = book[HELD] * market.days_per_bar / trades
    if book[LOST] > 0.0:
        row[PROFIT_FACTOR] = book[GAINS] / book[LOST]
    if wins > 0.0:
        row[AVERAGE_WIN] = book[WON_FRACTIONS] / wins
    if trades > wins:
        row[AVERAGE_LOSS] = book[LOST_FRACTIONS] / (trades - wins)


@lean
def _measure_equity(book: Column, market: Market, row: Column) -> None:
    """Fills in the metrics that follow from equity alone."""
    returns, years = book[BARS] - 1.0, book[YEARS]
    row[TOTAL_RETURN] = book[EQUITY] - 1.0
    row[MAX_DRAWDOWN] = book[DRAWDOWN]
    row[LONGEST_DRAWDOWN_DAYS] = book[LONGEST] * market.days_per_bar
    if years > 0.0:
        row[CAGR] = book[EQUITY] ** (1.0 / years) - 1.0
    if not math.isfinite(row[CAGR]):
        row[CAGR] = np.nan
    if book[DRAWDOWN] > 0.0:
        row[CALMAR] = row[CAGR] / book[DRAWDOWN]
    if returns < 2.0:
        return
    total, squares, losses = book[SUM], book[SQUARES], book[LOSSES]
    for lane in range(SLOTS, SLOTS + LANES):
        total += book[lane]
        squares += book[lane + LANES]
        losses += book[lane + 2 * LANES]
    year = math.sqrt(market.bars_per_year)
    mean = total / returns
    variance = (squares - returns * mean * mean) / (returns - 1)
    row[VOLATILITY] = math.sqrt(max(variance, 0.0)) * year
    # Below this, what varies is the rounding.
    if variance > 1e-13 * mean * mean:
        row[SHARPE] = mean / math.sqrt(variance) * year
    if losses > 0.0:
        row[SORTINO] = mean / math.sqrt(losses / returns) * year
