"""How metrics are called and written, in a report and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bittrader.strategies.parameters import Value

    Kind = Literal["percent", "ratio", "days", "count"]

# A percentage with more digits than anyone reads.
_LONG = 1e9

UNDEFINED = "–"  # noqa: RUF001 - an en dash is how a table says "no value"


_PEOPLE = ("Sharpe", "Sortino", "Calmar")


@dataclass(frozen=True)
class Word:
    """A metric's name for people, the kind of number it is, and why it may be undefined; and a shorter name."""

    label: str
    kind: Kind
    undefined: str = ""
    short: str = ""


WORDS: dict[str, Word] = {
    "total_return": Word("Total return", "percent", short="Return"),
    "cagr": Word("Growth a year (CAGR)", "percent", "the equity was lost, so there is no yearly growth", "CAGR"),
    "sharpe": Word("Sharpe ratio", "ratio", "the equity never varied", "Sharpe"),
    "sortino": Word("Sortino ratio", "ratio", "no bar lost anything"),
    "calmar": Word("Calmar ratio", "ratio", "there was no drawdown, or no yearly growth to divide by it"),
    "volatility": Word("Volatility a year", "percent", "it takes at least two returns"),
    "max_drawdown": Word("Largest drawdown", "percent", short="Drawdown"),
    "longest_drawdown_days": Word("Longest drawdown", "days"),
    "exposure": Word("Time in the market", "percent"),
    "trades": Word("Closed trades", "count", short="Trades"),
    "win_rate": Word("Win rate", "percent", "there are no closed trades"),
    "profit_factor": Word("Profit factor", "ratio", "no trade lost anything"),
    "expectancy": Word("Average trade", "percent", "there are no closed trades"),
    "average_win": Word("Average win", "percent", "no trade won"),
    "average_loss": Word("Average loss", "percent", "no trade lost anything"),
    "average_trade_days": Word("Average time in a trade", "days", "there are no closed trades"),
    "costs_paid": Word("Costs paid (of initial equity)", "percent"),
}


def label(metric: str) -> str:
    """A metric's name for people."""
    return WORDS[metric].label if metric in WORDS else metric.replace("_", " ")


def within(metric: str) -> str:
    """A metric's name inside a sentence: `largest drawdown`, `Sharpe ratio`."""
    text = label(metric)
    return text if text.split()[0] in _PEOPLE else text[0].lower() + text[1:]


def short(metric: str) -> str:
    """A metric's name for the head of a narrow column."""
    return (metric in WORDS and WORDS[metric].short) or label(metric)


def minus(text: str) -> str:
    """The text with a true minus sign, which is as wide as a digit."""
    return "−" + text[1:] if text.startswith("-") else text  # noqa: RUF001 - see above


def metric(name: str, value: float | None) -> str:
    """A metric's value with its unit: `12.3%`, `1.87`, `14.5 days`; a dash where it is undefined."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return UNDEFINED
    if name not in WORDS:
        return f"{value:,.6g}"
    return {"percent": percent, "ratio": ratio, "days": days, "count": count}[WORDS[name].kind](value)


def percent(fraction: float) -> str:
    """`12.34%`; fewer decimals the larger it is."""
    value = 100 * fraction
    if abs(value) >= _LONG:
        return f"{value:.1e}%"
    decimals = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return no_negative_zero(f"{value:,.{decimals}f}") + "%"


def share(fraction: float) -> str:
    """A probability or a share: `4.2%`, `37%`, `99.6%`; never 0% or 100% unless it is exactly that."""
    value = 100 * fraction
    if 0 < value < 0.1:
        return "under 0.1%"
    if 99.9 < value < 100:
        return "over 99.9%"
    return f"{value:.1f}%" if 0 < value < 9.95 or 99 < value < 100 else f"{value:.0f}%"


def ratio(value: float) -> str:
    """`1.87`."""
    return no_negative_zero(f"{value:,.2f}")


def days(value: float) -> str:
    """A duration in the unit that suits it: `35 minutes`, `7.5 hours`, `14.5 days`."""
    if 0 < value < 2 / 24:
        return f"{value * 24 * 60:,.0f} minutes"
    if 0 < value < 2:
        return f"{value * 24:,.1f} hours"
    return f"{value:,.1f} days"


def duration(seconds: float) -> str:
    """Computing time in the unit that suits it: `0.53 s`, `57 s`, `12.3 minutes`, `2.1 hours`."""
    if seconds < 120:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:,.1f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"


def rate(a_second: float) -> str:
    """`3,412 evaluations a second`."""
    return f"{a_second:,.0f} evaluations a second" if a_second >= 10 else f"{a_second:.2f} evaluations a second"


def count(value: float) -> str:
    """`1,234`."""
    return f"{value:,.0f}"


def trades(number: int) -> str:
    """`1 trade`, `1,234 trades`."""
    return "1 trade" if number == 1 else f"{number:,} trades"


def parameter(value: Value) -> str:
    """A parameter's value, short: `20`, `0.125`, `both`."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def iso(milliseconds: int) -> str:
    """`2024-05-19T23:00:00Z`, for machines."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def no_negative_zero(text: str) -> str:
    """The text, less the minus sign of what is rounded to zero."""
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
