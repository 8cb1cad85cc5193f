"""The plain engine that ours is measured beside: a loop over the bars, as one would write it first, compiled by numba.

One call per parameter set, indicators computed anew each time, every bar visited, nothing tuned. It keeps the same
conventions as ours (signals at the close, fills at the next open, a fee on both sides, all equity), so the number of
trades must be the same.
"""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
from numba import njit


@njit(cache=True)
def sma(close, length):
    average = np.full(len(close), nan)
    total = 0.0
    for bar in range(len(close)):
        total += close[bar]
        if bar >= length:
            total -= close[bar - length]
        if bar >= length - 1:
            average[bar] = total / length
    return average


@njit(cache=True)
def rsi(close, length):
    index = np.full(len(close), nan)
    gain, loss = 0.0, 0.0
    for bar in range(1, len(close)):
        change = close[bar] - close[bar - 1]
        up, down = max(change, 0.0), max(-change, 0.0)
        if bar <= length:
            gain += up / length
            loss += down / length
        else:
            gain = (gain * (length - 1) + up) / length
            loss = (loss * (length - 1) + down) / length
        if bar >= length:
            index[bar] = 50.0 if gain + loss == 0.0 else 100.0 * gain / (gain + loss)
    return index


@njit(cache=True)
def atr(high, low, close, length):
    average = np.full(len(close), nan)
    value = 0.0
    for bar in range(1, len(close)):
        span = max(high[bar], close[bar - 1]) - min(low[bar], close[bar - 1])
        value = value + span / length if bar <= length else (value * (length - 1) + span) / length
        if bar >= length:
            average[bar] = value
    return average


@njit(cache=True)
def measures(equity, profits, trades, bars_per_year):
    """Total return, Sharpe ratio, largest drawdown, trades, win rate, profit factor."""
    bars = len(equity)
    total, squares, peak, drawdown = 0.0, 0.0, equity[0], 0.0
    for bar in range(1, bars):
        change = equity[bar] / equity[bar - 1] - 1.0
        total += change
        squares += change * change
        peak = max(peak, equity[bar])
        drawdown = max(drawdown, 1.0 - equity[bar] / peak)
    mean = total / (bars - 1)
    deviation = sqrt(max(squares - total * mean, 0.0) / (bars - 2))
    sharpe = mean / deviation * sqrt(bars_per_year) if deviation > 0.0 else nan
    wins, gains, losses = 0, 0.0, 0.0
    for trade in range(trades):
        if profits[trade] > 0.0:
            wins += 1
            gains += profits[trade]
        else:
            losses -= profits[trade]
    win_rate = wins / trades if trades else nan
    return equity[-1] - 1.0, sharpe, drawdown, trades, win_rate, gains / losses if losses > 0.0 else nan


@njit(cache=True)
def sma_cross(open_, close, fast, slow, fee, bars_per_year):
    """W1: long while the fast average is above the slow one."""
    quick, steady = sma(close, fast), sma(close, slow)
    equity, profits, trades = np.empty(len(close)), np.empty(len(close)), 0
    cash, units, paid, wish = 1.0, 0.0, 0.0, 0
    for bar in range(len(close)):
        if wish == 1 and units == 0.0:
            paid, units, cash = cash, cash / (open_[bar] * (1.0 + fee)), 0.0
        elif wish == -1 and units > 0.0:
            cash, units = units * open_[bar] * (1.0 - fee), 0.0
            profits[trades] = cash - paid
            trades += 1
        equity[bar] = cash + units * close[bar]
        wish = 0
        if bar > 0:
            if quick[bar - 1] <= steady[bar - 1] and quick[bar] > steady[bar]:
                wish = 1
            elif quick[bar - 1] >= steady[bar - 1] and quick[bar] < steady[bar]:
                wish = -1
    return measures(equity, profits, trades, bars_per_year)


@njit(cache=True)
def rsi_reversion(open_, high, low, close, rsi_length, lower, upper, atr_length, stops, fee, bars_per_year):  # noqa: C901 - one loop, as one writes it first
    """W2: against extremes of the RSI, both ways; `stops` are stop, target and trail in multiples of ATR."""
    index, swing = rsi(close, rsi_length), atr(high, low, close, atr_length)
    equity, profits, trades = np.empty(len(close)), np.empty(len(close)), 0
    cash, side, size, before, best = 1.0, 0, 0.0, 1.0, 0.0
    stop, target, trail = 0.0, 0.0, 0.0
    wish = 0
    for bar in range(len(close)):
        if side == 0 and wish != 0 and cash > 0.0 and swing[bar - 1] == swing[bar - 1]:
            price, distance = open_[bar], swing[bar - 1]
            side, before, size = wish, cash, cash / (price * (1.0 + fee))
            cash -= side * size * price + size * price * fee
            stop, target = price - side * stops[0] * distance, price + side * stops[1] * distance
            trail, best = stops[2] * distance, price
        if side != 0:
            level = best - side * trail
            level = max(level, stop) if side > 0 else min(level, stop)
            worst, top = (low[bar], high[bar]) if side > 0 else (high[bar], low[bar])
            left = nan
            if side * (open_[bar] - level) <= 0.0:
                left = open_[bar]
            elif side * (worst - level) <= 0.0:
                left = level
            elif side * (open_[bar] - target) >= 0.0:
                left = open_[bar]
            elif side * (top - target) >= 0.0:
                left = target
            else:
                best = max(best, high[bar]) if side > 0 else min(best, low[bar])
            if left == left:  # noqa: PLR0124 - it is not a NaN
                cash += side * size * left - size * left * fee
                profits[trades] = cash - before
                trades += 1
                side = 0
        equity[bar] = cash + side * size * close[bar]
        wish = 0
        if bar > 0:
            if index[bar - 1] >= lower and index[bar] < lower:
                wish += 1
            if index[bar - 1] <= upper and index[bar] > upper:
                wish -= 1
    return measures(equity, profits, trades, bars_per_year)
