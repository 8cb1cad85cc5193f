"""Validations and holdouts as a study would hold them, right in shape and found by no engine."""

from __future__ import annotations

import numpy as np

from bittrader.optimize.folds import Validation
from bittrader.optimize.studies.validation_result import Curve, FoldResult, Holdout, Opening, Path, Period, Validated


def validation(candles, mode="walk-forward", folds=5, *, broken=(), symbols=None, embargo="1%", seed=4):
    """A validation of these candles; in the folds that are `broken` (from 0) nothing finished."""
    plan = Validation(mode, folds=folds, embargo=embargo, purge=embargo).plan(len(candles), candles.timeframe)
    rng = np.random.default_rng(seed)

    def periods(spans):
        return tuple(Period(a, b, int(candles.time[a]), int(candles.time[b - 1])) for a, b in spans)

    def measured(sharpe):
        return {"sharpe": sharpe, "cagr": sharpe / 5, "total_return": sharpe / 4, "max_drawdown": 0.2, "trades": 20}

    def fold(index, one):
        where = {"train": periods(one.train), "test": periods(one.test)}
        if index in broken:
            return FoldResult(
                **where, number=None, params=None, feasible=False, in_sample=None, out_of_sample=None, cause="no set"
            )
        inside = float(rng.normal(1.5, 0.3))
        return FoldResult(
            **where,
            number=index,
            params={"fast": 10 + index, "slow": 90},
            feasible=True,
            in_sample=measured(inside),
            out_of_sample=measured(inside - abs(float(rng.normal(1, 0.5)))),
            cause=None,
        )

    def path(pieces):
        if any(piece.fold in broken for piece in pieces):
            return Path(None, ())
        bars = np.concatenate([np.arange(*piece.span) for piece in pieces])
        at = np.unique(np.linspace(0, len(bars) - 1, min(len(bars), 1000)).round().astype(int))
        time = tuple(candles.time[bars][at].tolist())
        curves = tuple(
            Curve(symbol, time, tuple(np.exp(np.cumsum(rng.normal(0.0003, 0.004, len(at)))).tolist()))
            for symbol in symbols or (candles.symbol,)
        )
        return Path(measured(float(rng.normal(0.5, 0.6))), curves)

    return Validated(
        mode, 80, tuple(fold(i, one) for i, one in enumerate(plan.folds)), tuple(path(one) for one in plan.paths)
    )


def holdout(candles, looks=1):
    """The last fifth of the candles, looked at so many times."""
    start = len(candles) * 4 // 5
    measured = {"total_return": -0.05, "cagr": -0.2, "sharpe": -0.4, "max_drawdown": 0.12, "trades": 9}
    return Holdout(
        Period(start, len(candles), int(candles.time[start]), int(candles.time[-1])),
        tuple(
            Opening(
                f"2024-05-0{n + 1}T10:00:00Z", 80, 7, {"fast": 20}, measured, ({"total_return": 0.1},), _curves(candles)
            )
            for n in range(looks)
        ),
    )


def _curves(candles):
    time = candles.time[len(candles) * 4 // 5 :]
    at = np.unique(np.linspace(0, len(time) - 1, min(len(time), 1000)).round().astype(int))
    return (Curve(candles.symbol, tuple(time[at].tolist()), tuple(np.linspace(1, 0.95, len(at)).tolist())),)
