from __future__ import annotations

import inspect

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import indicators as reference
from tests.strategies.made import candles, of_closes, prices, same, walk

from bittrader.errors import StrategyError
from bittrader.strategies import indicators
from bittrader.strategies.chart import Chart
from bittrader.strategies.drawing import Drawing

METHODS = sorted(
    name
    for name, method in vars(Drawing).items()
    if inspect.isfunction(method) and not name.startswith("_") and name != "sma_crosses"
)
BARS = 400
REAL = walk(BARS, 7)
COLUMNS = {name: np.array(column) for name, column in REAL.columns().items()}
OPEN, HIGH, LOW, CLOSE, VOLUME = (COLUMNS[name] for name in ("open", "high", "low", "close", "volume"))
HLC = (HIGH, LOW, CLOSE)


def outputs(result: object) -> tuple[np.ndarray, ...]:
    return result if isinstance(result, tuple) else (result,)


def short(method: str) -> dict[str, int]:
    """Settings short enough for a few bars."""
    settings = {"length": 4, "fast": 2, "slow": 5, "signal": 3, "atr_length": 3, "window": 4, "conversion": 2}
    settings |= {"base": 3, "span": 5, "d": 2, "smooth": 2}
    return {name: settings[name] for name in inspect.signature(getattr(Drawing, method)).parameters if name in settings}


def test_there_are_more_than_forty_indicators_and_each_is_a_function_too():
    assert len(METHODS) >= 40
    assert set(METHODS) <= set(indicators.__all__)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=15)
@given(series=candles(), data=st.data())
def test_cutting_the_future_off_changes_nothing_past(method, series, data):
    cut = data.draw(st.integers(1, len(series)))
    whole = outputs(getattr(Chart(series), method)(**short(method)))
    part = outputs(getattr(Chart(series.head(cut)), method)(**short(method)))
    assert same([column[:cut] for column in whole], part)


@pytest.mark.parametrize("method", METHODS)
def test_every_indicator_has_a_value_a_bar_that_nobody_can_write_to(method):
    for column in outputs(getattr(Chart(REAL), method)()):
        assert column.shape == (BARS,)
        assert column.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            column.flags.writeable = True


@pytest.mark.parametrize("method", METHODS)
def test_every_indicator_comes_into_being_once_and_stays(method):
    for column in outputs(getattr(Chart(REAL), method)()):
        first = np.flatnonzero(np.isfinite(column))[0]
        assert first < 150
        assert np.isfinite(column[first:]).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_indicator_survives_a_single_bar(method):
    for column in outputs(getattr(Chart(REAL.head(1)), method)()):
        assert column.shape == (1,)


# Where no price moves, volume still adds up, and the clock still runs.
GOES_ON = {"obv", "ad", "adosc", "hour", "weekday"}


@pytest.mark.parametrize("method", METHODS)
def test_every_indicator_is_sane_where_nothing_ever_moves(method):
    series = of_closes(np.full(200, 0.1 + 0.2))
    for column in outputs(getattr(Chart(series), method)()):
        seen = column[np.isfinite(column)]
        assert len(seen)
        assert (seen[-20:] == seen[-1]).all() or method in GOES_ON


@pytest.mark.parametrize(
    "name", ["sma", "ema", "rma", "wma", "hma", "dema", "tema", "kama", "vwma", "highest", "linreg", "vwap"]
)
def test_an_average_of_a_flat_price_is_the_price(name):
    column = getattr(Chart(of_closes(np.full(200, 0.1 + 0.2))), name)()
    if name in {"dema", "tema", "vwma", "vwap"}:
        assert np.nanmax(np.abs(column - (0.1 + 0.2))) <= 1e-15
    else:
        assert set(column[np.isfinite(column)]) == {0.1 + 0.2}


