"""The engine's loop: from signals to a row of metrics, visiting only the bars that matter.

The conventions are those of `tests/reference/engine.py`, which this must match. Three things make it fast:

- While flat, nothing happens until the next entry flag: flags are skipped eight at a time, as one word.
- A long position of all equity is worth `size * close`, so what its bars add to the sums of returns is a difference of
  running sums, and its drawdown follows from record closes linked once per series (`Market.next_record`).
- The bars of any other position are read twice: for its exit, one by one, and for its returns, in vectors unless few.

Spans share one account: each is begun flat, and what a span's last bar leaves open is marked and dropped.

Loops run over slices from 0 on: only then does the compiler know that no index is negative, and vectorize. Reductions
keep eight lanes by hand, so that every processor adds in the same order and gives the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bittrader.backtest.metrics import METRICS
from bittrader.jit import compiled, lean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# Why a trade ended; the numbers of `bittrader.backtest.result.Exit`.
SIGNAL, STOP, TARGET, TRAIL, TIME, LIQUIDATION = 1, 2, 3, 4, 5, 6

# Columns of `records`.
ENTRY, EXIT, SIDE, FILL, LEFT, SIZE, PROFIT, FRACTION, WHY, CASH, RECORD = range(11)

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

    high: Column
    low: Column
    close: Column
    bars: Column
    """Shape (n, 4), so that a fill touches one cache line: the open, and the sums up to each bar of close-to-close
    returns, of their squares, and of the squares of the negative ones."""
    next_record: NDArray[np.int64]
    """The next bar that closes at or above this one's close; the number of bars where none does."""
    lowest_between: Column
    """The lowest close between a bar and its next record; infinite where there is no bar between."""
    calm: bool
    """Whether differences of the sums are as exact as adding the bars up: a bad tick would drown the rest."""
    bars_per_year: float
    days_per_bar: float


class Where(NamedTuple):
    """The bars that are traded: spans in order of time, none empty, none reaching into the next."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    """The first bar after each span."""
    bars: int
    """Of all spans together."""
    years: float
    """From the first bar to the last, of all spans together."""


class Orders(NamedTuple):
    """Signals with nothing left out: a missing column is all False, or empty."""

    enter_long: Flags
    exit_long: Flags
    enter_short: Flags
    exit_short: Flags
    stop: Column
    target: Column
    trail: Column
    stop_times: float
    target_times: float
    trail_times: float
    max_bars: int
    """0: no limit."""


class Terms(NamedTuple):
    """Costs and sizing as numbers."""

    fee: float
    slippage: float
    """Fraction of the price."""
    funding: Column
    """The fraction of notional that a long pays at each bar's open; empty when there is no funding."""
    notional: float
    """Fraction of equity put into a position: fraction times leverage."""
    risk: float
    """Fraction of equity lost at the stop; NaN when size does not depend on it."""
    maintenance: float


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
    """For values of shape (n, k), their sums up to each row, each rounded once.

    Two-sum: Knuth, The Art of Computer Programming, volume 2, section 4.2.2.
    """
    sums = np.empty_like(values)
    for kind in range(values.shape[1]):
        total, rest = 0.0, 0.0
        for index in range(len(values)):
            value = values[index, kind]
            larger = total + value
            shadow = larger - total
            rest += (total - (larger - shadow)) + (value - shadow)
            total = larger
            sums[index, kind] = total + rest
    return sums


@lean
def next_true(flags: Flags, words: NDArray[np.uint64], start: int) -> int:
    """The first index from `start` on whose flag is set, else the number of flags; `words` views flags[:n // 8 * 8]."""
    index = start
    rest = words[min(start >> 3, len(words)) :]
    if len(rest) > 0:
        # A flag is a byte of 0 or 1, and the first one is the lowest of its word: little-endian, as all we run on.
        found = rest[0] >> np.uint64((start & 7) << 3)
        if found == 0:
            index = len(words) << 3
            for word in range(1, len(rest)):
                if rest[word] != 0:
                    found = rest[word]
                    index = ((start >> 3) + word) << 3
                    break
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


# The account of an evaluation: slots of one array, the first ones beginning at 1. The rest of it is scratch space.
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
CHUNK = 256
BOOK = SLOTS + CHUNK
# Up to so many bars, marking them one by one is quicker than preparing vectors.
FEW = 24


