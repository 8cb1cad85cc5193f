"""What one run earned, in numbers. Plain names are fractions (0.25 is 25 %) or ratios; others carry their unit."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Metrics:
    """The measures of one run; None where one is undefined (no trades, no losses, no variation).

    Per-bar returns are relative changes of equity from close to close; a year is 365 days.
    """

    total_return: float
    """Final equity / initial equity - 1."""
    cagr: float | None
    """Compound annual growth rate: (final / initial) ** (1 / years) - 1, from the first bar to the last."""
    sharpe: float | None
    """Mean / standard deviation (ddof 1) of per-bar returns, times sqrt(bars per year). Sharpe (1994)."""
    sortino: float | None
    """Mean / root mean square of the negative per-bar returns (all bars counted), times sqrt(bars per year).
    Sortino and Price (1994)."""
    calmar: float | None
    """CAGR / maximum drawdown. Young (1991)."""
    volatility: float | None
    """Standard deviation (ddof 1) of per-bar returns, times sqrt(bars per year)."""
    max_drawdown: float
    """Largest fall of equity, marked at closes, from an earlier peak, as a positive fraction of the peak."""
    longest_drawdown_days: float
    """Longest run of closes below an earlier peak of equity, in bars times the timeframe."""
    exposure: float
    """Fraction of bars at whose close a position was open."""
    trades: int
    """Closed trades."""
    win_rate: float | None
    """Fraction of trades that earned more than they cost."""
    profit_factor: float | None
    """Sum of gains / sum of losses over trades, net of costs; undefined without losses."""
    expectancy: float | None
    """Mean over trades of profit / equity at entry."""
    average_win: float | None
    """Mean of profit / equity at entry over winning trades."""
    average_loss: float | None
    """Mean of loss / equity at entry over the other trades, as a positive fraction."""
    average_trade_days: float | None
    """Mean time in a trade: from the entry bar's start to the exit bar's start."""
    costs_paid: float
    """Fees, slippage and funding paid over the run, as a fraction of initial equity."""

    @classmethod
    def from_row(cls, row: NDArray[np.float64]) -> Metrics:
        """The metrics of a kernel's row (NaN is undefined)."""
        values = {name: None if math.isnan(x) else float(x) for name, x in zip(METRICS, row, strict=True)}
        return cls(**{**values, "trades": int(row[METRICS.index("trades")])})  # type: ignore[arg-type]

    def as_row(self) -> NDArray[np.float64]:
        """The metrics in the order of `METRICS`, as `from_row` takes them."""
        return np.array(list(self.as_dict().values()), dtype=np.float64)  # None becomes NaN

    def as_dict(self) -> dict[str, float | int | None]:
        """The metrics by name."""
        return asdict(self)


METRICS: tuple[str, ...] = tuple(field.name for field in fields(Metrics))

LOWER_IS_BETTER = frozenset(
    {"volatility", "max_drawdown", "longest_drawdown_days", "average_loss", "costs_paid", "average_trade_days"}
)


def direction(metric: str) -> Literal["maximize", "minimize"]:
    """Which way a search should push a metric."""
    return "minimize" if metric in LOWER_IS_BETTER else "maximize"
