"""What can be drawn on a series: every indicator as a method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from bittrader.strategies import averages, channels, clock, oscillators, rolling, volatility, volume
from bittrader.strategies.sums import Squares, Sums

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from bittrader.strategies.arrays import Flags, Series
    from bittrader.strategies.channels import Bands, HeikinAshi, Ichimoku, Supertrend
    from bittrader.strategies.oscillators import Aroon, Macd, Stochastic

R = TypeVar("R")

COLUMNS = ("open", "high", "low", "close", "volume")
_HL = ("high", "low")
_HLC = ("high", "low", "close")
_HLCV = ("high", "low", "close", "volume")


class Made(NamedTuple):
    """A source that is itself drawn: the indicator of these sources with these settings."""

    indicator: Callable[..., Any]
    sources: tuple[Source, ...]
    settings: tuple[object, ...] = ()


Source: TypeAlias = "str | Series | Made"

_RANGE = Made(volatility.true_range, _HLC)


def _sums(source: Source) -> Made:
    return Made(Sums, (source,))


def _squares(source: Source) -> Made:
    return Made(Squares, (_sums(source),))


def _mean(source: Source, length: int) -> Made:
    return Made(averages.mean, (_sums(source),), (length,))


def _deviation(source: Source, length: int) -> Made:
    return Made(rolling.deviation, (_squares(source),), (length,))


def _ema(source: Source, length: int) -> Made:
    return Made(averages.ema, (source,), (length,))


def _atr(length: int) -> Made:
    return Made(averages.rma, (_RANGE,), (length,))


class Drawing(ABC):
    """Columns, and indicators drawn on them. A source is a column's name, or an array of one's own."""

    time: NDArray[np.int64]
    open: Series
    high: Series
    low: Series
    close: Series
    volume: Series

    @abstractmethod
    def _draw(self, indicator: Callable[..., R], sources: tuple[Source, ...], *settings: object) -> R:
        """The indicator of these sources with these settings."""

    @abstractmethod
    def sma_crosses(self, fast: int, slow: int, of: Series | None = None) -> tuple[Flags, Flags]:
        """Where the simple average of `fast` bars crosses above, and below, that of `slow`."""

    def _source(self, of: Series | None, usual: str = "close") -> str | Series:
        """The name of the column that `of` is; else `of` itself."""
        if of is None:
            return usual
        return next((name for name in COLUMNS if getattr(self, name) is of), of)

    # Averages

    def sma(self, length: int = 20, of: Series | None = None) -> Series:
        """Simple moving average; one pass over the candles serves every length."""
        return self._draw(averages.mean, (_sums(self._source(of)),), length)

    def ema(self, length: int = 20, of: Series | None = None) -> Series:
        """Exponential moving average, started with the simple mean."""
        return self._draw(averages.ema, (self._source(of),), length)

    def rma(self, length: int = 14, of: Series | None = None) -> Series:
        """Wilder's moving average, started with the simple mean."""
        return self._draw(averages.rma, (self._source(of),), length)

    def wma(self, length: int = 20, of: Series | None = None) -> Series:
        """Weighted moving average: the last value counts `length` times, the first once."""
        return self._draw(rolling.wma, (self._source(of),), length)

    def hma(self, length: int = 20, of: Series | None = None) -> Series:
        """Hull's moving average."""
        return self._draw(rolling.hma, (self._source(of),), length)

    def dema(self, length: int = 20, of: Series | None = None) -> Series:
        """Double exponential moving average."""
        return self._draw(averages.dema, (self._source(of),), length)

    def tema(self, length: int = 20, of: Series | None = None) -> Series:
        """Triple exponential moving average."""
        return self._draw(averages.tema, (self._source(of),), length)

    def kama(self, length: int = 10, fast: int = 2, slow: int = 30, of: Series | None = None) -> Series:
        """Kaufman's adaptive moving average."""
        return self._draw(averages.kama, (self._source(of),), length, fast, slow)

    def vwma(self, length: int = 20, of: Series | None = None) -> Series:
        """Moving average that weighs each value by what was traded."""
        return self._draw(averages.vwma, (self._source(of), "volume"), length)

    def linreg(self, length: int = 14, of: Series | None = None) -> Series:
        """Where the straight line that fits the last values best ends."""
        return self._draw(rolling.linreg, (self._source(of),), length)

    # Oscillators

    def rsi(self, length: int = 14, of: Series | None = None) -> Series:
        """Wilder's relative strength index, 0 to 100; 50 when nothing has moved."""
        return self._draw(oscillators.rsi, (self._source(of),), length)

    def stochastic(self, length: int = 14, smooth: int = 3, d: int = 3) -> Stochastic:
        """Where the close stands in the bars' range, 0 to 100, and its average: `.k`, `.d`."""
        return self._draw(oscillators.stochastic, _HLC, length, smooth, d)

    def stoch_rsi(
        self, length: int = 14, window: int = 14, smooth: int = 3, d: int = 3, of: Series | None = None
    ) -> Stochastic:
        """The stochastic of the relative strength index: `.k`, `.d`."""
        return self._draw(oscillators.stoch_rsi, (self._source(of),), length, window, smooth, d)

    def williams_r(self, length: int = 14) -> Series:
        """Where the close stands in the bars' range, from -100 to 0."""
        return self._draw(oscillators.williams_r, _HLC, length)

    def macd(self, fast: int = 12, slow: int = 26, signal: int = 9, of: Series | None = None) -> Macd:
        """Moving average convergence divergence: `.line`, `.signal`, `.histogram`."""
        source = self._source(of)
        return self._draw(oscillators.macd_of, (_ema(source, fast), _ema(source, slow)), signal)

    def ppo(self, fast: int = 12, slow: int = 26, of: Series | None = None) -> Series:
        """By how many per cent a fast exponential average is above a slow one."""
        return self._draw(oscillators.ppo, (self._source(of),), fast, slow)

    def cci(self, length: int = 20) -> Series:
        """Commodity channel index."""
        return self._draw(oscillators.cci, _HLC, length)

    def roc(self, length: int = 10, of: Series | None = None) -> Series:
        """Rate of change over `length` bars, in per cent."""
        return self._draw(oscillators.roc, (self._source(of),), length)

    def momentum(self, length: int = 10, of: Series | None = None) -> Series:
        """Change over `length` bars."""
        return self._draw(oscillators.momentum, (self._source(of),), length)

    def trix(self, length: int = 15, of: Series | None = None) -> Series:
        """Rate of change of a triple exponential average, in per cent a bar."""
        return self._draw(oscillators.trix, (self._source(of),), length)

    def aroon(self, length: int = 14) -> Aroon:
        """How fresh the highest high and the lowest low are, 0 to 100: `.up`, `.down`."""
        return self._draw(oscillators.aroon, _HL, length)

    def adx(self, length: int = 14) -> Series:
        """Wilder's average directional index, 0 to 100."""
        return self._draw(oscillators.adx, _HLC, length)

    def plus_di(self, length: int = 14) -> Series:
        """Wilder's positive directional indicator."""
        return self._draw(oscillators.plus_di, _HLC, length)

    def minus_di(self, length: int = 14) -> Series:
        """Wilder's negative directional indicator."""
        return self._draw(oscillators.minus_di, _HLC, length)

    def efficiency_ratio(self, length: int = 10, of: Series | None = None) -> Series:
        """The way made over the way gone, 0 to 1; 0 when nothing has moved."""
        return self._draw(averages.efficiency_ratio, (self._source(of),), length)

    def linreg_slope(self, length: int = 14, of: Series | None = None) -> Series:
        """How much the line that fits the last values best rises a bar."""
        return self._draw(rolling.linreg_slope, (self._source(of),), length)

    def percent_rank(self, length: int = 100, of: Series | None = None) -> Series:
        """The percentage of the `length` values before that are below this one."""
        return self._draw(rolling.percent_rank, (self._source(of),), length)

    # Volatility

    def true_range(self) -> Series:
        """The bar's range, the gap from the close before included."""
        return self._draw(volatility.true_range, _HLC)

    def atr(self, length: int = 14) -> Series:
        """Wilder's average true range."""
        return self._draw(averages.rma, (_RANGE,), length)

    def natr(self, length: int = 14) -> Series:
        """The average true range in per cent of the close."""
        return self._draw(volatility.natr, _HLC, length)

    def stddev(self, length: int = 20, of: Series | None = None) -> Series:
        """Standard deviation (of the population)."""
        return self._draw(rolling.deviation, (_squares(self._source(of)),), length)

    def zscore(self, length: int = 20, of: Series | None = None) -> Series:
        """How many standard deviations a value is above its average."""
        return self._draw(rolling.zscore, (self._source(of),), length)

    def choppiness(self, length: int = 14) -> Series:
        """Choppiness index, 0 (one straight move) to 100 (all to and fro)."""
        return self._draw(volatility.choppiness, _HLC, length)

    # Channels

    def highest(self, length: int = 20, of: Series | None = None) -> Series:
        """The highest of the last `length` highs, this bar's included."""
        return self._draw(rolling.highest, (self._source(of, "high"),), length)

    def lowest(self, length: int = 20, of: Series | None = None) -> Series:
        """The lowest of the last `length` lows, this bar's included."""
        return self._draw(rolling.lowest, (self._source(of, "low"),), length)

    def bollinger(self, length: int = 20, width: float = 2.0, of: Series | None = None) -> Bands:
        """Bollinger bands: `.upper`, `.middle`, `.lower`."""
        source = self._source(of)
        return self._draw(channels.bands, (_mean(source, length), _deviation(source, length)), width)

    def keltner(self, length: int = 20, atr_length: int = 10, width: float = 2.0) -> Bands:
        """Keltner channel: `.upper`, `.middle`, `.lower`."""
        return self._draw(channels.bands, (_ema("close", length), _atr(atr_length)), width)

    def donchian(self, length: int = 20) -> Bands:
        """Donchian channel, this bar included: `.upper`, `.middle`, `.lower`."""
        return self._draw(channels.donchian, _HL, length)

    def supertrend(self, length: int = 10, width: float = 3.0) -> Supertrend:
        """Supertrend: `.line`, and `.trend`, 1 or -1."""
        return self._draw(channels.supertrend_of, (*_HLC, _atr(length)), width)

    def parabolic_sar(self, acceleration: float = 0.02, maximum: float = 0.2) -> Series:
        """Wilder's parabolic stop and reverse."""
        return self._draw(channels.parabolic_sar, _HL, acceleration, maximum)

    def ichimoku(self, conversion: int = 9, base: int = 26, span: int = 52) -> Ichimoku:
        """Ichimoku: `.conversion`, `.base`, and the cloud over this bar, `.span_a`, `.span_b`."""
        return self._draw(channels.ichimoku, _HL, conversion, base, span)

    def heikin_ashi(self) -> HeikinAshi:
        """Heikin-Ashi candles: `.open`, `.high`, `.low`, `.close`."""
        return self._draw(channels.heikin_ashi, ("open", "high", "low", "close"))

    # Volume

    def obv(self) -> Series:
        """On-balance volume."""
        return self._draw(volume.obv, ("close", "volume"))

    def ad(self) -> Series:
        """Chaikin's accumulation/distribution line."""
        return self._draw(volume.ad, _HLCV)

    def adosc(self, fast: int = 3, slow: int = 10) -> Series:
        """Chaikin's oscillator."""
        return self._draw(volume.adosc, _HLCV, fast, slow)

    def cmf(self, length: int = 20) -> Series:
        """Chaikin's money flow, -1 to 1."""
        return self._draw(volume.cmf, _HLCV, length)

    def mfi(self, length: int = 14) -> Series:
        """Money flow index, 0 to 100."""
        return self._draw(volume.mfi, _HLCV, length)

    def vwap(self, length: int = 20) -> Series:
        """Volume-weighted average price of the last `length` bars."""
        return self._draw(volume.vwap, _HLCV, length)

    def session_vwap(self, hours: float = 24.0) -> Series:
        """Volume-weighted average price since the session began (24: since midnight UTC)."""
        return self._draw(volume.session_vwap, ("time", *_HLCV), hours)

    # Time

    def hour(self) -> Series:
        """The hour of the day in which each bar begins, 0 to 23, UTC."""
        return self._draw(clock.hour, ("time",))

    def weekday(self) -> Series:
        """The day of the week on which each bar begins, 0 (Monday) to 6, UTC."""
        return self._draw(clock.weekday, ("time",))
