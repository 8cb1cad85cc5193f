from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.series import columns, costs, signals, sizings, spans_of, walk
from tests.backtest.test_kernel import assert_same, trading
from tests.reference import engine

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS
from bittrader.backtest.run import Evaluator, backtest, stitched
from bittrader.backtest.spans import index_in_joined, joined
from bittrader.errors import InputError
from bittrader.market.sample import synthetic
from bittrader.market.store import read_candles
from bittrader.strategies.base import Multiple, Signals, Strategy, plain
from bittrader.strategies.registry import load_strategy


@st.composite
def runs(draw):
    """Candles, signals, costs, a sizing and spans."""
    bars, seed = draw(st.integers(2, 150)), draw(st.integers(0, 2**32 - 1))
    used, sizing = draw(columns()), draw(sizings())
    density, longest = draw(st.sampled_from([0.02, 0.1, 0.4])), draw(st.none() | st.integers(1, 20))
    candles = walk(bars, seed, draw(st.sampled_from([0.001, 0.02, 0.2])), draw(st.sampled_from([0.01, 5.0])))
    sizing = sizing if used["stop"] else replace(sizing, risk_per_trade=None)
    return candles, signals(bars, seed, density, used, longest), draw(costs()), sizing, draw(spans_of(bars))


def part(given_signals, start, stop):
    """The signals of some bars."""
    whole = vars(plain(given_signals))
    return Signals(**{name: x[start:stop] if isinstance(x, np.ndarray) else x for name, x in whole.items()})


class Fixed(Strategy):
    """Gives the same signals, as far as the chart reaches."""

    given: Signals

    def signals(self, chart):
        return part(self.given, 0, len(chart))


def fixed(given_signals):
    return type("Given", (Fixed,), {"given": given_signals})


def shown(result, offset=0):
    """All figures of a result, its bars counted from `offset` on."""
    trades = {name: column.tolist() for name, column in vars(result.trades).items()}
    trades = {name: [bar + offset for bar in x] if name.endswith("_bar") else x for name, x in trades.items()}
    return result.metrics, result.equity.tolist(), trades, result.buy_and_hold, result.buy_and_hold_equity.tolist()


@settings(max_examples=int(os.environ.get("BITTRADER_EXAMPLES", "200")))
@given(run=runs(), delay=st.sampled_from([0, 0, 1, 2, 7, 200]))
def test_over_spans_and_with_a_delay_the_kernel_does_what_the_reference_does(run, delay):
    candles, given_signals, some_costs, sizing, spans = run
    reference = engine.run(candles, plain(given_signals), some_costs, sizing, spans, delay)
    result = backtest(fixed(given_signals), candles, None, some_costs, sizing, spans, delay)
    for trade in reference.trades:
        trade.entry_bar, trade.exit_bar = index_in_joined(spans, np.array([trade.entry_bar, trade.exit_bar])).tolist()
    assert_same(result, reference)
    assert len(result.candles) == len(result.equity) == sum(stop - start for start, stop in spans)


@given(run=runs())
def test_one_span_over_everything_is_no_span(run):
    candles, given_signals, some_costs, sizing, _ = run
    plainly = backtest(fixed(given_signals), candles, None, some_costs, sizing)
    assert shown(backtest(fixed(given_signals), candles, None, some_costs, sizing, [(0, len(candles))])) == shown(
        plainly
    )


@given(run=runs())
def test_a_span_is_a_run_over_its_bars_alone_with_the_signals_of_the_whole(run):
    candles, given_signals, some_costs, sizing, spans = run
    some_costs = replace(some_costs, funding_rate=0.0)
    start, stop = spans[-1]
    within = backtest(fixed(given_signals), candles, None, some_costs, sizing, [(start, stop)])
    alone = backtest(trading(part(given_signals, start, stop)), candles.window(start, stop), None, some_costs, sizing)
    assert within.metrics.trades == alone.metrics.trades
    np.testing.assert_allclose(within.equity, alone.equity, rtol=1e-12)
    assert within.candles.fingerprint == alone.candles.fingerprint
    assert within.trades.entry_bar.tolist() == alone.trades.entry_bar.tolist()


@given(run=runs())
def test_a_span_goes_on_with_what_the_one_before_left(run):
    candles, given_signals, some_costs, sizing, spans = run
    together = backtest(fixed(given_signals), candles, None, some_costs, sizing, spans).equity
    one_by_one = [backtest(fixed(given_signals), candles, None, some_costs, sizing, [span]).equity for span in spans]
    stitched, level = [], 1.0
    for piece in one_by_one:
        stitched.extend(level * piece)
        level *= piece[-1]
    np.testing.assert_allclose(together, stitched, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["sma-cross", "rsi-reversion", "higher-trend", "supertrend"])
