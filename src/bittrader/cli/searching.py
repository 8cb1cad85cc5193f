"""A search as a person sees it: the bar while it runs, and what it found when it has ended."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from bittrader.belief.verdict import FEWEST_TRADES
from bittrader.cli import validating
from bittrader.cli.best import best_tables, series_table
from bittrader.cli.options import strategy_speaks
from bittrader.errors import InputError
from bittrader.optimize.studies import found
from bittrader.report import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Task

    from bittrader.backtest.result import Result
    from bittrader.cli.placing import On
    from bittrader.optimize.loop import Progress as Now
    from bittrader.optimize.search import SearchResult
    from bittrader.optimize.studies.study import Study
    from bittrader.optimize.studies.summary import StudySummary, Trial

_HOPELESS_SECONDS = 2.0
"""So long after its start somebody may still think that all is well with a search in which nothing has finished."""
_FEW = "the best closed only {}: too few to tell skill from luck"


@contextmanager
def bar(objective: str) -> Iterator[Callable[[Now], None]]:
    """A progress bar on standard error, and the function that moves it.

    While every evaluation fails, a line says so, and why: who mistyped an objective need not wait for the end.
    """
    columns = (
        SpinnerColumn(),
        _Doing(),
        BarColumn(bar_width=24),
        _Done(Column(no_wrap=True)),
        _Rate(Column(no_wrap=True)),
        TextColumn("{task.fields[best]}"),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    # Where nobody looks on, even an empty bar would leave its line above an error's one.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Preparing", total=None, best="", rate=0.0, failed=0)

        warned = False

        def move(now: Now) -> None:
            nonlocal warned
            if now.failure and now.seconds >= _HOPELESS_SECONDS and not warned:
                warned = True
                said = f"{now.failed:,} failed, and none has finished so far: {now.failure}"
                progress.console.print(said, style="yellow", soft_wrap=True, markup=False, highlight=False)
            best = "" if now.best is None else f"best {words.short(objective)} {words.metric(objective, now.best)}"
            rate = now.evaluated / now.seconds if now.seconds > 0.05 else 0.0
            done = now.finished + now.failed
            facts: dict[str, Any] = {"best": best, "rate": rate, "failed": now.failed}
            searching = f"Searching fold {now.fold} of {now.folds}" if now.fold else "Searching"
            if done >= now.trials and now.fold == now.folds:
                searching = "Judging"  # what follows the last evaluation
            if now.waits_for:
                searching = f"Waiting for {now.waits_for}"
            words_now = "Stopping (Ctrl-C again: at once)" if now.stopping else searching
            progress.update(task, description=words_now, total=now.trials, completed=done, **facts)

        yield move


class _Doing(ProgressColumn):
    """What the search does: where the line is too narrow, this is cut, as its column alone may be."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


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


def closing(
    summary: StudySummary,
    path: Path,
    report: Path | None,
    on: On,
    *,
    interrupted: bool,
    budget: int,
    running: bool = False,
) -> Text:
    """What was done, where it is, and the command that goes on from here."""
    following = _running(summary, budget) if running else _command(summary, on, interrupted=interrupted, budget=budget)
    speed = words.rate(summary.evaluations_per_second)
    lines = [
        *([("Rules", summary.rules)] if summary.rules else []),
        *(("Candles" if index == 0 else "", str(one)) for index, one in enumerate(summary.series)),
        ("Evaluations", _evaluations(summary, exhausted=not interrupted and summary.exhausted)),
        *(("", f"{times:,} failed: {cause}") for cause, times in list(summary.failures.items())[:5]),
        ("Objectives" if len(summary.objectives) > 1 else "Objective", _sought(summary)),
        *([("Conditions", _conditions(summary))] if summary.where else []),
        ("Time", f"{words.duration(summary.seconds)} on {_cores(summary.cores)}, {speed}"),
        ("Sampler", f"{summary.sampler}, {summary.sampler_reason}"),
        *validating.lines(summary),
        ("Study", str(path)),
        *([("Report", str(report))] if report else []),
        *([("Beware", _FEW.format(words.trades(few)))] if (few := _few_trades(summary)) is not None else []),
        *([("Now" if running else "Go on", following)] if following else []),
    ]
    text = Text()
    for label, value in lines:
        text.append(f"{label:12}", style="bold")
        text.append(f"{value}\n")
    text.rstrip()
    return text


