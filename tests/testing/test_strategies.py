from __future__ import annotations

import itertools
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.strategies.made import walk
from tests.testing.planted import SERIES, flags, found, strategy_of

from bittrader.market.candles import Candles
from bittrader.market.timeframe import Timeframe
from bittrader.strategies.base import Signals, Strategy
from bittrader.strategies.indicators import crossed_above
from bittrader.strategies.parameters import Float, Int
from bittrader.strategies.registry import builtin_strategies, load_strategy
from bittrader.testing.strategies import CHECKS, check_strategy


@pytest.mark.parametrize("name", builtin_strategies())
def test_the_builtins_keep_the_contract(name):
    assert check_strategy(load_strategy(name), SERIES) == []


@pytest.mark.parametrize("name", builtin_strategies())
def test_the_builtins_keep_the_contract_on_flat_stretches_and_gaps(name):
    series = walk(400, 3, flat=0.5, gaps=0.2)
    assert [finding for finding in check_strategy(load_strategy(name), series) if finding.breaks] == []


def test_the_builtins_keep_the_contract_on_real_candles(real_data):
    table = pq.read_table(real_data("kraken_btcusd_1h_raw.parquet")).slice(0, 800)
    columns = {name: table[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    series = Candles("BTCUSD", Timeframe.parse("1h"), table["timestamp"].to_numpy(), **columns)
    for name in builtin_strategies():
        assert [finding for finding in check_strategy(load_strategy(name), series) if finding.breaks] == [], name


def test_signals_of_the_wrong_kind_are_found_and_said_once():
    findings = check_strategy(strategy_of(lambda chart: Signals(enter_long=chart.close)), SERIES)
    assert [finding.check for finding in findings] == ["runs"]
    assert "enter_long must be a bool array of 1200 bars, not float64" in findings[0].words


def test_an_error_is_told_with_its_line():
    def broken(chart):
        return flags(chart.clsoe > 1)

    words = found(strategy_of(broken))["runs"]
    assert "has no attribute 'clsoe'" in words
    assert "test_strategies.py, line" in words
    assert "\n" not in words


def test_an_error_at_the_end_of_a_range_is_found():
    class Edgy(Strategy):
        """Fails at one end."""

        length = Int(0, 50, default=10)

        def signals(self, chart):
            return flags(crossed_above(chart.close, chart.sma(self.length)))

    words = found(Edgy)["edges"]
    assert "from 1, not 0" in words
    assert "with length=0" in words


def test_an_error_on_a_handful_of_bars_is_found():
    assert "IndexError" in found(strategy_of(lambda chart: flags(chart.close > chart.close[5])))["few bars"]


def test_randomness_is_found():
    rng = np.random.default_rng(1)
    assert "same again" in found(strategy_of(lambda chart: flags(rng.random(len(chart)) > 0.9)))


def test_a_counter_is_found():
    calls = itertools.count()
    assert "same again" in found(strategy_of(lambda chart: flags((np.arange(len(chart)) + next(calls)) % 9 == 0)))


def test_state_on_the_instance_or_the_class_is_found():
    class Keeps(Strategy):
        """Keeps things."""

        def signals(self, chart):
            self.last = chart.close[-1]
            type(self).calls = len(chart)
            return flags(crossed_above(chart.close, chart.sma(5)))

    words = found(Keeps)["no state"]
    assert "self.last" in words
    assert "Keeps.calls" in words


def test_a_changed_parameter_is_found():
    class Changes(Strategy):
        """Changes its own parameter."""

        length = Int(2, 50)

        def signals(self, chart):
            self.length += 1
            return flags(crossed_above(chart.close, chart.sma(self.length)))

    assert "self.length" in found(Changes)["no state"]


def test_writing_into_the_candles_is_found():
    def writes(chart):
        chart.close[0] = 1.0
        return flags(chart.close > 1)

    def writes_behind(chart):
        chart.candles.volume.base[0] += 1.0
        return flags(chart.close > chart.sma(10))

    assert "read-only" in found(strategy_of(writes))["runs"]
    assert "writes into the candles" in found(strategy_of(writes_behind))["candles"]


def test_threads_that_meddle_with_one_another_are_found():
    scratch = np.empty(len(SERIES), np.bool_)

    class Shares(Strategy):
        """Writes into an array that all share."""

        level = Float(90, 110)

        def signals(self, chart):
            if len(chart) != len(scratch):
                return flags(chart.close > self.level)
            scratch[:] = chart.close > self.level
            time.sleep(0.002)  # long enough for another thread to write into it
            return Signals(enter_long=scratch)

    assert "differs when several threads run at once" in found(Shares)["threads"]


def test_a_distance_that_is_not_positive_is_found():
    def negative(chart):
        return Signals(enter_long=crossed_above(chart.close, chart.sma(10)), stop=-chart.atr(5))

    assert "stop is -" in found(strategy_of(negative))["distances"]


def test_a_parameter_that_nothing_reads_is_noted():
    findings = check_strategy(strategy_of(lambda c: flags(c.close > c.sma(10)), unread=Int(1, 9)), SERIES)
    assert [(finding.check, finding.breaks) for finding in findings] == [("notes", False)]
    assert "nothing reads: unread" in findings[0].words


def test_a_strategy_that_never_enters_or_enters_both_sides_is_noted():
    assert "never enters" in found(strategy_of(lambda c: flags(c.close < 0)))["notes"]

    def both(chart):
        up = crossed_above(chart.close, chart.sma(10))
        return Signals(enter_long=up, enter_short=up)

    assert "both sides" in found(strategy_of(both))["notes"]


def test_every_check_has_words_for_a_person():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.promise for check in CHECKS)
