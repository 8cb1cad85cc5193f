from __future__ import annotations

import bisect

import numpy as np
import pytest
from tests.strategies.made import walk
from tests.testing.planted import flags, found, strategy_of

from bittrader.errors import StrategyError
from bittrader.market.sample import synthetic
from bittrader.market.timeframe import Timeframe
from bittrader.strategies.base import Signals
from bittrader.strategies.indicators import crossed_above, crossed_below
from bittrader.strategies.parameters import Choice, Int
from bittrader.testing.hindsight import no_beginning
from bittrader.testing.subject import Subject


def later(values):
    return np.append(values[1:], np.nan)


def cheat_next_close(chart):
    return flags(later(chart.close) > chart.close)


def cheat_next_open_far_ahead(chart):
    return flags(np.append(chart.open[24:], [np.nan] * 24)[: len(chart)] > chart.close * 1.05)


def cheat_centred_mean(chart):
    return flags(chart.close < np.convolve(chart.close, np.ones(5) / 5, mode="same"))


def cheat_roll(chart):
    return flags(np.roll(chart.close, -1) > chart.close)


def cheat_rolled_flags(chart):
    return flags(np.roll(crossed_above(chart.sma(5), chart.sma(20)), -1))


def cheat_highest_of_all(chart):
    return flags(chart.close > 0.95 * chart.high.max())


def cheat_mean_of_all(chart):
    return flags(crossed_below(chart.close, float(chart.close.mean())))


def cheat_normalised(chart):
    return flags((chart.close - chart.close.mean()) / (chart.close.std() + 1e-9) < -1)


def cheat_through_the_candles(chart):
    return flags(chart.candles.close < chart.candles.close[-1])


def cheat_unfinished_bar(chart):
    day = chart.time // 86_400_000
    last = np.searchsorted(day, day, side="right") - 1
    return flags(chart.close[last] > chart.open)