def talibs() -> dict[str, tuple[object, object, int]]:
    """What we have, what TA-Lib has, and the bar from which they must agree (later where ours starts otherwise)."""
    chart = Chart(REAL)
    bands, spread = talib.BBANDS(CLOSE, 20), chart.bollinger(20)
    return {
        "sma": (chart.sma(20), talib.SMA(CLOSE, 20), 0),
        "ema": (chart.ema(20), talib.EMA(CLOSE, 20), 0),
        "wma": (chart.wma(20), talib.WMA(CLOSE, 20), 0),
        "dema": (chart.dema(20), talib.DEMA(CLOSE, 20), 0),
        "tema": (chart.tema(20), talib.TEMA(CLOSE, 20), 0),
        "kama": (chart.kama(10), talib.KAMA(CLOSE, 10), 0),
        "rsi": (chart.rsi(14), talib.RSI(CLOSE, 14), 0),
        "cci": (chart.cci(20), talib.CCI(*HLC, 20), 0),
        "mfi": (chart.mfi(14), talib.MFI(*HLC, VOLUME, 14), 0),
        "williams_r": (chart.williams_r(14), talib.WILLR(*HLC, 14), 0),
        "roc": (chart.roc(10), talib.ROC(CLOSE, 10), 0),
        "momentum": (chart.momentum(10), talib.MOM(CLOSE, 10), 0),
        "trix": (chart.trix(15), talib.TRIX(CLOSE, 15), 0),
        "ppo": (chart.ppo(12, 26), talib.PPO(CLOSE, 12, 26, 1), 0),
        "aroon up": (chart.aroon(14).up, talib.AROON(HIGH, LOW, 14)[1], 0),
        "aroon down": (chart.aroon(14).down, talib.AROON(HIGH, LOW, 14)[0], 0),
        "true range": (chart.true_range(), talib.TRANGE(*HLC), 0),
        "atr": (chart.atr(14), talib.ATR(*HLC, 14), 0),
        "natr": (chart.natr(14), talib.NATR(*HLC, 14), 0),
        "stddev": (chart.stddev(20), talib.STDDEV(CLOSE, 20), 0),
        "upper": (spread.upper, bands[0], 0),
        "lower": (spread.lower, bands[2], 0),
        "highest": (chart.highest(20), talib.MAX(HIGH, 20), 0),
        "lowest": (chart.lowest(20), talib.MIN(LOW, 20), 0),
        "linreg": (chart.linreg(14), talib.LINEARREG(CLOSE, 14), 0),
        "slope": (chart.linreg_slope(14), talib.LINEARREG_SLOPE(CLOSE, 14), 0),
        "stochastic k": (chart.stochastic(14, 3, 3).k, talib.STOCH(*HLC, 14, 3, 0, 3, 0)[0], 20),
        "stochastic d": (chart.stochastic(14, 3, 3).d, talib.STOCH(*HLC, 14, 3, 0, 3, 0)[1], 20),
        # TA-Lib starts the fast average where the slow one starts; the difference dies out.
        "macd": (chart.macd().line, talib.MACD(CLOSE)[0], 250),
        "macd signal": (chart.macd().signal, talib.MACD(CLOSE)[1], 250),
        "macd histogram": (chart.macd().histogram, talib.MACD(CLOSE)[2], 250),
    }


@pytest.mark.parametrize("name", list(talibs()))
def test_ours_agrees_with_talib(name):
    ours, theirs, start = talibs()[name]
    scale = np.nanmax(np.abs(theirs))
    assert same([np.isnan(ours[start:])], [np.isnan(theirs[start:])]) or name == "ppo"
    assert np.nanmax(np.abs(ours - theirs)[start:]) <= 1e-9 * max(1.0, scale)


