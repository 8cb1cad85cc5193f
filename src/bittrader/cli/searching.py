"""A search as a person sees it: the bar while it runs, and what it found when it has ended."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bittrader.cli.options import strategy_speaks
from bittrader.errors import InputError
from bittrader.optimize import found
from bittrader.report import words
from bittrader.report.words import FEW_TRADES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rich.progress import Task

    from bittrader.backtest.metrics import Metrics
    from bittrader.optimize.loop import Progress as Now
    from bittrader.optimize.search import SearchResult
    from bittrader.optimize.study import Study
    from bittrader.optimize.summary import StudySummary, Trial

SHOWN = ("sharpe", "total_return", "max_drawdown", "trades", "win_rate", "profit_factor")
_ROWS = 10
# More parameters than this share one column, or a terminal cannot hold the table.
_COLUMNS = 4
_FEW = "the best closed only {}: too few to tell skill from luck"


@contextmanager
def bar(objective: str) -> Iterator[Callable[[Now], None]]:
    """A progress bar on standard error, and the function that moves it."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Done(),
        _Rate(),
        TextColumn("{task.fields[best]}"),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    # Where nobody looks on, even an empty bar would leave its line above an error's one.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Preparing", total=None, best="", rate=0.0, failed=0)

        def move(now: Now) -> None:
            best = "" if now.best is None else f"best {words.short(objective)} {words.metric(objective, now.best)}"
            rate = now.evaluated / now.seconds if now.seconds > 0.05 else 0.0
            done = now.finished + now.failed
            facts: dict[str, Any] = {"best": best, "rate": rate, "failed": now.failed}
            words_now = "Stopping (Ctrl-C again: at once)" if now.stopping else "Searching"
            progress.update(task, description=words_now, total=now.trials, completed=done, **facts)

        yield move


class _Done(ProgressColumn):
    """`48/80`, and how many failed."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text("")
        text = Text(f"{int(task.completed):,}/{int(task.total):,}", style="progress.percentage")
        if task.fields["failed"]:
            text.append(f" {task.fields['failed']:,} failed", style="yellow")
        return text


class _Rate(ProgressColumn):
    """Evaluations per second."""

    def render(self, task: Task) -> Text:
        rate = task.fields["rate"]
        return Text(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate else "", style="progress.data.speed")


def best_tables(summary: StudySummary, held: Metrics | None, width: int) -> list[Table]:
    """The best strategies, and holding the market beside them.

    Many parameters, or what is wider than the terminal, get a table of their own: a value is of use only when whole.
    """
    together = _best_table(summary, held, apart=False)
    if len(summary.parameter_names) <= _COLUMNS and Console(width=1000).measure(together).maximum <= width:
        return [together]
    return [_best_table(summary, held, apart=True), _parameter_table(summary)]


def _best_table(summary: StudySummary, held: Metrics | None, *, apart: bool) -> Table:
    shown = tuple(dict.fromkeys((summary.objective, *SHOWN)))
    title = Text(f"Best of {summary.asked:,}: {summary.strategy} on {summary.symbol}", style="bold")
    table = _table(title, () if apart else summary.parameter_names, shown, summary.objective)
    for rank, trial in enumerate(summary.best[:_ROWS], start=1):
        table.add_row(str(rank), *([] if apart else _values(summary, trial)), *_measured(trial.metrics, shown))
    if held is not None:
        table.add_section()
        blanks = [""] * (len(table.columns) - len(shown) - 1)
        table.add_row("hold", *blanks, *_measured(held.as_dict(), shown), style="dim")
    return table


def _parameter_table(summary: StudySummary) -> Table:
    table = _table(None, summary.parameter_names, (), "")
    for rank, trial in enumerate(summary.best[:_ROWS], start=1):
        table.add_row(str(rank), *_values(summary, trial))
    return table


def _table(title: Text | None, parameters: tuple[str, ...], metrics: tuple[str, ...], objective: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim", no_wrap=True)
    for name in parameters:
        table.add_column(name.replace("_", "\n"), justify="right", style="cyan", vertical="bottom")
    for name in metrics:
        bold = "bold" if name == objective else ""
        table.add_column(words.short(name).replace(" ", "\n"), justify="right", style=bold, no_wrap=True)
    return table


def _values(summary: StudySummary, trial: Trial) -> list[str]:
    """Its parameters' values, blank where one does not count."""
    return [words.parameter(trial.params.get(name, "")) for name in summary.parameter_names]


def _measured(metrics: Mapping[str, float | int | None], names: tuple[str, ...]) -> list[str]:
    return [words.metric(name, metrics[name]) for name in names]