_COLOURS = {"luck": "yellow", "inconclusive": "cyan", "edge": "green"}


def verdict_lines(summary: StudySummary) -> list[Table]:
    """The call, and the sentences that lead to it; none where nothing was judged."""
    if summary.belief is None:
        return []
    verdict = summary.belief.verdict
    table = Table.grid()
    table.add_column(style="bold", width=12)
    table.add_column()
    table.add_row("Verdict", Text(verdict.call, style=f"bold {_COLOURS[verdict.call]}"))
    for reason in verdict.reasons:
        table.add_row("", Text(reason))
    return [table]


def _evaluations(summary: StudySummary, *, exhausted: bool) -> str:
    all_tried = ", every parameter set there is" if exhausted else ""
    more = f"; {summary.in_folds:,} more to validate" if summary.in_folds else ""
    return f"{summary.asked:,} asked, {summary.finished:,} finished, {summary.failed:,} failed{all_tried}{more}"


def _sought(summary: StudySummary) -> str:
    """What was searched for, and which end of it; where a function gives the numbers, how to ask for the other end."""
    ends = {"maximize": "as high as can be", "minimize": "as low as can be"}
    said = ", ".join(f"{words.within(one.metric)} {ends[one.direction]}" for one in summary.objectives)
    up = next((one.metric for one in summary.objectives if one.direction == "maximize"), None)
    return said if summary.series or up is None else f"{said} (else: --objective {up}:min)"


def _conditions(summary: StudySummary) -> str:
    said, kept = " and ".join(map(str, summary.where)), summary.finished - summary.infeasible
    if not summary.finished:
        return said
    if not kept:
        return f"{said}: no set keeps {'it' if len(summary.where) == 1 else 'all'}. Those shown (x) are the nearest"
    return f"{said}: {kept:,} of {summary.finished:,} finished sets keep {'it' if len(summary.where) == 1 else 'all'}"


def _few_trades(summary: StudySummary) -> int | None:
    """How many trades the best parameters closed, where they are too few to mean much."""
    if summary.belief is not None:
        return None  # the verdict says it
    count = summary.best[0].metrics.get("trades") if summary.best and summary.series else None
    return int(count) if count and count < FEWEST_TRADES else None


def _running(summary: StudySummary, budget: int) -> str:
    left = budget - summary.finished - summary.failed
    return f"another process searches, {left:,} of {budget:,} to go" if left > 0 else "another process works on it"


def _command(summary: StudySummary, on: On, *, interrupted: bool, budget: int) -> str:
    """What goes on from here; nothing where a function of the user's own has to be mended first."""
    there = "" if on == "local" else f" --on {on}"
    if interrupted:
        left = budget - summary.finished - summary.failed
        where = f"{left:,} of {budget:,} to go" if left > 0 else "before it was validated"
        return f"bittrader studies resume {summary.name}{there}   (stopped, {where})"
    if not summary.finished:
        return f"bittrader strategies check {summary.reference or 'FILE.py:CLASS'}" if summary.series else ""
    if summary.exhausted:
        return (
            f"bittrader report {summary.name} --open" if summary.series else f"bittrader studies export {summary.name}"
        )
    return f"bittrader studies resume {summary.name} --trials {2 * budget}{there}"


