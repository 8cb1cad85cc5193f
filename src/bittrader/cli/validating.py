"""A validation and a holdout as a terminal shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bittrader.optimize.aggregate import series_names
from bittrader.report import words

if TYPE_CHECKING:
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.optimize.studies.validation_result import FoldResult, Holdout, Measured, Period, Validated

_BESIDE = ("total_return", "max_drawdown", "trades")


def validation_tables(validated: Validated, objective: str, width: int) -> list[Table]:
    """One line a fold: what its search found on the training bars, and what that did on the tested ones.

    Where the parameters do not fit beside that, they get a table of their own.
    """
    together = _fold_table(validated, objective, apart=False)
    if Console(width=1000).measure(together).maximum <= width:
        return [together]
    return [_fold_table(validated, objective, apart=True), _parameter_table(validated)]


def _fold_table(validated: Validated, objective: str, *, apart: bool) -> Table:
    beside = [name for name in _BESIDE if name != objective]
    table = _table(f"Validated out of sample: {validated.mode}")
    table.add_column("Tested on", no_wrap=True)
    if not apart:
        table.add_column("Parameters", style="cyan")
    table.add_column(f"{words.short(objective)}\ntrained", justify="right", no_wrap=True)
    for name in (objective, *beside):
        style = "bold" if name == objective else ""
        table.add_column(f"{words.short(name)}\ntested", justify="right", style=style, no_wrap=True)
    for number, fold in enumerate(validated.folds, start=1):
        when = _days(fold.test).replace(" to ", " to\n").replace(", ", ",\n")
        trained = words.metric(objective, _of(fold.in_sample, objective))
        chosen = [] if apart else [_parameters(fold)]
        table.add_row(str(number), when, *chosen, trained, *_tested(fold, objective, beside))
    if len(validated.paths) == 1 and (stitched := validated.out_of_sample) is not None:
        table.add_section()
        trained = words.metric(objective, validated.in_sample(objective))
        measured = [words.metric(name, stitched[name]) for name in (objective, *beside)]
        table.add_row("all", "one after\nthe other", *([] if apart else [""]), trained, *measured)
    return table


def _parameter_table(validated: Validated) -> Table:
    table = _table(None)
    table.add_column("Parameters", style="cyan")
    for number, fold in enumerate(validated.folds, start=1):
        table.add_row(str(number), _parameters(fold))
    return table


def _table(title: str | None) -> Table:
    table = Table(title=title and Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Fold", justify="right", style="dim", no_wrap=True)
    return table


def _tested(fold: FoldResult, objective: str, beside: list[str]) -> list[str]:
    if fold.out_of_sample is None:
        return ["failed", *[""] * len(beside)]
    return [words.metric(name, fold.out_of_sample[name]) for name in (objective, *beside)]


def _parameters(fold: FoldResult) -> str:
    chosen = ", ".join(f"{name} {words.parameter(value)}" for name, value in (fold.params or {}).items())
    return chosen if fold.feasible else f"{chosen} x".strip()


def _of(measured: Measured | None, name: str) -> float | None:
    return None if measured is None else measured[name]


def _days(periods: tuple[Period, ...]) -> str:
    """From when to when; periods that follow on each other as one."""
    ends: list[tuple[int, int, int]] = []
    for one in periods:
        first = ends.pop()[0] if ends and ends[-1][2] == one.start else one.first
        ends.append((first, one.last, one.stop))
    return ", ".join(f"{_day(first)} to {_day(last)}" for first, last, _ in ends)


def _day(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d}"


def lines(summary: StudySummary) -> list[tuple[str, str]]:
    """What a closing says of validation and holdout, label and words."""
    validated, holdout = summary.validation, summary.holdout
    found = [] if validated is None else [("Validation", _said(validated, summary.objective))]
    if validated is not None:
        causes = {fold.cause: index for index, fold in enumerate(validated.folds, start=1) if fold.cause is not None}
        found += [("", f"fold {index}: {cause}") for cause, index in causes.items()]
    return found if holdout is None else [*found, ("Held out", _held(summary.name, holdout))]


def _said(validated: Validated, objective: str) -> str:
    name, values = words.short(objective), validated.over_paths(objective)
    if not values:
        return f"no {name} out of sample: what was found could not be tested, or never traded"
    trained = words.metric(objective, validated.in_sample(objective))
    if len(validated.paths) == 1:
        return f"{name} {words.metric(objective, values[0])} out of sample, {trained} where it was trained"
    low, middle, high = (words.metric(objective, value) for value in (min(values), median(values), max(values)))
    spread = f"{name} {middle} out of sample in the middle of {len(validated.paths)} paths ({low} to {high})"
    return f"{spread}, {trained} where it was trained"


def _held(study: str, holdout: Holdout) -> str:
    count = holdout.bars.stop - holdout.bars.start
    bars = f"{count:,} {'bar' if count == 1 else 'bars'}, {_days((holdout.bars,))}"
    if not holdout.openings:
        return f"{bars}, never looked at. Once, at the very end: bittrader studies holdout {study}"
    times = "once" if len(holdout.openings) == 1 else f"{len(holdout.openings)} times"
    return f"{bars}, looked at {times}, first on {holdout.openings[0].at}"


def holdout_table(holdout: Holdout, summary: StudySummary) -> Table:
    """The set that was opened last: where it was searched, on the held-out bars, and holding the market on these."""
    looked = holdout.openings[-1]
    shown = tuple(dict.fromkeys((summary.objective, "sharpe", "total_return", "max_drawdown", "trades", "win_rate")))
    table = Table(title=Text(f"Held out: {_days((holdout.bars,))}", style="bold"), title_justify="left")
    table.box = box.SIMPLE_HEAD
    table.add_column("", style="dim", no_wrap=True)
    for name in shown:
        table.add_column(words.short(name).replace(" ", "\n"), justify="right", no_wrap=True)
    searched = next((trial.metrics for trial in summary.best if trial.number == looked.number), None)
    rows = {"searched": searched, "held out": looked.metrics}
    names = series_names([f"{one.symbol} {one.timeframe}" for one in summary.series])
    which = [""] if len(names) == 1 else [f" {name}" for name in names]
    holds = {f"hold{name}": held for name, held in zip(which, looked.buy_and_hold, strict=True)}
    for label, measured in {**rows, **holds}.items():
        if measured is not None:
            table.add_row(label, *(words.metric(name, measured[name]) for name in shown))
    return table


def opening_said(holdout: Holdout) -> str:
    """What an opening means: the first is a test, a later one is not."""
    *earlier, last = holdout.openings
    if not earlier:
        return (
            "Looked at for the first time. Whatever is changed now because of it has seen these bars too: "
            "another look will not be a test."
        )
    times = "once" if len(earlier) == 1 else f"{len(earlier)} times"
    same = {one.number for one in earlier} == {last.number}
    meaning = (
        "It is the same set as before, so this is no news."
        if same
        else "It is another set than before, chosen by someone who may have seen these bars: this is no test any more."
    )
    return f"Looked at before: {times}, first on {earlier[0].at}. {meaning}"
