from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import indicators as reference
from tests.strategies.made import HOUR, candles, same, walk

from bittrader.errors import InputError, StrategyError
from bittrader.strategies.chart import Chart
from bittrader.strategies.indicators import crossed_above, crossed_below


def test_an_indicator_is_computed_once():
    chart = Chart(walk(100))
    assert chart.sma(10).base is chart.sma(10).base
    assert chart.sma(10, of=chart.close).base is chart.sma(10).base
    assert chart.sma(10, of=chart.high).base is not chart.sma(10).base
    assert chart.bollinger(10).upper.base is chart.bollinger(10).upper.base


def test_a_long_fraction_is_drawn_afresh_from_parts_that_are_kept():
    chart = Chart(walk(100))
    assert chart.bollinger(10, 2.137).upper.base is not chart.bollinger(10, 2.137).upper.base
    assert chart.bollinger(10, 2.137).middle.base is chart.sma(10).base
    assert chart.bollinger(10, 2.5).upper.base is chart.bollinger(10, 2.5).upper.base
    expected = chart.sma(10) + 2.137 * chart.stddev(10)
    np.testing.assert_array_equal(chart.bollinger(10, 2.137).upper, expected)


def test_a_series_of_ones_own_is_drawn_on_afresh():
    chart = Chart(walk(100))
    mine = np.array(chart.close)
    assert same([chart.rsi(5, of=mine)], [chart.rsi(5)])
    mine[:] = mine[::-1].copy()
    assert same([chart.rsi(5, of=mine)], [Chart(walk(100)).rsi(5, of=mine.copy())])


def test_results_are_right_when_the_cache_holds_next_to_nothing():
    small, large = Chart(walk(300), cache_bytes=3000), Chart(walk(300))
    kept = [(length, small.sma(length)) for length in range(2, 60)]
    for length, column in kept:
        assert same([column], [large.sma(length)])
        assert same([small.ema(length)], [large.ema(length)])


def test_threads_share_a_chart():
    chart, alone = Chart(walk(2000), cache_bytes=100_000), Chart(walk(2000))

    def work(length: int) -> bool:
        crossed = chart.sma_crosses(length, 2 * length), crossed_above(chart.ema(length), chart.sma(length))
        expected = alone.sma_crosses(length, 2 * length), crossed_above(alone.ema(length), alone.sma(length))
        return same(crossed[0], expected[0]) and same([crossed[1]], [expected[1]])

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(work, list(range(2, 30)) * 5))


@settings(deadline=None, max_examples=60)
@given(series=candles(), hours=st.sampled_from([1, 2, 4, 24]))
def test_a_bar_sees_the_last_longer_bar_that_is_over_at_its_close(series, hours):
    longer = Chart(series).higher(f"{hours}h")
    starts = reference.higher(series.time.tolist(), HOUR, hours * HOUR)
    assert longer.time.tolist() == starts
    for bar, start in enumerate(starts):
        inside = (series.time >= start) & (series.time < start + hours * HOUR)
        seen = [getattr(longer, name)[bar] for name in ("open", "high", "low", "close", "volume")]
        if start < 0:
            assert np.isnan(seen).all()
        else:
            part = [getattr(series, name)[inside] for name in ("open", "high", "low", "close", "volume")]
            assert seen[:4] == [part[0][0], part[1].max(), part[2].min(), part[3][-1]]
            assert seen[4] == pytest.approx(part[4].sum())


@settings(deadline=None, max_examples=40)
@given(series=candles(), data=st.data())
def test_cutting_the_future_off_changes_nothing_past_on_a_longer_timeframe(series, data):
    cut = data.draw(st.integers(1, len(series)))
    whole, part = Chart(series).higher("4h"), Chart(series.head(cut)).higher("4h")
    for name, length in (("sma", 3), ("ema", 3), ("rsi", 2), ("atr", 2), ("highest", 2)):
        assert same([getattr(whole, name)(length)[:cut]], [getattr(part, name)(length)])
    assert same([column[:cut] for column in whole.sma_crosses(2, 3)], part.sma_crosses(2, 3))


def test_an_indicator_on_a_longer_timeframe_is_that_of_the_longer_bars():
    series = walk(240)
    longer = Chart(series).higher("4h")
    first_seen = np.flatnonzero(np.diff(longer.time, prepend=-1))
    alone = longer.sma(3)[first_seen], longer.close[first_seen]
    np.testing.assert_allclose(alone[0], reference.sma(alone[1].tolist(), 3))
    quick, steady = longer.sma(2), longer.sma(5)
    assert same(longer.sma_crosses(2, 5), (crossed_above(quick, steady), crossed_below(quick, steady)))
    assert longer.macd(2, 4, 2).line.shape == (240,)


def test_weeks_start_on_monday():
    longer = Chart(walk(500)).higher("1w")
    assert {(start // 86_400_000 + 3) % 7 for start in longer.time if start >= 0} == {0}


def test_a_longer_timeframe_draws_on_its_own_columns_only():
    longer = Chart(walk(100)).higher("4h")
    assert longer.sma(2, of=longer.high).shape == (100,)
    with pytest.raises(StrategyError, match="own columns"):
        longer.sma(2, of=longer.sma(2))


@pytest.mark.parametrize(
    ("timeframe", "error"), [("90m", StrategyError), ("30m", StrategyError), ("4 hours", InputError)]
)
def test_a_timeframe_that_cannot_be_made_is_refused(timeframe, error):
    with pytest.raises(error):
        Chart(walk(100)).higher(timeframe)


def test_interpreted_and_compiled_give_the_same_bits(tmp_path):
    script = Path(__file__).with_name("digests.py")
    outputs = []
    for disable in ("0", "1"):
        done = subprocess.run(
            [sys.executable, script], env={**os.environ, "NUMBA_DISABLE_JIT": disable}, capture_output=True, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"\n") > 45