@settings(deadline=None, max_examples=40)
@given(closes=st.lists(prices(2), min_size=1, max_size=60), length=st.integers(1, 20))
def test_rsi_is_what_its_definition_says(closes, length):
    ours, slow = Chart(of_closes(closes)).rsi(length), reference.rsi(closes, length)
    np.testing.assert_allclose(ours, slow, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(series=candles(), length=st.integers(1, 20))
def test_atr_and_ema_are_what_their_definitions_say(series, length):
    chart = Chart(series)
    high, low, close = (column.tolist() for column in (series.high, series.low, series.close))
    np.testing.assert_allclose(chart.atr(length), reference.atr(high, low, close, length), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(chart.ema(length), reference.ema(close, length), rtol=1e-12)


def test_rsi_is_50_when_nothing_has_moved():
    assert Chart(of_closes([5.0] * 30)).rsi(14)[14:].tolist() == [50.0] * 16


def test_rsi_stays_where_it_is_however_long_the_price_stands_still():
    closes = np.concatenate([[10, 11, 10.5, 12, 11.75], np.full(30_000, 11.75), [11.8]])
    column = Chart(of_closes(closes)).rsi(2)
    assert (column[4:-1] == column[4]).all()
    assert column[-1] == pytest.approx(100.0)


def test_a_series_may_begin_with_nan_without_poisoning_what_is_drawn_on_it():
    chart = Chart(REAL)
    late = chart.rsi(14)
    for name in ("sma", "ema", "rma", "wma", "stddev", "highest", "linreg_slope", "roc", "rsi", "percent_rank"):
        on_late = getattr(chart, name)(5, of=late)
        alone = getattr(Chart(of_closes(late[14:])), name)(5, of=np.array(late[14:]))
        assert np.isnan(on_late[:14]).all(), name
        np.testing.assert_allclose(on_late[14:], alone, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", ["sma", "wma", "stddev", "highest", "percent_rank", "zscore"])
def test_a_hole_in_a_series_is_forgotten_once_it_has_left_the_window(name):
    holed = np.array(CLOSE)
    holed[50] = np.nan
    column = getattr(indicators, name)(holed, 10)
    assert np.isnan(column[50:59]).all()
    np.testing.assert_allclose(column[61:], getattr(indicators, name)(CLOSE, 10)[61:], rtol=1e-10)


def test_percent_rank_counts_the_values_before_that_are_lower():
    column = indicators.percent_rank(np.array([1.0, 2.0, 3.0, 2.5, 0.0]), 2)
    np.testing.assert_array_equal(column, [np.nan, np.nan, 100.0, 50.0, 0.0])


def test_supertrend_changes_sides_only_when_the_close_passes_its_line():
    line, trend = Chart(REAL).supertrend(10, 1.5)
    for bar in range(11, BARS):
        if trend[bar] == trend[bar - 1]:
            assert (line[bar] - line[bar - 1]) * trend[bar] >= 0
        assert (CLOSE[bar] - line[bar]) * trend[bar] >= 0
    assert {1.0, -1.0} == set(trend[10:])


def test_the_cloud_over_a_bar_is_the_one_known_a_base_length_before():
    chart = Chart(REAL)
    lines = chart.ichimoku(9, 26, 52)
    np.testing.assert_array_equal(lines.span_b[26:], chart.donchian(52).middle[:-26])


def test_the_session_average_begins_again_at_midnight():
    series = walk(100, 3)
    column = Chart(series).session_vwap()
    for bar in range(100):
        today = slice(int(np.flatnonzero(series.time // 86_400_000 == series.time[bar] // 86_400_000)[0]), bar + 1)
        typical = (series.high[today] + series.low[today] + series.close[today]) / 3
        assert column[bar] == pytest.approx(np.average(typical, weights=series.volume[today]))


@pytest.mark.parametrize(("length", "words"), [(0, "from 1"), (-3, "from 1"), (2.5, "whole number")])
def test_a_length_that_is_none_is_refused_in_one_line(length, words):
    with pytest.raises(StrategyError, match=words):
        Chart(REAL).sma(length)


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(float("nan"))), min_size=1, max_size=40),
    length=st.integers(1, 12),
)
def test_extremes_are_those_of_the_window_and_nan_where_it_has_a_hole(values, length):
    series = np.array(values)
    windows = [series[bar - length + 1 : bar + 1] if bar >= length - 1 else [np.nan] for bar in range(len(values))]
    np.testing.assert_array_equal(indicators.highest(series, length), [np.max(window) for window in windows])
    np.testing.assert_array_equal(indicators.lowest(series, length), [np.min(window) for window in windows])
