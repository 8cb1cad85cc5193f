"""Rules that begin a position, long or short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.mining.rules import Entry, table
from bittrader.strategies.indicators import crossed_above, crossed_below, previous
from bittrader.strategies.parameters import Float, Int

if TYPE_CHECKING:
    from bittrader.strategies.arrays import Flags
    from bittrader.strategies.chart import Chart

_RSI_LENGTH = Int(2, 50, default=14)
_BANDS_LENGTH, _BANDS_WIDTH = Int(10, 200, default=20), Float(1, 4, default=2, step=0.1)


class SmaCross(Entry):
    """The crossing of two simple averages."""

    sma_fast = Int(5, 100, default=20)
    sma_slow = Int(20, 400, default=100)
    constraints = (sma_fast < sma_slow,)
    long = "SMA({sma_fast}) crosses above SMA({sma_slow})"
    short = "SMA({sma_fast}) crosses below SMA({sma_slow})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        up, down = chart.sma_crosses(self.sma_fast, self.sma_slow)
        return up, down


class EmaCross(Entry):
    """The crossing of two exponential averages."""

    ema_fast = Int(3, 100, default=20)
    ema_slow = Int(10, 400, default=100)
    constraints = (ema_fast < ema_slow,)
    long = "EMA({ema_fast}) crosses above EMA({ema_slow})"
    short = "EMA({ema_fast}) crosses below EMA({ema_slow})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        fast, slow = chart.ema(self.ema_fast), chart.ema(self.ema_slow)
        return crossed_above(fast, slow), crossed_below(fast, slow)


class Macd(Entry):
    """Moving average convergence divergence against its own average."""

    macd_fast = Int(5, 50, default=12)
    macd_slow = Int(15, 200, default=26)
    macd_signal = Int(3, 50, default=9)
    constraints = (macd_fast < macd_slow,)
    long = "MACD({macd_fast}, {macd_slow}) crosses above its average of {macd_signal} bars"
    short = "MACD({macd_fast}, {macd_slow}) crosses below its average of {macd_signal} bars"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        macd = chart.macd(self.macd_fast, self.macd_slow, self.macd_signal)
        return crossed_above(macd.line, macd.signal), crossed_below(macd.line, macd.signal)


class RsiReversion(Entry):
    """Against extremes of the relative strength index."""

    rsi_length = _RSI_LENGTH
    rsi_low = Int(5, 45, default=30)
    long = "RSI({rsi_length}) falls below {rsi_low}"
    short = "RSI({rsi_length}) rises above {100-rsi_low}"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        rsi = chart.rsi(self.rsi_length)
        return crossed_below(rsi, self.rsi_low), crossed_above(rsi, 100 - self.rsi_low)


class RsiMomentum(Entry):
    """With the relative strength index once it is strong."""

    rsi_length = _RSI_LENGTH
    rsi_high = Int(50, 80, default=60)
    long = "RSI({rsi_length}) rises above {rsi_high}"
    short = "RSI({rsi_length}) falls below {100-rsi_high}"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        rsi = chart.rsi(self.rsi_length)
        return crossed_above(rsi, self.rsi_high), crossed_below(rsi, 100 - self.rsi_high)


class Stochastic(Entry):
    """The stochastic's return from its extremes."""

    stochastic_length = Int(5, 60, default=14)
    stochastic_smooth = Int(1, 10, default=3)
    stochastic_low = Int(5, 40, default=20)
    long = "the stochastic({stochastic_length}, {stochastic_smooth}) rises above {stochastic_low}"
    short = "the stochastic({stochastic_length}, {stochastic_smooth}) falls below {100-stochastic_low}"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        k = chart.stochastic(self.stochastic_length, self.stochastic_smooth).k
        return crossed_above(k, self.stochastic_low), crossed_below(k, 100 - self.stochastic_low)


class DonchianBreakout(Entry):
    """Closes beyond all highs, or lows, of the bars before."""

    donchian_length = Int(10, 300, default=55)
    long = "the close breaks the high of the last {donchian_length} bars"
    short = "the close breaks the low of the last {donchian_length} bars"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        channel = chart.donchian(self.donchian_length)
        return chart.close > previous(channel.upper), chart.close < previous(channel.lower)


class BollingerReversion(Entry):
    """Against closes that leave Bollinger's bands."""

    bands_length = _BANDS_LENGTH
    bands_width = _BANDS_WIDTH
    long = "the close falls below the lower Bollinger band({bands_length}, {bands_width})"
    short = "the close rises above the upper Bollinger band({bands_length}, {bands_width})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        bands = chart.bollinger(self.bands_length, self.bands_width)
        return crossed_below(chart.close, bands.lower), crossed_above(chart.close, bands.upper)


class BollingerBreakout(Entry):
    """With closes that leave Bollinger's bands."""

    bands_length = _BANDS_LENGTH
    bands_width = _BANDS_WIDTH
    long = "the close rises above the upper Bollinger band({bands_length}, {bands_width})"
    short = "the close falls below the lower Bollinger band({bands_length}, {bands_width})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        bands = chart.bollinger(self.bands_length, self.bands_width)
        return crossed_above(chart.close, bands.upper), crossed_below(chart.close, bands.lower)


class KeltnerBreakout(Entry):
    """With closes that leave Keltner's channel."""

    keltner_length = Int(10, 200, default=50)
    keltner_width = Float(1, 6, default=2.5, step=0.25)
    long = "the close rises above the upper Keltner line({keltner_length}, {keltner_width})"
    short = "the close falls below the lower Keltner line({keltner_length}, {keltner_width})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        channel = chart.keltner(self.keltner_length, self.keltner_length, self.keltner_width)
        return crossed_above(chart.close, channel.upper), crossed_below(chart.close, channel.lower)


class Supertrend(Entry):
    """Turns of the supertrend."""

    supertrend_length = Int(5, 100, default=10)
    supertrend_width = Float(1, 10, default=3, step=0.25)
    long = "the supertrend({supertrend_length}, {supertrend_width}) turns up"
    short = "the supertrend({supertrend_length}, {supertrend_width}) turns down"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        direction = chart.supertrend(self.supertrend_length, self.supertrend_width).trend
        return crossed_above(direction, 0.0), crossed_below(direction, 0.0)


class Momentum(Entry):
    """With what has moved far enough."""

    momentum_length = Int(5, 500, default=100)
    momentum_percent = Float(0, 30, default=5, step=0.5)
    long = "the close is more than {momentum_percent} % above that of {momentum_length} bars before"
    short = "the close is more than {momentum_percent} % below that of {momentum_length} bars before"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        change = chart.roc(self.momentum_length)
        return crossed_above(change, self.momentum_percent), crossed_below(change, -self.momentum_percent)


class Directional(Entry):
    """With the stronger of Wilder's directional indicators when it takes over."""

    directional_length = Int(5, 60, default=14)
    long = "+DI({directional_length}) crosses above -DI({directional_length})"
    short = "+DI({directional_length}) crosses below -DI({directional_length})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        plus, minus = chart.plus_di(self.directional_length), chart.minus_di(self.directional_length)
        return crossed_above(plus, minus), crossed_below(plus, minus)


ENTRIES: dict[str, type[Entry]] = table(
    SmaCross,
    EmaCross,
    Macd,
    Supertrend,
    Directional,
    Momentum,
    RsiMomentum,
    DonchianBreakout,
    KeltnerBreakout,
    BollingerBreakout,
    BollingerReversion,
    RsiReversion,
    Stochastic,
)
