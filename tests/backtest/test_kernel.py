from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.series import columns, costs, signals, sizings, walk
from tests.reference import engine, indicators

from bittrader.backtest import kernel
from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS
from bittrader.backtest.result import Exit
from bittrader.backtest.run import Evaluator, backtest, evaluate_many
from bittrader.market.store import read_candles
from bittrader.strategies.base import Signals, Strategy, plain
from bittrader.strategies.parameters import Int
from bittrader.strategies.registry import load_strategy

ROOT = Path(__file__).parents[2]


def trading(given_signals):
    """A strategy that always gives these signals."""

    class Given(Strategy):
        def signals(self, chart):
            return given_signals

    return Given


def assert_same(result, reference):
    found = result.metrics.as_dict()
    assert found["trades"] == reference.metrics["trades"]
    for name in METRICS:
        one, other = found[name], reference.metrics[name]
        assert (one is None) == (other is None), f"{name}: {one} and {other}"
        if one is not None:
            assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-11), f"{name}: {one} and {other}"
    np.testing.assert_allclose(result.equity, reference.equity, rtol=1e-9, atol=1e-12)
    trades = result.trades
    assert [Exit(why).name for why in trades.exit] == [trade.exit for trade in reference.trades]
    for name in ("entry_bar", "exit_bar", "side"):
        assert getattr(trades, name).tolist() == [getattr(trade, name) for trade in reference.trades]
    for name in ("entry_price", "exit_price", "size", "profit", "profit_fraction"):
        np.testing.assert_allclose(
            getattr(trades, name), [getattr(trade, name) for trade in reference.trades], rtol=1e-9, atol=1e-12
        )
    assert (result.open_position is None) == (reference.position is None)


def check(candles, given_signals, some_costs, sizing):
    reference = engine.run(candles, plain(given_signals), some_costs, sizing)
    assert_same(backtest(trading(given_signals), candles, costs=some_costs, sizing=sizing), reference)


@settings(max_examples=int(os.environ.get("BITTRADER_EXAMPLES", "200")))
@given(
    bars=st.integers(1, 150),
    seed=st.integers(0, 2**32 - 1),
    volatility=st.sampled_from([0.001, 0.02, 0.2]),
    step=st.sampled_from([0.01, 5.0]),
    density=st.sampled_from([0.02, 0.1, 0.4]),
    used=columns(),
    max_bars=st.none() | st.integers(1, 20),
    some_costs=costs(),
    sizing=sizings(),
)
def test_the_kernel_does_what_the_reference_does(
    bars, seed, volatility, step, density, used, max_bars, some_costs, sizing
):
    if not used["stop"]:
        sizing = replace(sizing, risk_per_trade=None)
    candles = walk(bars, seed, volatility, step)
    check(candles, signals(bars, seed, density, used, max_bars), some_costs, sizing)


@pytest.mark.skipif("BITTRADER_EXAMPLES" in os.environ, reason="this is the run without compilation itself")
def test_the_kernel_does_the_same_without_compilation():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "BITTRADER_EXAMPLES": "40"}
    # Where compiled code goes on with infinity, numpy's scalars warn first.
    quiet = ("-p", "no:cacheprovider", "-W", "ignore:overflow encountered:RuntimeWarning")
    command = [sys.executable, "-m", "pytest", "-q", *quiet, f"{__file__}", "-k", "reference_does"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_bad_tick_does_not_drown_the_other_returns():
    calm = walk(2_000, 1, 0.001)
    low, close = calm.low.copy(), calm.close.copy()
    low[1_000] = close[1_000] = 1e-6
    broken = replace(calm, low=low, close=close)
    late = np.zeros(2_000, dtype=np.bool_)
    late[1_200] = True
    check(broken, Signals(enter_long=late), Costs(), Sizing())


def test_a_long_rise_and_fall_is_linked_from_record_to_record():
    bars = 3_000
    close = 100 + 40 * np.sin(np.arange(bars) / 200) + np.arange(bars) / 50
    candles = walk(bars, 3)
    candles = replace(
        candles,
        open=close,
        close=close,
        high=close,
        low=close,
    )
    check(candles, signals(bars, 5, 0.01, {"enter_long": True, "exit_long": True}, None), Costs(), Sizing())


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=70), st.integers(0, 80))
def test_the_next_flag_of_either_column_is_found_wherever_it_stands(flags, start):
    columns_ = np.array(flags, dtype=np.bool_).reshape(-1, 2)
    expected = next((i for i in range(start, len(flags)) if any(flags[i])), max(len(flags), start))
    assert kernel.next_true(*np.ascontiguousarray(columns_.T), start) == expected