def cheat_sorting(chart):
    return flags(np.argsort(np.argsort(chart.close)) < len(chart) // 10)


def cheat_reversed_filter(chart):
    return flags(chart.close < chart.ema(10, of=chart.close[::-1])[::-1])


def cheat_lowest_to_come(chart):
    return flags(chart.low <= np.minimum.accumulate(chart.low[::-1])[::-1])


def cheat_filled_backwards(chart):
    slow = chart.sma(80).copy()
    slow[:79] = slow[79] if len(slow) > 79 else np.nan
    return flags(crossed_above(chart.close, slow))


def cheat_the_last_bar(chart):
    enter = crossed_above(chart.sma(5), chart.sma(20)).copy()
    enter[-1] = True
    return flags(enter)


def cheat_how_many_bars(chart):
    return flags(np.arange(len(chart)) > len(chart) - 100)


def cheat_in_a_distance(chart):
    return Signals(
        enter_long=crossed_above(chart.sma(5), chart.sma(20)), stop=np.abs(later(chart.close) - chart.close) + 0.01
    )


def cheat_rarely(chart):
    """Looks at the next bar, but only where the market has just crashed."""
    crashed = np.concatenate([[False] * 24, chart.close[24:] < chart.close[:-24] * 0.9])[: len(chart)]
    return flags(crashed & (later(chart.close) > chart.close * 1.005))


def cheat_pivot_marked_where_it_was(chart):
    """A high with two lower highs on either side, known two bars later."""
    high = chart.high
    lower = np.zeros(len(chart), np.bool_)
    for by in (1, 2):
        lower |= high <= np.append(high[by:], [np.inf] * by)[: len(chart)]
        lower |= high <= np.append([np.inf] * by, high[:-by])[: len(chart)]
    return Signals(enter_short=~lower)


def cheat_zigzag(chart):
    """Marks the low from which the price has by now risen by five per cent."""
    lows, low = np.zeros(len(chart), np.bool_), 0
    for bar, close in enumerate(chart.close):
        if close < chart.close[low]:
            low = bar
        elif close > 1.05 * chart.close[low]:
            lows[low], low = True, bar
    return flags(lows)


CHEATS = [function for name, function in list(globals().items()) if name.startswith("cheat_")]


def bars_so_far(chart):
    return np.arange(1, len(chart) + 1)


def begins_mean_of_all_before(chart):
    return flags(crossed_below(chart.close, np.cumsum(chart.close) / bars_so_far(chart)))


def begins_highest_so_far(chart):
    return flags(chart.close > 0.95 * np.maximum.accumulate(chart.high))


def begins_rank_in_all_before(chart):
    seen, below = [], np.zeros(len(chart))
    for bar, close in enumerate(chart.close.tolist()):
        below[bar] = bisect.bisect_left(seen, close)
        seen.insert(int(below[bar]), close)
    return flags(below < 0.1 * bars_so_far(chart))


def begins_deviation_of_all_before(chart):
    mean = np.cumsum(chart.close) / bars_so_far(chart)
    spread = np.sqrt(np.maximum(np.cumsum(chart.close**2) / bars_so_far(chart) - mean**2, 1e-9))
    return flags((chart.close - mean) / spread < -1)


def begins_counted_bars(chart):
    return flags(bars_so_far(chart) % 24 == 0)


def begins_rarely_counted_bars(chart):
    return flags(bars_so_far(chart) % 1000 == 0)


def begins_days_cut_by_counting(chart):
    day = np.arange(len(chart)) // 24
    return flags(chart.close > chart.open[day * 24] * 1.01)


def begins_sign_of_on_balance_volume(chart):
    return flags(chart.obv() > 0)


def begins_accumulation_level(chart):
    return flags(crossed_above(chart.ad(), 5_000.0))


def begins_vwap_since_the_start(chart):
    return flags(chart.close < np.cumsum(chart.close * chart.volume) / np.maximum(np.cumsum(chart.volume), 1e-9))


def begins_first_price(chart):
    return flags(chart.close > chart.close[0])


def begins_profit_since_the_start_as_a_stop(chart):
    return Signals(
        enter_long=crossed_above(chart.sma(5), chart.sma(20)), stop=np.abs(chart.close - chart.close[0]) + 1.0
    )


BEGINNINGS = [function for name, function in list(globals().items()) if name.startswith("begins_")]


def fades_exponential(chart):
    return flags(crossed_above(chart.ema(5), chart.ema(400)))


def fades_state(chart):
    return Signals(
        enter_long=crossed_above(chart.parabolic_sar(), chart.close),
        enter_short=crossed_above(chart.supertrend(20, 4).trend, 0.0),
        stop=chart.atr(100),
    )


def fades_change_of_a_sum(chart):
    return flags(crossed_above(chart.obv() - chart.sma(20, of=chart.obv()), 0.0))


def fades_session(chart):
    return flags(crossed_above(chart.close, chart.session_vwap()))


def fades_first_bar(chart):
    return flags(bars_so_far(chart) == 1)


FADING = [function for name, function in list(globals().items()) if name.startswith("fades_")]


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_glance_into_the_future_is_caught(cheat):
    findings = found(strategy_of(cheat))
    assert "look-ahead" in findings
    assert "it was not known then" in findings["look-ahead"]


@pytest.mark.parametrize("planted", BEGINNINGS)
def test_a_dependence_on_where_the_candles_begin_is_caught(planted):
    findings = found(strategy_of(planted))
    assert set(findings) - {"notes"} == {"history"}
    assert "changes when the " in findings["history"]
    assert "results depend on where the file begins" in findings["history"]


@pytest.mark.parametrize("fading", FADING)
def test_what_forgets_the_beginning_is_no_dependence_on_it(fading):
    assert "history" not in found(strategy_of(fading))


def test_a_dependence_is_caught_on_long_candles_of_ones_own():
    assert "history" in found(strategy_of(begins_mean_of_all_before), walk(20_000, 5))


def test_the_bar_that_is_named_is_one_that_changes():
    series = walk(20_000, 5)
    words = next(no_beginning(Subject(strategy_of(begins_counted_bars), series, 1)))
    # Bars 23, 47, ... are counted; the first of them, or of those one later, after the warm-up of 5,000 and one bar.
    assert words.startswith("enter_long at bar 5015 ("), words
    assert "begin 1 bar later" in words


class Slow(strategy_of(lambda _chart: None)):
    """Needs as many bars as its longest average."""

    length = Choice(6_000, 50)

    def signals(self, chart):
        return flags(chart.close > chart.sma(self.length))


def test_a_warm_up_that_is_too_short_is_met_with_the_one_that_would_do():
    words = found(Slow)["history"]
    assert "to warm up, write warm_up = " in words
    needed = int(words.partition("warm_up = ")[2].split()[0])
    assert 5_000 < needed <= 6_000


def test_a_stated_warm_up_is_what_it_is_held_to():
    assert "history" not in found(type("Stated", (Slow,), {"warm_up": 6_000, "__doc__": "Planted."}))
    short = type("Short", (Slow,), {"warm_up": 30, "length": Int(100, 100), "__doc__": "Planted."})
    assert "history" in found(short, walk(5_000, 1))


@pytest.mark.parametrize("wrong", [-1, 1.5, "500", None, True])
def test_a_warm_up_is_a_number_of_bars(wrong):
    with pytest.raises(StrategyError, match="warm_up must be a whole number of bars"):
        strategy_of(fades_exponential, warm_up=wrong)


@pytest.mark.parametrize("timeframe", ["5m", "1d", "1w"])
def test_few_candles_of_any_timeframe_are_enough_to_find_it(timeframe):
    series = synthetic(40, timeframe=Timeframe.parse(timeframe))
    assert list(no_beginning(Subject(strategy_of(fades_exponential), series, 1))) == []
    assert list(no_beginning(Subject(strategy_of(begins_first_price), series, 1))) != []
