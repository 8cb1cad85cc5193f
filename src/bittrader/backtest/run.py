"""From a strategy, its parameters and candles to metrics: one run in full, or many as rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from bittrader.backtest import kernel, prepared
from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.equity import equity
from bittrader.backtest.metrics import METRICS, Metrics
from bittrader.backtest.result import Exit, OpenPosition, Result, Trades
from bittrader.backtest.spans import Span, checked_spans, index_in_joined, joined, where
from bittrader.errors import InputError, StrategyError, cause_of, is_interrupt
from bittrader.market.candles import Candles
from bittrader.market.store import load_candles
from bittrader.memory import keep_freed_arrays
from bittrader.strategies import buffers
from bittrader.strategies.base import Strategy, checked
from bittrader.strategies.builtin.buy_and_hold import BuyAndHold
from bittrader.strategies.chart import Chart
from bittrader.strategies.registry import load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bittrader.backtest.inputs import Orders

    Rows = NDArray[np.float64]
    Prices = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What a batch of parameter sets gave.

    `metrics` has one row a set, in the columns of `METRICS`, NaN where undefined; `errors` gives the cause for each row
    that failed (its metrics are all NaN).
    """

    metrics: Rows
    errors: Mapping[int, str]
    names: ClassVar[tuple[str, ...]] = METRICS


class Evaluator:
    """A strategy over candles at stated costs: calling it with rows of parameters gives their metrics.

    `spans`: the bars that are traded, else all. Signals are made on the chart from the first bar to the end of the last
    span, so that indicators are warm and nothing later is seen. Each span is begun flat; a position that is open at its
    end is marked at its last close and dropped; equity goes on from span to span. `delay`: signals act so many bars
    later. Safe to share between threads; what it computes from the candles is computed once.
    """

    def __init__(
        self,
        strategy: type[Strategy],
        candles: Candles,
        costs: Costs | None = None,
        sizing: Sizing | None = None,
        spans: Sequence[Span] | None = None,
        delay: int = 0,
    ) -> None:
        keep_freed_arrays()
        if delay < 0:
            raise InputError(f"the delay must be a number of bars and at least 0, not {delay}.")
        self.spans, self.delay = checked_spans(spans, len(candles)), delay
        seen = self.spans[-1][1]
        self.candles = candles if seen == len(candles) else candles.head(seen)
        self.strategy, self.costs, self.sizing = strategy, costs or Costs(), sizing or Sizing()
        self.chart = Chart(self.candles)
        self._market = prepared.market(self.candles)
        self._where = where(self.candles, self.spans)
        self._terms = prepared.terms(self.candles, self.costs, self.sizing)

    def __call__(self, rows: Rows) -> Evaluated:
        metrics = np.full((len(rows), len(METRICS)), np.nan)
        errors: dict[int, str] = {}
        # Neighbours in the space share indicators, which the chart keeps for a while.
        for index in np.lexsort(rows.T[::-1]) if rows.size else range(len(rows)):
            try:
                self.trade(self.orders(self.strategy.from_row(rows[index])), metrics[index])
            except BaseException as error:
                if is_interrupt(error):
                    raise
                metrics[index] = np.nan
                errors[int(index)] = cause_of(error)
        return Evaluated(metrics, errors)

    def trade(self, orders: Orders, row: Prices, records: Rows | None = None, book: Prices | None = None) -> None:
        """Fills `row` with the metrics of trading these orders, and `records` with the positions (see `kernel.run`).

        `book`: the account of a run over earlier bars, which then goes on.
        """
        kept, account = _NO_RECORDS if records is None else records, kernel.new_book() if book is None else book
        scratch = buffers.series(2 * len(self.candles))
        kernel.run(self._market, self._where, orders, self._terms, kept, row, account, scratch)

    def run(self, orders: Orders, book: Prices | None = None) -> Run:
        """What trading these orders gives, in full; `book` as for `trade`."""
        row, account = np.empty(len(METRICS)), kernel.new_book() if book is None else book
        began = account[kernel.EQUITY]
        self.trade(orders, row, book=account.copy())
        records = np.full((int(row[kernel.TRADES]) + len(self.spans), kernel.RECORD), np.nan)
        self.trade(orders, row, records, account)
        records = records[~np.isnan(records[:, kernel.ENTRY])]
        marked = equity(self._market, self._where, self._terms.funding, records, began)
        return Run(Metrics.from_row(row), records, marked)

    def orders(self, strategy: Strategy) -> Orders:
        """What the strategy wants, as the kernel takes it. StrategyError when it breaks its contract."""
        signals = checked(strategy.signals(self.chart), len(self.candles))
        if self.sizing.risk_per_trade is not None and signals.stop is None:
            raise StrategyError("risk per trade needs a strategy with a stop: this one gives none.")
        return prepared.orders(signals, self.delay)


class Run(NamedTuple):
    """One run: its metrics, its positions as `kernel.run` records them, and its equity at each close."""

    metrics: Metrics
    records: Rows
    equity: Prices