def new_book() -> Column:
    """The account of an evaluation before its first bar."""
    book = np.zeros(BOOK)
    book[EQUITY] = book[PEAK] = 1.0
    return book


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
        _rise(book, equity)
    else:
        _sink(book, equity, 1)


@lean
def _mark_flat(book: Column, cash: float, bars: int) -> None:
    """Marks `bars` closes without a position."""
    if bars > 0:
        _mark(book, cash)
        if cash < book[PEAK]:
            _sink(book, cash, bars - 1)


@lean
def _extremes(bits: NDArray[np.int64], book: Column) -> tuple[float, float]:
    """The lowest and the highest of positive floats given by their bits, which are in the same order and vectorize."""
    lowest = highest = bits[0]
    for i in range(len(bits)):
        lowest = min(lowest, bits[i])
        highest = max(highest, bits[i])
    slots = book.view(np.int64)
    slots[LOWEST], slots[HIGHEST] = lowest, highest
    return book[LOWEST], book[HIGHEST]


@lean
def _sink_closes(book: Column, bits: NDArray[np.int64], cash: float, owned: float) -> bool:
    """Marks closes of a position worth cash + owned * close if all are below the peak; else nothing, and False."""
    lowest, highest = _extremes(bits, book)
    best, worst = (highest, lowest) if owned > 0.0 else (lowest, highest)
    if cash + owned * best >= book[PEAK]:
        return False
    _sink(book, cash + owned * worst, len(bits))
    return True


@lean
def _peak_at(close: Column, cash: float, owned: float, peak: float) -> int:
    """The first index at which cash + owned * close reaches `peak`, or the number of closes."""
    for i in range(len(close)):
        if cash + owned * close[i] >= peak:
            return i
    return len(close)


@lean
def _mark_few(book: Column, close: Column, cash: float, owned: float) -> None:
    """Marks the closes of a position worth cash + owned * close, one by one."""
    equity, peak = book[EQUITY], book[PEAK]
    total, squares, losses = book[SUM], book[SQUARES], book[LOSSES]
    trough, below = np.inf, 0
    for i in range(len(close)):
        before = equity
        equity = cash + owned * close[i]
        change = equity / before - 1.0
        loss = min(change, 0.0)
        total += change
        squares += change * change
        losses += loss * loss
        if equity >= peak:
            _sink(book, trough, below)
            _rise(book, equity)
            peak = equity
            trough, below = np.inf, 0
        else:
            trough = min(trough, equity)
            below += 1
    _sink(book, trough, below)
    book[EQUITY] = equity
    book[SUM], book[SQUARES], book[LOSSES] = total, squares, losses


@lean
def _mark_holding(book: Column, market: Market, bits: NDArray[np.int64], size: float, first: int, last: int) -> None:
    """Marks the closes from `first` to `last` of a position worth `size * close` that bar `first - 1` held already."""
    if first > last:
        return
    close, next_record = market.close, market.next_record
    start, stop = market.bars[first - 1], market.bars[last]
    book[SUM] += stop[1] - start[1]
    book[SQUARES] += stop[2] - start[2]
    book[LOSSES] += stop[3] - start[3]
    book[EQUITY] = size * close[last]
    if _sink_closes(book, bits[first : last + 1], 0.0, size):
        return
    record = first + _peak_at(close[first:], 0.0, size, book[PEAK])
    if record > first:
        _sink_closes(book, bits[first:record], 0.0, size)
    while record <= last:
        _rise(book, size * close[record])
        following = next_record[record]
        if following <= last:
            _sink(book, size * market.lowest_between[record], following - record - 1)
        elif record < last:
            _sink_closes(book, bits[record + 1 : last + 1], 0.0, size)
        record = following


@lean
def _mark_bars(book: Column, close: Column, bits: NDArray[np.int64], cash: float, owned: float) -> None:
    """Marks the closes of a position worth cash + owned * close that the book's equity already held at close[0]."""
    for start in range(1, len(close), CHUNK):
        _add_returns(book, close[start - 1 : start + CHUNK], cash, owned)
    book[EQUITY] = cash + owned * close[-1]
    start = 1
    while start < len(close) and not _sink_closes(book, bits[start:], cash, owned):
        record = start + _peak_at(close[start:], cash, owned, book[PEAK])
        if record > start:
            _sink_closes(book, bits[start:record], cash, owned)
        _rise(book, cash + owned * close[record])
        start = record + 1


