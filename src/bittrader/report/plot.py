"""What all figures are made of: plain dictionaries in the words of plotly.js, whose Python takes longer to import.

Colours are names of CSS variables, so that a page decides them; long columns are base64 of little-endian numbers, and
times (`{"time": column}`) are UTC milliseconds, which the page turns to dates itself, because Plotly would shift
numbers to the reader's time zone.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.candles import Candles

    Column = NDArray[Any]
    Json = dict[str, Any]


@dataclass(frozen=True)
class Button:
    """A choice of view: its words, and what it sets in the figure (`layout.yaxis.type` → `log`)."""

    text: str
    sets: Json
    pressed: bool = False


@dataclass(frozen=True)
class Figure:
    """A plot with its words: `alt` says what it shows to who cannot see it, `caption` what to know when reading it."""

    key: str
    title: str
    alt: str
    caption: str
    data: list[Json]
    layout: Json
    size: str = "tall"
    buttons: tuple[Button, ...] = ()

    def spec(self) -> Json:
        """What plotly.js draws."""
        return {"data": self.data, "layout": self.layout}


def pack(column: Column, dtype: str = "f4") -> Json:
    """A column as plotly.js reads typed arrays."""
    raw = np.ascontiguousarray(column).astype(f"<{dtype}", copy=False)
    return {"dtype": dtype, "bdata": base64.b64encode(raw.tobytes()).decode()}


def times(column: Column) -> Json:
    """A column of UTC milliseconds that the page turns to dates."""
    return {"time": pack(column, "f8")}


def plain(text: str) -> str:
    """Text that plotly.js shows as it stands, not as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def thinned(shown: int, size: int) -> str:
    """Says that points were left out, when they were."""
    if shown >= size:
        return ""
    return (
        f" Drawn from {shown:,} of {size:,} points: each of the equal stretches of time keeps its first, last, "
        "lowest and highest point, so no spike or drawdown is lost."
    )


def gathered_bars(candles: Candles, start: int, stop: int, limit: int) -> tuple[dict[str, Column], int]:
    """Bars from `start` to `stop`, gathered into at most `limit`, and how many bars each of them gathers."""
    gathered = -(-(stop - start) // limit)
    firsts = np.arange(start, stop, gathered)
    lasts = np.minimum(firsts + gathered, stop) - 1
    columns = {
        "time": candles.time[firsts],
        "open": candles.open[firsts],
        "high": np.maximum.reduceat(candles.high[:stop], firsts),
        "low": np.minimum.reduceat(candles.low[:stop], firsts),
        "close": candles.close[lasts],
    }
    return columns, gathered


def candlesticks(bars: dict[str, Column], dtype: str = "f8") -> Json:
    """Candles in ink and paper, so that markers keep the colours for themselves."""
    prices = {name: pack(bars[name], dtype) for name in ("open", "high", "low", "close")}
    return {
        "type": "candlestick",
        "name": "Candles",
        "x": times(bars["time"]),
        **prices,
        "increasing": {"line": {"color": "var(--ink-soft)", "width": 1}, "fillcolor": "var(--paper)"},
        "decreasing": {"line": {"color": "var(--ink-soft)", "width": 1}, "fillcolor": "var(--ink-soft)"},
    }