def _cores(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"


def as_json(summary: StudySummary) -> dict[str, Any]:
    """A study as one JSON object."""
    belief = summary.belief and summary.belief.to_json()
    return {
        "study": summary.name,
        "strategy": summary.strategy,
        "symbol": summary.symbol,
        "objective": summary.objective,
        "direction": summary.direction,
        "objectives": [asdict(one) for one in summary.objectives],
        "where": list(map(str, summary.where)),
        "aggregate": summary.aggregate,
        "sampler": summary.sampler,
        "sampler_reason": summary.sampler_reason,
        "seed": summary.seed,
        "best": _trial(summary.best[0]) if summary.best else None,
        "rules": summary.rules or None,
        "front": list(map(_trial, summary.front)),
        "front_size": summary.front_size,
        "verdict": belief and belief["verdict"],
        "belief": belief and belief["figures"],
        "evaluations": {
            "asked": summary.asked,
            "finished": summary.finished,
            "failed": summary.failed,
            "infeasible": summary.infeasible,
            "causes": dict(summary.failures),
            "in_folds": summary.in_folds,
        },
        "validation": summary.validation and summary.validation.to_json(),
        "holdout": summary.holdout and summary.holdout.to_json(),
        "seconds": summary.seconds,
        "evaluations_per_second": summary.evaluations_per_second,
        "cores": summary.cores,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    facts = {"params": dict(trial.params), "metrics": dict(trial.metrics)}
    return {"number": trial.number, **facts, "feasible": trial.feasible}


def _series(summary: StudySummary, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each series, and what the best gave on it when that was run again."""
    each: Sequence[Result | None] = results or [None] * len(summary.series)
    return [
        {
            "symbol": facts.symbol,
            "timeframe": facts.timeframe,
            "candles": facts.reference,
            "metrics": result and result.metrics.as_dict(),
            "buy_and_hold": result and result.buy_and_hold.as_dict(),
        }
        for facts, result in zip(summary.series, each, strict=True)
    ]


def show(study: Study, summary: StudySummary, *, running: bool = False) -> None:
    """Prints a study as it is kept; `running`: while another process searches, or judges, it."""
    console = Console()
    for table in verdict_lines(summary):
        console.print(table, "")
    if summary.best:
        console.print(*best_tables(summary, None, console.width))
    if summary.validation:
        console.print(*validating.validation_tables(summary.validation, summary.objective, console.width))
    complete = found.is_complete(study)
    if complete and not running and summary.best and summary.belief is None:
        console.print(Text.assemble(("Verdict     ", "bold"), f"not judged yet: bittrader studies judge {study.name}"))
    on: On = "cluster" if found.was_elsewhere(study) else "local"
    text = closing(summary, study.path, None, on, interrupted=not complete, budget=study.budget, running=running)
    console.print(text, soft_wrap=True, highlight=False)


def conclude(result: SearchResult, on: On, *, json_wanted: bool, report_wanted: bool, tell: bool) -> int:
    """Writes the report, prints what was found, and returns the exit code: 0, 1 when all failed, 130 when stopped."""
    summary = result.summary
    with strategy_speaks():
        results = () if result.interrupted else result.backtests()  # who stops a search does not want to wait
    # Only a function of the user's own has something to show without any results.
    shown = results or (summary.best and not summary.series and not result.interrupted)
    report, complaint = _report(result, results) if report_wanted and shown else (None, None)
    held = results[0].buy_and_hold if len(results) == 1 else None
    console = Console(stderr=json_wanted)
    if summary.best:
        console.print(*best_tables(summary, held, console.width))
    if len(results) > 1:
        console.print(series_table(summary, results))
    if summary.validation:
        console.print(*validating.validation_tables(summary.validation, summary.objective, console.width))
    console.print(*verdict_lines(summary))
    text = closing(summary, result.path, report, on, interrupted=result.interrupted, budget=result.budget)
    console.print(text, soft_wrap=True, highlight=False)
    if json_wanted:
        where = {"path": str(result.path), "report": report and str(report)}
        beside = {"buy_and_hold": held and held.as_dict(), "series": _series(summary, results)}
        answer = {**as_json(summary), **beside, **where, "interrupted": result.interrupted}
        print(json.dumps(answer, allow_nan=False))  # noqa: T201 - this is the output
    if tell and not result.interrupted:  # who stops a search knows of its end
        from bittrader.cli.notifying import tell_of  # noqa: PLC0415 - only where it is asked for

        tell_of(as_json(summary))
    if complaint is not None:
        raise complaint  # only now: the search is done, and what it found has been said
    if result.interrupted:
        return 130
    if summary.best:
        return 0
    _all_failed(summary)
    return 1


def _report(result: SearchResult, results: Sequence[Result]) -> tuple[Path | None, InputError | None]:
    """Where the report is, or why there is none."""
    from bittrader.paths import reports_dir  # noqa: PLC0415 - see below
    from bittrader.report import write_report  # noqa: PLC0415 - a search that is stopped needs no report

    try:
        return write_report(reports_dir() / f"{result.summary.name}.html", results, result.summary), None
    except InputError as error:
        return None, error


def _all_failed(summary: StudySummary) -> None:
    cause, times = next(iter(summary.failures.items()), ("nothing was evaluated", 0))
    line = f"bittrader: no evaluation finished; the commonest cause ({times:,} of {summary.failed:,}): {cause}"
    Console(stderr=True).print(line, style="red", soft_wrap=True, markup=False, highlight=False)