@lean
def _add_returns(book: Column, close: Column, cash: float, owned: float) -> None:
    """Adds up the returns between at most CHUNK + 1 closes, in four lanes."""
    count = len(close) - 1
    before, after, change = close[:count], close[1:], book[SLOTS : SLOTS + count]
    for i in range(count):
        change[i] = (cash + owned * after[i]) / (cash + owned * before[i]) - 1.0
    whole = count // 4 * 4
    a = b = c = d = 0.0
    e = f = g = h = 0.0
    j = k = m = n = 0.0
    for i in range(0, whole, 4):
        a += change[i]
        b += change[i + 1]
        c += change[i + 2]
        d += change[i + 3]
        e += change[i] * change[i]
        f += change[i + 1] * change[i + 1]
        g += change[i + 2] * change[i + 2]
        h += change[i + 3] * change[i + 3]
        j += min(change[i], 0.0) * change[i]
        k += min(change[i + 1], 0.0) * change[i + 1]
        m += min(change[i + 2], 0.0) * change[i + 2]
        n += min(change[i + 3], 0.0) * change[i + 3]
    for i in range(whole, count):
        a += change[i]
        e += change[i] * change[i]
        j += min(change[i], 0.0) * change[i]
    book[SUM] += (a + b) + (c + d)
    book[SQUARES] += (e + f) + (g + h)
    book[LOSSES] += (j + k) + (m + n)


@lean
def _mark_funded(book: Column, market: Market, terms: Terms, owned: float, cash: float, entry: int, stop: int) -> None:
    """Marks the closes of bars entry to stop - 1 of a position that pays funding."""
    for bar in range(entry, stop):
        if bar > entry:
            cash -= owned * market.bars[bar, 0] * terms.funding[bar]
        _mark(book, cash + owned * market.close[bar])