def closing(summary: StudySummary, path: Path, report: Path | None, *, interrupted: bool, budget: int) -> Text:
    """What was done, where it is, and the command that goes on from here."""
    exhausted = not interrupted and summary.asked < budget
    all_tried = ", every parameter set there is" if exhausted else ""
    speed = words.rate(summary.evaluations_per_second)
    lines = [
        *(("Candles" if index == 0 else "", str(one)) for index, one in enumerate(summary.series)),
        (
            "Evaluations",
            f"{summary.asked:,} asked, {summary.finished:,} finished, {summary.failed:,} failed{all_tried}",
        ),
        *(("", f"{times:,} failed: {cause}") for cause, times in list(summary.failures.items())[:5]),
        ("Time", f"{words.duration(summary.seconds)} on {_cores(summary.cores)}, {speed}"),
        ("Sampler", f"{summary.sampler}, {summary.sampler_reason}"),
        ("Study", str(path)),
        *([("Report", str(report))] if report else []),
        *([("Beware", _FEW.format(words.trades(few)))] if (few := _few_trades(summary)) else []),
        ("Go on", _command(summary, interrupted=interrupted, budget=budget)),
    ]
    text = Text()
    for label, value in lines:
        text.append(f"{label:12}", style="bold")
        text.append(f"{value}\n")
    text.rstrip()
    return text


def _few_trades(summary: StudySummary) -> int | None:
    """How many trades the best parameters closed, where they are too few to mean much."""
    count = summary.best[0].metrics["trades"] if summary.best else None
    return int(count) if count and count < FEW_TRADES else None


def _command(summary: StudySummary, *, interrupted: bool, budget: int) -> str:
    if interrupted:
        left = budget - summary.finished - summary.failed
        return f"bittrader studies resume {summary.name}   (stopped, {left:,} of {budget:,} to go)"
    if summary.asked < budget:  # there are no more sets to try
        return f"bittrader report {summary.name} --open"
    return f"bittrader studies resume {summary.name} --trials {2 * budget}"


def _cores(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"


def as_json(summary: StudySummary) -> dict[str, Any]:
    """A study as one JSON object."""
    best = summary.best[0] if summary.best else None
    return {
        "study": summary.name,
        "strategy": summary.strategy,
        "symbol": summary.symbol,
        "objective": summary.objective,
        "direction": summary.direction,
        "sampler": summary.sampler,
        "sampler_reason": summary.sampler_reason,
        "seed": summary.seed,
        "best": best and {"number": best.number, "params": dict(best.params), "metrics": dict(best.metrics)},
        "evaluations": {
            "asked": summary.asked,
            "finished": summary.finished,
            "failed": summary.failed,
            "causes": dict(summary.failures),
        },
        "seconds": summary.seconds,
        "evaluations_per_second": summary.evaluations_per_second,
        "cores": summary.cores,
    }


def show(study: Study, summary: StudySummary) -> None:
    """Prints a study that is not running."""
    console = Console()
    if summary.best:
        console.print(*best_tables(summary, None, console.width))
    left = summary.asked - summary.finished - summary.failed > 0 or summary.asked < found.goal(study)
    text = closing(summary, study.path, None, interrupted=left, budget=study.budget)
    console.print(text, soft_wrap=True, highlight=False)


def conclude(result: SearchResult, *, json_wanted: bool, report_wanted: bool) -> int:
    """Writes the report, prints what was found, and returns the exit code: 0, 1 when all failed, 130 when stopped."""
    summary = result.summary
    with strategy_speaks():
        full = None if result.interrupted else result.backtest()  # who stops a search does not want to wait
    report, complaint = _report(result, full) if report_wanted and full is not None else (None, None)
    console = Console(stderr=json_wanted)
    if summary.best:
        console.print(*best_tables(summary, full.buy_and_hold if full else None, console.width))
    text = closing(summary, result.path, report, interrupted=result.interrupted, budget=result.budget)
    console.print(text, soft_wrap=True, highlight=False)
    if json_wanted:
        held = full and full.buy_and_hold.as_dict()
        where = {"path": str(result.path), "report": report and str(report)}
        answer = {**as_json(summary), "buy_and_hold": held, **where, "interrupted": result.interrupted}
        print(json.dumps(answer, allow_nan=False))  # noqa: T201 - this is the output
    if complaint is not None:
        raise complaint  # only now: the search is done, and what it found has been said
    if result.interrupted:
        return 130
    if summary.best:
        return 0
    _all_failed(summary)
    return 1


def _report(result: SearchResult, full: Any) -> tuple[Path | None, InputError | None]:
    """Where the report is, or why there is none."""
    from bittrader.paths import reports_dir  # noqa: PLC0415 - see below
    from bittrader.report import write_report  # noqa: PLC0415 - a search that is stopped needs no report

    try:
        return write_report(reports_dir() / f"{result.summary.name}.html", full, result.summary), None
    except InputError as error:
        return None, error


def _all_failed(summary: StudySummary) -> None:
    cause, times = next(iter(summary.failures.items()), ("nothing was evaluated", 0))
    line = f"bittrader: no evaluation finished; the commonest cause ({times:,} times): {cause}"
    Console(stderr=True).print(line, style="red", soft_wrap=True, markup=False, highlight=False)
