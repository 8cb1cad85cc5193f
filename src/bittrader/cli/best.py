"""What a study found, as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bittrader.optimize.aggregate import series_names
from bittrader.optimize.studies.even_share import even_share
from bittrader.report import words
from bittrader.report.table import shown_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.backtest.metrics import Metrics
    from bittrader.backtest.result import Result
    from bittrader.optimize.studies.summary import StudySummary, Trial

SHOWN = ("sharpe", "total_return", "max_drawdown", "trades", "win_rate", "profit_factor")
_ROWS = 10
# More parameters than this share one column, or a terminal cannot hold the table.
_COLUMNS = 4
_NUMBERS = 8


def best_tables(summary: StudySummary, held: Metrics | None, width: int) -> list[Table]:
    """The best strategies, or the Pareto front of several objectives, and holding the market beside them.

    Many parameters, or what is wider than the terminal, get a table of their own: a value is of use only when whole.
    """
    ranked = _ranked(summary)
    together = _best_table(summary, ranked, held, apart=False)
    if len(summary.parameter_names) <= _COLUMNS and Console(width=1000).measure(together).maximum <= width:
        return [together]
    return [_best_table(summary, ranked, held, apart=True), _parameter_table(summary, ranked)]


def _ranked(summary: StudySummary) -> list[tuple[str, Trial]]:
    """The rows to show, each with its rank; of a large front an even share, both ends included."""
    if not summary.front:
        marks = ["" if trial.feasible else " x" for trial in summary.best[:_ROWS]]
        return [(f"{rank}{mark}", summary.best[rank - 1]) for rank, mark in enumerate(marks, start=1)]
    chosen = even_share(len(summary.front), _ROWS).tolist()
    places = even_share(summary.front_size, len(summary.front)).tolist()
    return [(f"{places[index] + 1:,}", summary.front[index]) for index in chosen]


def _title(summary: StudySummary) -> Text:
    where = f" on {summary.symbol}" if summary.symbol else ""
    over = f" ({summary.aggregate} of {len(summary.series)} series)" if len(summary.series) > 1 else ""
    what = f"Pareto front, {summary.front_size:,}" if summary.front else "Best"
    return Text(f"{what} of {summary.asked:,}: {summary.strategy}{where}{over}", style="bold")


def _best_table(
    summary: StudySummary, ranked: Sequence[tuple[str, Trial]], held: Metrics | None, *, apart: bool
) -> Table:
    shown = shown_metrics(summary, SHOWN, _NUMBERS)
    table = _table(_title(summary), () if apart else summary.parameter_names, shown, summary)
    for rank, trial in ranked:
        row = [*([] if apart else _values(summary, trial)), *_measured(trial.metrics, shown)]
        table.add_row(rank, *row, style="" if trial.feasible else "dim")
    if held is not None:
        table.add_section()
        blanks = [""] * (len(table.columns) - len(shown) - 1)
        table.add_row("hold", *blanks, *_measured(held.as_dict(), shown), style="dim")
    return table


def _parameter_table(summary: StudySummary, ranked: Sequence[tuple[str, Trial]]) -> Table:
    if any(len(trial.params) < len(summary.parameter_names) for _, trial in ranked):
        return _settings_table(ranked)
    table = _table(None, summary.parameter_names, (), summary)
    for rank, trial in ranked:
        table.add_row(rank, *_values(summary, trial))
    return table


def _settings_table(ranked: Sequence[tuple[str, Trial]]) -> Table:
    """Parameters by name: where not all of them count, a column for each would be mostly blank."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim", no_wrap=True)
    table.add_column("parameters", style="cyan")
    for rank, trial in ranked:
        table.add_row(rank, Text(", ".join(f"{key} {words.parameter(value)}" for key, value in trial.params.items())))
    return table


def series_table(summary: StudySummary, results: Sequence[Result]) -> Table:
    """The best on each series, and holding each beside it."""
    shown = shown_metrics(summary, SHOWN, _NUMBERS)
    table = _table(Text("The best on each series", style="bold"), (), shown, summary)
    names = series_names([f"{one.symbol} {one.timeframe}" for one in summary.series])
    for name, result in zip(names, results, strict=True):
        table.add_row(name, *_measured(result.metrics.as_dict(), shown))
        table.add_row("hold", *_measured(result.buy_and_hold.as_dict(), shown), style="dim")
    return table


def _table(title: Text | None, parameters: tuple[str, ...], metrics: tuple[str, ...], summary: StudySummary) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim", no_wrap=True)
    for name in parameters:
        table.add_column(name.replace("_", "\n"), justify="right", style="cyan", vertical="bottom")
    objectives = [one.metric for one in summary.objectives]
    for name in metrics:
        bold = "bold" if name in objectives else ""
        table.add_column(words.short(name).replace(" ", "\n"), justify="right", style=bold, no_wrap=True)
    return table


def _values(summary: StudySummary, trial: Trial) -> list[str]:
    """Its parameters' values, blank where one does not count."""
    return [words.parameter(trial.params.get(name, "")) for name in summary.parameter_names]


def _measured(metrics: Mapping[str, float | int | None], names: tuple[str, ...]) -> list[str]:
    return [words.metric(name, metrics[name]) for name in names]
