"""Rules that let entries pass, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.mining.rules import Filter, table
from bittrader.strategies.parameters import Choice, Float, Int

if TYPE_CHECKING:
    from bittrader.strategies.arrays import Flags
    from bittrader.strategies.chart import Chart

_RANGE_SHORT, _RANGE_LONG = Int(3, 40, default=14), Int(50, 300, default=100)


class Trend(Filter):
    """Entries in the direction of a long average."""

    kind = "trend"
    trend_length = Int(50, 500, default=200)
    long = "the close is above SMA({trend_length})"
    short = "the close is below SMA({trend_length})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        average = chart.sma(self.trend_length)
        return chart.close > average, chart.close < average


class Strength(Filter):
    """Entries while the movement is one-sided."""

    kind = "strength"
    adx_length = Int(7, 50, default=14)
    adx_level = Int(10, 50, default=20)
    long = short = "ADX({adx_length}) is above {adx_level}"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        strong = chart.adx(self.adx_length) > self.adx_level
        return strong, strong


class Longer(Filter):
    """Entries in the direction of a longer timeframe, as far as its bars are complete."""

    kind = "longer"
    longer_timeframe = Choice("4h", "1d", "1w", default="1d")
    longer_length = Int(3, 25, default=20)
    long = "the last {longer_timeframe} bar closed above its SMA({longer_length})"
    short = "the last {longer_timeframe} bar closed below its SMA({longer_length})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        longer = chart.higher(str(self.longer_timeframe))
        longer_average = longer.sma(self.longer_length)
        return longer.close > longer_average, longer.close < longer_average


class Calm(Filter):
    """Entries while bars are small against those of longer ago."""

    kind = "volatility"
    range_short = _RANGE_SHORT
    range_long = _RANGE_LONG
    range_most = Float(0.5, 1.5, default=1, step=0.05)
    long = short = "ATR({range_short}) is below {range_most} times ATR({range_long})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        calm = chart.atr(self.range_short) < self.range_most * chart.atr(self.range_long)
        return calm, calm


class Lively(Filter):
    """Entries while bars are large against those of longer ago."""

    kind = "volatility"
    range_short = _RANGE_SHORT
    range_long = _RANGE_LONG
    range_least = Float(0.5, 2, default=1, step=0.05)
    long = short = "ATR({range_short}) is above {range_least} times ATR({range_long})"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        lively = chart.atr(self.range_short) > self.range_least * chart.atr(self.range_long)
        return lively, lively


class Volume(Filter):
    """Entries on bars in which much was traded."""

    kind = "volume"
    volume_length = Int(5, 200, default=50)
    volume_least = Float(0.5, 3, default=1.2, step=0.1)
    long = short = "the volume is above {volume_least} times its average of {volume_length} bars"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        busy = chart.volume > self.volume_least * chart.sma(self.volume_length, of=chart.volume)
        return busy, busy


class Hours(Filter):
    """Entries on bars that begin between two hours of the day, UTC."""

    kind = "hours"
    hour_from = Int(0, 20, default=8)
    hour_to = Int(4, 24, default=20)
    constraints = (hour_from < hour_to,)
    long = short = "the bar began between {hour_from}:00 and {hour_to}:00 UTC"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        hour = chart.hour()
        in_hours = (hour >= self.hour_from) & (hour < self.hour_to)
        return in_hours, in_hours


class Weekdays(Filter):
    """Entries on bars that begin on Monday to Friday, UTC."""

    kind = "days"
    long = short = "the bar began on Monday to Friday (UTC)"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        weekday = chart.weekday() < 5
        return weekday, weekday


class Weekends(Filter):
    """Entries on bars that begin on Saturday or Sunday, UTC."""

    kind = "days"
    long = short = "the bar began on Saturday or Sunday (UTC)"

    def flags(self, chart: Chart) -> tuple[Flags, Flags]:
        weekend = chart.weekday() >= 5
        return weekend, weekend


FILTERS: dict[str, type[Filter]] = table(Trend, Longer, Strength, Calm, Lively, Volume, Hours, Weekdays, Weekends)