@lean
def _find_exit(
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
    """The bar in which a stop, a target or a liquidation ends the position, or `limit`.

    Prices are compared times `side`, so that more is always better. Returns the bar, the price before slippage, why it
    ended (0: it reached `limit`) and the cash after funding.
    """
    table = market.bars[entry:limit]
    adverse = market.low[entry:limit] if side > 0.0 else market.high[entry:limit]
    favourable = market.high[entry:limit] if side > 0.0 else market.low[entry:limit]
    funding = terms.funding[entry:limit]
    kept = size * (1.0 - side * terms.maintenance)
    goal = side * fill + target
    best = side * fill
    fixed, liquidation = best - stop, -cash / kept
    floor = max(fixed, liquidation)
    for bar in range(len(table)):
        if len(funding) > 0 and bar > 0:
            cash -= side * size * table[bar, 0] * funding[bar]
            liquidation = -cash / kept
            floor = max(fixed, liquidation)
        trailing = best - trail
        level = trailing if trailing > floor else floor
        if side * adverse[bar] <= level:
            why = STOP if fixed >= level else (TRAIL if trailing >= level else LIQUIDATION)
            return entry + bar, side * min(side * table[bar, 0], level), why, cash
        reached = side * favourable[bar]
        if reached >= goal:
            return entry + bar, side * max(side * table[bar, 0], goal), TARGET, cash
        best = reached if reached > best else best
    return limit, 0.0, 0, cash


@lean
def run(  # noqa: C901, PLR0912, PLR0915 - one loop, spelled out once
    market: Market, where: Where, orders: Orders, terms: Terms, records: Column, row: Column, book: Column
) -> None:
    """Fills `row` with the metrics (in the order of `METRICS`, NaN where undefined) of trading `orders` in the spans.

    `records`, shape (n, RECORD), takes the first n positions: entry bar, exit bar, side, fill at entry and exit, size,
    profit, profit / equity at entry, why it ended (0: open at its span's end, so no trade), cash after entry.

    `book` is the account: a new one, or that of a run over earlier bars, which then goes on; the metrics are those of
    all its bars.
    """
    close, table = market.close, market.bars
    bits = close.view(np.int64)
    whole = len(close) // 8 * 8
    enter_long, enter_short = orders.enter_long[:whole].view(np.uint64), orders.enter_short[:whole].view(np.uint64)
    exit_long, exit_short = orders.exit_long[:whole].view(np.uint64), orders.exit_short[:whole].view(np.uint64)
    funded = len(terms.funding) > 0
    has_stop, has_target, has_trail = len(orders.stop) > 0, len(orders.target) > 0, len(orders.trail) > 0
    # A long position of all equity has no cash, so its equity is its size times the price, and it is never liquidated.
    all_in = terms.notional == 1.0 and math.isnan(terms.risk) and not funded
    watched = has_stop or has_target or has_trail
    cash, paid = book[EQUITY], book[PAID]
    trades, wins, held_bars, exposed, kept = 0, 0, 0, 0, 0
    gains, lost = book[GAINS], book[LOST]
    fractions, won_fractions, lost_fractions = book[FRACTIONS], book[WON_FRACTIONS], book[LOST_FRACTIONS]
    next_long = next_short = next_exit_long = next_exit_short = -1
    for span in range(len(where.starts)):
        unmarked = signal = where.starts[span]
        end = where.stops[span]
        while cash > 0.0:
            if next_long < signal:
                next_long = next_true(orders.enter_long, enter_long, signal)
            if next_short < signal:
                next_short = next_true(orders.enter_short, enter_short, signal)
            signal = min(next_long, next_short)
            entry = signal + 1
            if entry >= end:
                break
            stop = orders.stop[signal] * orders.stop_times if has_stop else np.inf
            target = orders.target[signal] * orders.target_times if has_target else np.inf
            trail = orders.trail[signal] * orders.trail_times if has_trail else np.inf
            if next_long == next_short or math.isnan(stop) or math.isnan(target) or math.isnan(trail):
                signal += 1
                continue
            _mark_flat(book, cash, entry - unmarked)
            side = 1.0 if signal == next_long else -1.0
            before = cash
            opened = table[entry, 0]
            fill = opened * (1.0 + side * terms.slippage)
            size = terms.notional * before / (fill * (1.0 + terms.fee))
            if not math.isnan(terms.risk) and stop > 0.0:
                size = min(size, terms.risk * before / stop)
            fee = size * fill * terms.fee
            cash -= side * size * fill + fee
            paid += fee + size * abs(fill - opened)
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
            limit = min(limit, end)
            ended, price, why = limit, 0.0, 0
            holding = all_in and side > 0.0
            if watched or not holding:
                ended, price, why, cash = _find_exit(
                    market, terms, side, size, cash, entry, fill, stop, target, trail, limit
                )
            if funded:
                _mark_funded(book, market, terms, side * size, held_cash, entry, ended)
            elif ended - entry <= FEW:
                _mark_few(book, close[entry:ended], 0.0 if holding else cash, side * size)
            elif holding and market.calm:
                _mark(book, size * close[entry])
                _mark_holding(book, market, bits, size, entry + 1, ended - 1)
            else:
                _mark(book, cash + side * size * close[entry])
                _mark_bars(book, close[entry:ended], bits[entry:ended], cash, side * size)
            exposed += ended - entry
            if ended == end:
                paid += held_cash - cash
                if kept < len(records):
                    records[kept, ENTRY] = entry
                    records[kept, SIDE] = side
                    records[kept, FILL] = fill
                    records[kept, SIZE] = size
                    records[kept, WHY] = 0.0
                    records[kept, CASH] = held_cash
                    kept += 1
                cash = book[EQUITY]
                unmarked = end
                break
            if why == 0:
                price = table[ended, 0]
                why = why_limit
                if funded:
                    cash -= side * size * price * terms.funding[ended]
            paid += held_cash - cash
            leaving = price * (1.0 - side * terms.slippage)
            fee = size * leaving * terms.fee
            paid += fee + size * abs(leaving - price)
            cash = max(cash + side * size * leaving - fee, 0.0)
            profit = cash - before
            fraction = profit / before
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
                kept += 1
            trades += 1
            held_bars += ended - entry
            fractions += fraction
            if profit > 0.0:
                wins += 1
                gains += profit
                won_fractions += fraction
            else:
                lost -= profit
                lost_fractions -= fraction
            unmarked = ended
            # An exit at the open may be followed by an entry at that very open.
            signal = ended - 1 if why in (SIGNAL, TIME) else ended
        _mark_flat(book, cash, end - unmarked)
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
    year = math.sqrt(market.bars_per_year)
    mean = book[SUM] / returns
    variance = (book[SQUARES] - returns * mean * mean) / (returns - 1)
    row[VOLATILITY] = math.sqrt(max(variance, 0.0)) * year
    # Below this, what varies is the rounding.
    if variance > 1e-13 * mean * mean:
        row[SHARPE] = mean / math.sqrt(variance) * year
    if book[LOSSES] > 0.0:
        row[SORTINO] = mean / math.sqrt(book[LOSSES] / returns) * year