def stitched(parts: Sequence[tuple[Evaluator, Strategy]]) -> Run:
    """One run after the other over later and later bars, on one account: the metrics are those of all bars together."""
    book = kernel.new_book()
    runs = [evaluator.run(evaluator.orders(strategy), book) for evaluator, strategy in parts]
    records, marked = (np.concatenate(columns) for columns in zip(*(one[1:] for one in runs), strict=True))
    return Run(runs[-1].metrics, records, marked)


def backtest(
    strategy: type[Strategy] | str,
    candles: Candles | str | Path,
    params: Mapping[str, object] | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    spans: Sequence[Span] | None = None,
    delay: int = 0,
) -> Result:
    """One run in full.

    `strategy` is a class, a built-in name or `file.py:Class`; `candles` are candles, a stored name or a file; missing
    parameters take their defaults. `spans` and `delay` are those of `Evaluator`; the result's candles are the bars of
    the spans, and its bar indexes count in these.
    """
    known = _strategy(strategy)
    evaluator = Evaluator(known, _candles(candles), costs, sizing, spans, delay)
    chosen = known(**(params or {}))
    run = evaluator.run(evaluator.orders(chosen))
    held = _held(evaluator)
    return Result(
        candles=joined(evaluator.candles, evaluator.spans),
        strategy=known.name,
        params=chosen.params,
        costs=evaluator.costs,
        sizing=evaluator.sizing,
        metrics=run.metrics,
        trades=_trades(run.records, evaluator.spans),
        open_position=_left_open(run.records, evaluator.spans),
        equity=run.equity,
        buy_and_hold=held.metrics,
        buy_and_hold_equity=held.equity,
    )


def evaluate_many(
    strategy: type[Strategy] | str,
    candles: Candles | str | Path,
    list_of_params: Sequence[Mapping[str, object]],
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    threads: int = 1,
) -> list[Metrics]:
    """The metrics of each parameter set, in order.

    InputError for a parameter set that the strategy does not allow; StrategyError when one fails.
    """
    if threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}.")
    known = _strategy(strategy)
    rows = known.space.encode_all(list_of_params)
    evaluator = Evaluator(known, _candles(candles), costs, sizing)
    if threads > 1 and len(rows) > 1:
        parts = np.array_split(rows, min(len(rows), 8 * threads))
        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(evaluator, parts))
    else:
        # A thread of its own would begin with memory that it never touched: a page fault for every 4 kB of indicators.
        parts, answers = [rows], [evaluator(rows)]
    first = 0
    for part, answer in zip(parts, answers, strict=True):
        for index, cause in answer.errors.items():
            raise StrategyError(f"{known.name} failed with {known.space.decode(rows[first + index])}: {cause}")
        first += len(part)
    return [Metrics.from_row(row) for answer in answers for row in answer.metrics]


def _strategy(given: type[Strategy] | str) -> type[Strategy]:
    return load_strategy(given) if isinstance(given, str) else given


def _candles(given: Candles | str | Path) -> Candles:
    return given if isinstance(given, Candles) else load_candles(given)


_NO_RECORDS = np.empty((0, kernel.RECORD))


def _held(evaluator: Evaluator) -> Run:
    """Holding the market in each span, at the same costs, all equity."""
    holding = Evaluator(BuyAndHold, evaluator.candles, evaluator.costs, spans=evaluator.spans)
    first = np.zeros(len(holding.candles), dtype=np.bool_)
    first[[start for start, _ in holding.spans]] = True
    return holding.run(holding.orders(BuyAndHold())._replace(enter_long=prepared.readonly(first)))


def _left_open(records: Rows, spans: Sequence[Span]) -> OpenPosition | None:
    """The position that the last bar of all leaves open."""
    if len(records) == 0 or records[-1, kernel.WHY] != Exit.OPEN or records[-1, kernel.ENTRY] < spans[-1][0]:
        return None
    last = records[-1]
    return OpenPosition(
        entry_bar=int(index_in_joined(spans, last[[kernel.ENTRY]].astype(np.int64))[0]),
        side=int(last[kernel.SIDE]),
        entry_price=float(last[kernel.FILL]),
        size=float(last[kernel.SIZE]),
    )


def _trades(records: Rows, spans: Sequence[Span]) -> Trades:
    closed = records[records[:, kernel.WHY] != Exit.OPEN]
    whole = closed[:, [kernel.ENTRY, kernel.EXIT, kernel.SIDE, kernel.WHY]].astype(np.int64)
    return Trades(
        entry_bar=index_in_joined(spans, whole[:, 0]),
        exit_bar=index_in_joined(spans, whole[:, 1]),
        side=whole[:, 2],
        entry_price=closed[:, kernel.FILL],
        exit_price=closed[:, kernel.LEFT],
        size=closed[:, kernel.SIZE],
        profit=closed[:, kernel.PROFIT],
        profit_fraction=closed[:, kernel.FRACTION],
        exit=whole[:, 3],
    )