@pytest.mark.parametrize("name", ["binance_btcusdt_1h_clean.parquet", "kraken_btcusd_1h_clean.parquet"])
@pytest.mark.parametrize(("fast", "slow"), [(5, 50), (20, 100), (63, 306), (100, 400)])
def test_sma_cross_on_real_candles_matches_the_reference(real_data, name, fast, slow):
    candles = read_candles(real_data(name)).head(2_500)
    up, down = indicators.sma_crosses(candles.close.tolist(), fast, slow)
    expected = Signals(enter_long=np.array(up), exit_long=np.array(down))
    reference = engine.run(candles, expected, Costs(), Sizing())
    assert_same(backtest("sma-cross", candles, {"fast": fast, "slow": slow}), reference)


@pytest.mark.parametrize("seed", range(4))
def test_rsi_reversion_on_real_candles_matches_the_reference(real_data, seed):
    candles = read_candles(real_data("binance_btcusdt_1h_clean.parquet")).head(20_000)
    space = load_strategy("rsi-reversion").space
    params = space.decode(space.sample(np.random.default_rng(seed), 1)[0])
    rsi = np.array(indicators.rsi(candles.close.tolist(), params["rsi_length"]))
    columns_ = (candles.high.tolist(), candles.low.tolist(), candles.close.tolist())
    atr = np.array(indicators.atr(*columns_, params["atr_length"]))
    was, now = rsi[:-1], rsi[1:]
    expected = Signals(
        enter_long=np.concatenate(([False], (was >= params["lower"]) & (now < params["lower"]))),
        enter_short=np.concatenate(([False], (was <= params["upper"]) & (now > params["upper"]))),
        stop=params["stop_atr"] * atr,
        target=params["target_atr"] * atr,
        trail=params["trail_atr"] * atr,
    )
    reference = engine.run(candles, expected, Costs(), Sizing())
    assert reference.metrics["trades"] > 0
    assert_same(backtest("rsi-reversion", candles, params), reference)


@pytest.mark.parametrize("why", [why for why in Exit if why is not Exit.OPEN])
def test_the_kernels_reasons_are_the_numbers_of_exit(why):
    assert getattr(kernel, why.name) == why


def test_a_strategy_is_asked_for_its_signals_once():
    class Moody(Strategy):
        asked = 0

        def signals(self, chart):
            Moody.asked += 1
            return Signals(enter_long=np.arange(len(chart)) == Moody.asked)

    result = backtest(Moody, walk(50, 1))
    assert Moody.asked == 1
    assert result.open_position.entry_bar == 2


def test_candles_may_be_a_file(real_data):
    path = real_data("binance_solusdt_1h_clean.parquet")
    params = {"fast": 20, "slow": 100}
    assert backtest("sma-cross", path, params).metrics == evaluate_many("sma-cross", str(path), [params], threads=2)[0]


def test_an_evaluation_that_raises_is_a_failure_with_its_cause_and_the_others_go_on():
    class Picky(Strategy):
        level = Int(0, 9)

        def signals(self, chart):
            if self.level == 3:
                raise ValueError("three is bad luck")
            if self.level == 4:
                sys.exit(4)
            if self.level == 5:
                raise GeneratorExit("five")
            return Signals(enter_long=chart.close > chart.open)

    answer = Evaluator(Picky, walk(100, 2))(np.arange(7.0).reshape(-1, 1))
    assert answer.errors == {3: "ValueError: three is bad luck", 4: "SystemExit: 4", 5: "GeneratorExit: five"}
    failed = np.isin(np.arange(7), [3, 4, 5])
    assert np.isnan(answer.metrics[failed]).all()
    assert not np.isnan(answer.metrics[~failed][:, 0]).any()
