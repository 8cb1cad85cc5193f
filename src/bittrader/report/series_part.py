"""The part of a page that shows the same parameters on each of several series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.optimize.aggregate import series_names
from bittrader.report import figures, words
from bittrader.report.table import shown_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.backtest.result import Result
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.plot import Figure

SERIES_DRAWN = 12


@dataclass(frozen=True)
class SeriesRow:
    """A series, and the metrics of the strategy and of holding on it."""

    name: str
    strategy: tuple[str, ...]
    held: tuple[str, ...]


@dataclass(frozen=True)
class SeriesPart:
    """All that the template shows of several series."""

    lead: str
    columns: tuple[str, ...]
    rows: tuple[SeriesRow, ...]
    together: tuple[str, ...]
    """The metrics that the search went by; empty where the page shows another set than the best."""
    aggregate: str
    equity: tuple[Figure, ...]
    left_out: int

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return self.equity


def series_part(results: Sequence[Result], study: StudySummary) -> SeriesPart:
    """What one set of parameters did on each series of a study."""
    metrics = shown_metrics(study)
    names = series_names([f"{one.candles.symbol} {one.candles.timeframe}" for one in results])
    best = study.best[0] if study.best and dict(study.best[0].params) == dict(results[0].params) else None
    return SeriesPart(
        lead=(
            f"Every set was judged on {len(results):,} series, by the {study.aggregate} of each metric over them. What "
            "holds on several markets is less likely to be fitted to one."
        ),
        columns=tuple(map(words.short, metrics)),
        rows=tuple(_row(name, result, metrics) for name, result in zip(names, results, strict=True)),
        together=tuple(words.metric(name, best.metrics.get(name)) for name in metrics) if best else (),
        aggregate=study.aggregate,
        equity=tuple(
            figures.small_equity(result, name, f"series-{index}")
            for index, (name, result) in enumerate(zip(names, results, strict=True))
            if index < SERIES_DRAWN
        ),
        left_out=max(0, len(results) - SERIES_DRAWN),
    )


def _row(name: str, result: Result, metrics: Sequence[str]) -> SeriesRow:
    strategy, held = result.metrics.as_dict(), result.buy_and_hold.as_dict()
    return SeriesRow(
        name,
        tuple(words.metric(metric, strategy.get(metric)) for metric in metrics),
        tuple(words.metric(metric, held.get(metric)) for metric in metrics),
    )
