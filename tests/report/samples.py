"""Made-up results and studies for the report's tests: right in shape and in their sums, found by no engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS, Metrics
from bittrader.backtest.result import Exit, OpenPosition, Result, Trades
from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe
from bittrader.optimize.goals import Objective, conditions_of, objectives_of, violations
from bittrader.optimize.studies.experiment import CandleFacts
from bittrader.optimize.studies.pareto import non_dominated
from bittrader.optimize.studies.summary import StudySummary, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bittrader.belief.figures import Belief
    from bittrader.strategies.parameters import Value

START = 1_502_928_000_000  # 2017-08-17


def walk(bars: int = 2000, *, timeframe: str = "1h", seed: int = 1, symbol: str = "BTC/USDT") -> Candles:
    """A random walk, plainly synthetic."""
    rng = np.random.default_rng(seed)
    frame = Timeframe.parse(timeframe)
    close = 4000 * np.exp(np.cumsum(rng.normal(0.00002, 0.004, bars)))
    open_ = np.concatenate([[4000.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + rng.exponential(0.001, bars))
    low = np.minimum(open_, close) * (1 - rng.exponential(0.001, bars))
    time = START + np.arange(bars, dtype=np.int64) * frame.milliseconds
    volume = rng.exponential(10, bars)
    return Candles(symbol, frame, time, open_, high, low, close, volume, synthetic=True)


def no_trades() -> Trades:
    whole, real = np.empty(0, dtype=np.int64), np.empty(0)
    return Trades(whole, whole, whole, real, real, real, real, real, whole)


def some_trades(candles: Candles, count: int, *, seed: int = 2) -> Trades:
    """Trades at random bars, one after the other, filled at opens."""
    rng = np.random.default_rng(seed)
    bars = np.sort(rng.choice(np.arange(1, len(candles)), 2 * count, replace=False))
    entry, leave = bars[::2], bars[1::2]
    side = rng.choice([1, -1], count)
    prices = candles.open[entry], candles.open[leave]
    fraction = side * (prices[1] / prices[0] - 1) - 0.002
    equity = np.concatenate([[1.0], np.cumprod(1 + fraction)[:-1]])
    exits = rng.choice([Exit.SIGNAL, Exit.STOP, Exit.TARGET, Exit.TRAIL, Exit.TIME], count)
    return Trades(entry, leave, side, *prices, equity / prices[0], fraction * equity, fraction, exits.astype(np.int64))


def result(
    candles: Candles | None = None,
    trades: Trades | None = None,
    *,
    equity: NDArray[np.float64] | None = None,
    strategy: str = "sma-cross",
    params: Mapping[str, Value] | None = None,
    position: OpenPosition | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
) -> Result:
    candles = candles if candles is not None else walk()
    trades = trades if trades is not None else some_trades(candles, 60)
    marked = equity if equity is not None else _equity(candles, trades)
    held = candles.close / candles.open[1 if len(candles) > 1 else 0]
    return Result(
        candles=candles,
        strategy=strategy,
        params={"fast": 20, "slow": 100} if params is None else params,
        costs=costs or Costs(),
        sizing=sizing or Sizing(),
        metrics=_metrics(candles, marked, trades),
        trades=trades,
        open_position=position,
        equity=marked,
        buy_and_hold=_metrics(candles, held, no_trades()),
        buy_and_hold_equity=held,
    )


def _equity(candles: Candles, trades: Trades) -> NDArray[np.float64]:
    growth = np.ones(len(candles))
    for entry, leave, side in zip(trades.entry_bar, trades.exit_bar, trades.side, strict=True):
        growth[entry:leave] = 1 + side * (candles.close[entry:leave] / candles.open[entry:leave] - 1)
        growth[leave] *= 0.998
    return np.cumprod(growth)


def _metrics(candles: Candles, equity: NDArray[np.float64], trades: Trades) -> Metrics:
    before = np.concatenate([[1.0], equity[:-1]])
    returns = np.divide(equity, before, out=np.ones_like(equity), where=before > 0) - 1
    year = candles.timeframe.bars_per_year
    growth = float(equity[-1]) ** (year / len(candles)) - 1 if equity[-1] > 0 else None
    spread = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    fall = float((1 - equity / np.maximum.accumulate(np.maximum(equity, 1.0))).max())
    wins, losses = trades.profit[trades.profit > 0], trades.profit[trades.profit <= 0]
    fractions = trades.profit_fraction
    return Metrics(
        total_return=float(equity[-1]) - 1,
        cagr=growth,
        sharpe=float(returns.mean()) / spread * year**0.5 if spread else None,
        sortino=1.5 if spread else None,
        calmar=growth / fall if growth is not None and fall else None,
        volatility=spread * year**0.5,
        max_drawdown=fall,
        longest_drawdown_days=12.5,
        exposure=0.4 if len(trades) else 0.0,
        trades=len(trades),
        win_rate=len(wins) / len(trades) if len(trades) else None,
        profit_factor=float(wins.sum() / -losses.sum()) if len(losses) else None,
        expectancy=float(fractions.mean()) if len(trades) else None,
        average_win=float(fractions[trades.profit > 0].mean()) if len(wins) else None,
        average_loss=float(-fractions[trades.profit <= 0].mean()) if len(losses) else None,
        average_trade_days=3.2 if len(trades) else None,
        costs_paid=0.002 * len(trades),
    )


def choosing(
    finished: int = 500, *, objectives: tuple[str, ...] = ("sharpe", "max_drawdown"), where: tuple[str, ...] = ()
) -> StudySummary:
    """A study with several objectives, which pull apart, and conditions that some sets break."""
    base = study(finished)
    rng = np.random.default_rng(5)
    goals, conditions = objectives_of(objectives), conditions_of(where)
    metrics = {goals[0].metric: base.metrics["sharpe"], **base.metrics}
    for place, one in enumerate(goals[1:]):
        along = base.rows[:, place % 2] / base.rows[:, place % 2].max()
        better = np.sqrt(1 - along) + rng.normal(0, 0.1, finished)
        metrics[one.metric] = better if one.direction == "maximize" else 1 - 0.6 * better
    off = violations(conditions, list(metrics), np.column_stack(list(metrics.values())))
    losses = np.column_stack([one.losses(metrics[one.metric]) for one in goals])
    kept = np.flatnonzero(off == 0.0)
    front = kept[non_dominated(losses[kept])]

    def trial(i: int) -> Trial:
        params = {name: int(base.rows[i, k]) for k, name in enumerate(base.parameter_names)}
        return Trial(int(i), params, {name: float(column[i]) for name, column in metrics.items()}, float(off[i]))

    best = np.lexsort((losses[:, 0], off))[:20]
    return replace(
        base,
        objectives=goals,
        where=conditions,
        metrics=metrics,
        violations=off,
        infeasible=int((off > 0).sum()),
        best=tuple(map(trial, best)),
        front=tuple(map(trial, front[np.lexsort(losses[front].T[::-1])])) if len(goals) > 1 else (),
    )


def own_function(finished: int = 200) -> StudySummary:
    """A study of a function that is no strategy: no candles, and numbers of its own."""
    base = choosing(finished, objectives=("profit:max", "waste:min"))
    own = {name: base.metrics[name] for name in ("profit", "waste")}
    return replace(base, strategy="evaluate", series=(), metrics=own)


def study(
    finished: int = 500,
    *,
    parameters: Mapping[str, tuple[float, float]] | None = None,
    choices: Mapping[str, tuple[Value, ...]] | None = None,
    failures: Mapping[str, int] | None = None,
    objective: str = "sharpe",
    direction: str = "maximize",
    name: str = "first-try",
    undefined: int = 0,
    seed: int = 3,
    belief: Belief | None = None,
) -> StudySummary:
    """A study whose objective is a hill over the first two parameters, with noise."""
    rng = np.random.default_rng(seed)
    ranges = {"fast": (5, 100), "slow": (50, 400)} if parameters is None else parameters
    choices, failures = choices or {}, failures or {}
    unit = rng.random((finished, len(ranges) + len(choices)))
    rows = np.column_stack(
        [np.rint(low + unit[:, i] * (high - low)) for i, (low, high) in enumerate(ranges.values())]
        + [np.floor(unit[:, len(ranges) + i] * len(v)) for i, v in enumerate(choices.values())]
    ) if unit.shape[1] else np.empty((finished, 0))  # fmt: skip
    hill = 1.6 - 4 * (unit[:, :1] - 0.3).sum(axis=1) ** 2 - 2 * (unit[:, 1:2] - 0.6).sum(axis=1) ** 2
    values = hill + rng.standard_t(3, finished) * 0.2
    values = -values if direction == "minimize" else values
    values[:undefined] = np.nan
    names = (*ranges, *choices)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(-values[known] if direction == "maximize" else values[known])][:20]
    metrics = {metric: rng.random(finished) for metric in METRICS} | {objective: values}
    failed = sum(failures.values())
    return StudySummary(
        name=name,
        strategy="sma-cross",
        reference="sma-cross",
        series=(CandleFacts("btc", "f" * 32, "BTC/USDT", "1h", 1000, 0, 3_596_400_000, synthetic=False),),
        aggregate="mean",
        objectives=(Objective(objective, direction),),  # type: ignore[arg-type]
        where=(),
        sampler="tpe",
        sampler_reason="a model of hundreds of trials is worth its milliseconds",
        seed=7,
        asked=finished + failed,
        finished=finished,
        failed=failed,
        infeasible=0,
        failures=failures,
        seconds=2.5,
        cores=2,
        parameter_names=names,
        rows=rows,
        metrics=metrics,
        violations=np.zeros(finished),
        best=tuple(
            Trial(
                int(i),
                {n: choices[n][int(rows[i, k])] if n in choices else int(rows[i, k]) for k, n in enumerate(names)},
                {metric: float(column[i]) for metric, column in metrics.items()},
            )
            for i in order
        ),
        choices=choices,
        belief=belief,
    )