def test_nothing_after_the_last_span_is_seen(name):
    candles = synthetic(bars=3_000)
    spans = [(400, 900), (1_200, 2_000)]
    crash = np.where(np.arange(3_000) < 2_000, 1.0, 0.1)
    columns_ = {key: getattr(candles, key) * crash for key in ("open", "high", "low", "close", "volume")}
    other = replace(candles, **columns_)
    strategy = load_strategy(name)
    assert shown(backtest(strategy, candles, spans=spans)) == shown(backtest(strategy, other, spans=spans))


def test_indicators_are_warm_when_a_span_begins():
    class Average(Strategy):
        def signals(self, chart):
            return Signals(enter_long=~np.isnan(chart.sma(50)))

    result = backtest(Average, synthetic(bars=500), spans=[(100, 200)])
    assert result.open_position.entry_bar == 1


def test_earlier_history_beyond_an_indicators_memory_changes_nothing():
    candles = synthetic(bars=2_000)
    late = candles.window(1_000, 2_000)
    whole = backtest("donchian-breakout", candles, spans=[(1_500, 2_000)])
    assert whole.metrics.trades > 0
    shorter = backtest("donchian-breakout", late, spans=[(500, 1_000)])
    assert shorter.trades.entry_bar.tolist() == whole.trades.entry_bar.tolist()
    np.testing.assert_allclose(shorter.equity, whole.equity, rtol=1e-12)


def test_a_delayed_signal_is_the_signal_of_an_earlier_bar_with_its_distances():
    enter = np.zeros(20, dtype=np.bool_)
    enter[4] = True
    stop = np.where(enter, 1e-9, np.nan)

    class Once(Strategy):
        def signals(self, chart):
            return Signals(enter_long=enter, stop=Multiple(stop, 2.0))

    assert backtest(Once, walk(20, 1), delay=3).trades.entry_bar.tolist() == [8]


@pytest.mark.parametrize("spans", [[], [(3, 3)], [(5, 9), (8, 12)], [(-1, 4)], [(0, 21)], [(9, 12), (2, 4)]])
def test_spans_that_are_none_are_refused(spans):
    with pytest.raises(InputError, match="spans must be pairs of bar indexes in order"):
        backtest("buy-and-hold", walk(20, 1), spans=spans)


def test_a_delay_into_the_past_is_refused():
    with pytest.raises(InputError, match="delay must be"):
        backtest("buy-and-hold", walk(20, 1), delay=-1)


def test_holding_the_market_buys_once_in_each_span():
    candles = walk(60, 4)
    spans = [(10, 20), (30, 60)]
    fee = 0.01
    held = backtest("sma-cross", candles, costs=Costs(fee=fee), spans=spans)
    grown = [candles.close[stop - 1] / candles.open[start + 1] / (1 + fee) for start, stop in spans]
    assert math.isclose(held.buy_and_hold_equity[-1], grown[0] * grown[1], rel_tol=1e-12)


def test_joined_spans_keep_the_times_of_their_bars():
    candles = walk(30, 2)
    both = joined(candles, [(3, 8), (20, 25)])
    assert both.time.tolist() == [*candles.time[3:8].tolist(), *candles.time[20:25].tolist()]


@pytest.mark.parametrize("name", ["sma-cross", "rsi-reversion", "keltner-breakout"])
def test_real_candles_over_spans_match_the_reference(real_data, name):
    candles = read_candles(real_data("binance_btcusdt_1h_clean.parquet")).head(6_000)
    spans = [(700, 2_000), (2_000, 3_500), (4_100, 5_900)]
    strategy = load_strategy(name)
    evaluator = Evaluator(strategy, candles, spans=spans)
    wanted = plain(strategy().signals(evaluator.chart))
    reference = engine.run(candles, wanted, Costs(), Sizing(), spans)
    assert reference.metrics["trades"] > 10
    for trade in reference.trades:
        trade.entry_bar, trade.exit_bar = index_in_joined(spans, np.array([trade.entry_bar, trade.exit_bar])).tolist()
    assert_same(backtest(strategy, candles, spans=spans), reference)
    row = strategy.space.encode({})
    found = evaluator(row.reshape(1, -1)).metrics[0]
    expected = [np.nan if reference.metrics[key] is None else reference.metrics[key] for key in METRICS]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@given(run=runs())
def test_runs_stitched_span_by_span_are_one_run_over_all_spans(run):
    candles, given_signals, some_costs, sizing, spans = run
    strategy = fixed(given_signals)
    parts = [(Evaluator(strategy, candles, some_costs, sizing, [span]), strategy()) for span in spans]
    one_by_one, together = stitched(parts), backtest(strategy, candles, None, some_costs, sizing, spans)
    np.testing.assert_allclose(one_by_one.equity, together.equity, rtol=1e-12)
    for name, value in together.metrics.as_dict().items():
        other = getattr(one_by_one.metrics, name)
        assert (value is None) == (other is None)
        assert value is None or math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-14), name
