"""From a strategy, its parameters and candles to metrics: one run in full, or many as rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bittrader.backtest import kernel
from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS, Metrics
from bittrader.backtest.result import Exit, OpenPosition, Result, Trades
from bittrader.errors import InputError, StrategyError, cause_of
from bittrader.market.candles import Candles
from bittrader.market.store import load_candles
from bittrader.market.timeframe import HOUR_MS, YEAR_MS
from bittrader.memory import keep_freed_arrays
from bittrader.strategies.base import Multiple, Signals, Strategy, checked
from bittrader.strategies.builtin.buy_and_hold import BuyAndHold
from bittrader.strategies.chart import Chart
from bittrader.strategies.registry import load_strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]
    Prices = NDArray[np.float64]

Column = TypeVar("Column", bound=np.generic)

# Squared returns of a series that add up to this much hold a bad tick: ten years of bitcoin's minutes give about 20.
_WILD = 1e3


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What a batch of parameter sets gave.

    `metrics` has one row a set, in the columns of `METRICS`, NaN where undefined; `errors` gives the cause for each row
    that failed (its metrics are all NaN).
    """

    metrics: Rows
    errors: Mapping[int, str]


class Evaluator:
    """A strategy over candles at stated costs: calling it with rows of parameters gives their metrics.

    Safe to share between threads; what it computes from the candles is computed once.
    """

    def __init__(
        self, strategy: type[Strategy], candles: Candles, costs: Costs | None = None, sizing: Sizing | None = None
    ) -> None:
        keep_freed_arrays()
        self.strategy, self.candles = strategy, candles
        self.costs, self.sizing = costs or Costs(), sizing or Sizing()
        self.chart = Chart(candles)
        self._market = _market(candles)
        self._terms = _terms(candles, self.costs, self.sizing)
        self._never = _readonly(np.zeros(len(candles), dtype=np.bool_))

    def __call__(self, rows: Rows) -> Evaluated:
        metrics = np.full((len(rows), len(METRICS)), np.nan)
        errors: dict[int, str] = {}
        # Neighbours in the space share indicators, which the chart keeps for a while.
        for index in np.lexsort(rows.T[::-1]) if rows.size else range(len(rows)):
            try:
                self.trade(self.orders(self.strategy.from_row(rows[index])), metrics[index])
            except (Exception, SystemExit) as error:  # noqa: BLE001 - what a strategy raises is its evaluation's failure
                metrics[index] = np.nan
                errors[int(index)] = cause_of(error)
        return Evaluated(metrics, errors)

    def trade(self, orders: kernel.Orders, row: Rows, records: Rows | None = None) -> None:
        """Fills `row` with the metrics of trading these orders, and `records` with the trades (see `kernel.run`)."""
        kept = _NO_RECORDS if records is None else records
        kernel.run(self._market, orders, self._terms, kept, row, np.empty(kernel.BOOK))

    def orders(self, strategy: Strategy) -> kernel.Orders:
        """What the strategy wants, as the kernel takes it. StrategyError when it breaks its contract."""
        signals: Signals = checked(strategy.signals(self.chart), len(self.candles))
        if self.sizing.risk_per_trade is not None and signals.stop is None:
            raise StrategyError("risk per trade needs a strategy with a stop: this one gives none.")
        stop, stop_times = _distance(signals.stop)
        target, target_times = _distance(signals.target)
        trail, trail_times = _distance(signals.trail)
        return kernel.Orders(
            enter_long=self._flags(signals.enter_long),
            exit_long=self._flags(signals.exit_long),
            enter_short=self._flags(signals.enter_short),
            exit_short=self._flags(signals.exit_short),
            stop=stop,
            target=target,
            trail=trail,
            stop_times=stop_times,
            target_times=target_times,
            trail_times=trail_times,
            max_bars=signals.max_bars or 0,
        )

    def _flags(self, column: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        return self._never if column is None else _readonly(column)


def backtest(
    strategy: type[Strategy] | str,
    candles: Candles | str | Path,
    params: Mapping[str, object] | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
) -> Result:
    """One run in full.

    `strategy` is a class, a built-in name or `file.py:Class`; `candles` are candles, a stored name or a file; missing
    parameters take their defaults.
    """
    known, market = _strategy(strategy), _candles(candles)
    evaluator = Evaluator(known, market, costs, sizing)
    chosen = known(**(params or {}))
    metrics, trades, position, equity = _run_in_full(evaluator, chosen)
    holding = Evaluator(BuyAndHold, market, evaluator.costs)
    held_metrics, _, _, held_equity = _run_in_full(holding, BuyAndHold())
    return Result(
        candles=market,
        strategy=known.name,
        params=chosen.params,
        costs=evaluator.costs,
        sizing=evaluator.sizing,
        metrics=metrics,
        trades=trades,
        open_position=position,
        equity=equity,
        buy_and_hold=held_metrics,
        buy_and_hold_equity=held_equity,
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
    parts = np.array_split(rows, min(len(rows), 8 * threads)) if threads > 1 and len(rows) > 1 else [rows]
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(evaluator, parts))
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


def _readonly(column: NDArray[Column]) -> NDArray[Column]:
    """The column as the kernel was compiled for it: contiguous and read-only."""
    view = column.view() if column.flags.c_contiguous else column.copy()
    view.setflags(write=False)
    return view


def _distance(given: Prices | Multiple | None) -> tuple[Prices, float]:
    if given is None:
        return _NO_DISTANCE
    return (_readonly(given.of), given.times) if isinstance(given, Multiple) else (_readonly(given), 1.0)


_NO_DISTANCE = (_readonly(np.empty(0)), 1.0)
_NO_RECORDS = np.empty((0, kernel.RECORD))


@lru_cache(maxsize=4)
def _market(candles: Candles) -> kernel.Market:
    """What the kernel needs of a series."""
    changes = np.concatenate(([0.0], candles.close[1:] / candles.close[:-1] - 1.0))
    sums = kernel.running_sums(np.column_stack((changes, changes**2, np.minimum(changes, 0.0) ** 2)))
    following, lowest = kernel.next_record(candles.close)
    return kernel.Market(
        high=candles.high,
        low=candles.low,
        close=candles.close,
        bars=_readonly(np.column_stack((candles.open, sums))),
        next_record=_readonly(following),
        lowest_between=_readonly(lowest),
        calm=bool(sums[-1, 1] < _WILD),
        years=float(candles.time[-1] - candles.time[0]) / YEAR_MS,
        bars_per_year=candles.timeframe.bars_per_year,
        days_per_bar=candles.timeframe.days,
    )


def _terms(candles: Candles, costs: Costs, sizing: Sizing) -> kernel.Terms:
    return kernel.Terms(
        fee=costs.fee,
        slippage=costs.slippage_bps / 1e4,
        funding=_readonly(_funding(candles, costs)),
        notional=sizing.fraction * sizing.leverage,
        risk=np.nan if sizing.risk_per_trade is None else sizing.risk_per_trade,
        maintenance=sizing.maintenance_margin,
    )


def _funding(candles: Candles, costs: Costs) -> NDArray[np.float64]:
    """The fraction of notional that a long pays at each bar's open: the rate, per funding moment since the last."""
    if costs.funding_rate == 0.0:
        return np.empty(0)
    moments = candles.time // round(costs.funding_hours * HOUR_MS)
    return costs.funding_rate * np.diff(moments, prepend=moments[0]).astype(np.float64)


def _run_in_full(
    evaluator: Evaluator, strategy: Strategy
) -> tuple[Metrics, Trades, OpenPosition | None, NDArray[np.float64]]:
    row = np.empty(len(METRICS))
    orders = evaluator.orders(strategy)
    evaluator.trade(orders, row)
    metrics = Metrics.from_row(row)
    records = np.full((metrics.trades + 1, kernel.RECORD), np.nan)
    evaluator.trade(orders, row, records)
    last = records[metrics.trades]
    position = None
    if not np.isnan(last[kernel.ENTRY]):
        position = OpenPosition(
            entry_bar=int(last[kernel.ENTRY]),
            side=int(last[kernel.SIDE]),
            entry_price=float(last[kernel.FILL]),
            size=float(last[kernel.SIZE]),
        )
    equity = _equity(evaluator.candles, records, evaluator._terms.funding)  # noqa: SLF001 - its own module
    return metrics, _trades(records[: metrics.trades]), position, equity


def _trades(records: Rows) -> Trades:
    whole = records[:, [kernel.ENTRY, kernel.EXIT, kernel.SIDE, kernel.WHY]].astype(np.int64)
    return Trades(
        entry_bar=whole[:, 0],
        exit_bar=whole[:, 1],
        side=whole[:, 2],
        entry_price=records[:, kernel.FILL],
        exit_price=records[:, kernel.LEFT],
        size=records[:, kernel.SIZE],
        profit=records[:, kernel.PROFIT],
        profit_fraction=records[:, kernel.FRACTION],
        exit=whole[:, 3],
    )


def _equity(candles: Candles, records: Rows, funding: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equity at each close, from the trades and the position left open."""
    bars = len(candles)
    equity = np.empty(bars)
    cash, flat_from = 1.0, 0
    for record in records[~np.isnan(records[:, kernel.ENTRY])]:
        entry = int(record[kernel.ENTRY])
        left = bars if record[kernel.WHY] == Exit.OPEN else int(record[kernel.EXIT])
        owned = record[kernel.SIDE] * record[kernel.SIZE]
        paid = np.zeros(left - entry)
        if len(funding):
            paid[1:] = np.cumsum(owned * candles.open[entry + 1 : left] * funding[entry + 1 : left])
        equity[flat_from:entry] = cash
        equity[entry:left] = record[kernel.CASH] - paid + owned * candles.close[entry:left]
        cash, flat_from = cash + record[kernel.PROFIT], left
    equity[flat_from:] = cash
    return equity
