"""`bittrader studies`: what was searched, and how to go on with it."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from bittrader.cli.options import JsonOption, NoVerdictOption, strategy_speaks
from bittrader.cli.placing import (
    DetachOption,
    NotifyOption,
    OnOption,
    leave_it,
    place,
    require_cluster,
    watch,
    withdraw,
    words_of,
)
from bittrader.errors import InputError, StudyError
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.database import StudyRunningError, WriterLock
from bittrader.optimize.studies.study import Study, require
from bittrader.report import words

app = typer.Typer(no_args_is_help=True, add_completion=False)

_WHOLE_NAME = 32
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 20.0  # a node waits ten for a study to write down what it has

Name = Annotated[str, typer.Argument(metavar="STUDY", help="Its name, as `studies list` shows it.")]


@app.command("list")
def list_studies(as_json: JsonOption = False) -> None:
    """List the studies there are."""
    facts = [_facts(name) for name in shelf.names()]
    if as_json:
        typer.echo(json.dumps({"studies": facts}))
    elif not facts:
        Console(stderr=True).print("There are no studies yet. `bittrader optimize STRATEGY CANDLES` makes one.")
    else:
        Console().print(_table(facts))
        for cause in (one["cause"] for one in facts if "cause" in one):
            Console(stderr=True).print(cause, soft_wrap=True, highlight=False, markup=False)


def _facts(name: str) -> dict[str, Any]:
    """A study in short; one that cannot be read says why."""
    try:
        with Study.read(shelf.path_of(name)) as study:
            counts, best, experiment = study.counts(), found.best(study, 1), study.experiment
            objective = experiment.objectives[0].metric
            kept = bool(best) and best[0].feasible
            return {
                "study": name,
                "strategy": experiment.name,
                "candles": ", ".join(f"{one.symbol} {one.timeframe}" for one in experiment.series),
                "trials": found.trials_in_all(study),
                "finished": counts.finished,
                "failed": counts.failed,
                "objective": objective,
                "best": best[0].metrics[objective] if kept else None,
                "state": _state(study),
            }
    except StudyError as error:
        return {"study": name, "state": "unreadable", "cause": str(error)}


def _state(study: Study) -> str:
    try:
        WriterLock(study.path).release()
    except StudyRunningError:
        return "running"
    except sqlite3.OperationalError:
        pass  # where nobody may write, nobody does
    return "complete" if found.is_complete(study) else "stopped"


def _table(facts: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    # A name is of use only when whole: the rest gives way on a narrow terminal.
    longest = max(len(one["study"]) for one in facts)
    table.add_column("Study", overflow="fold", no_wrap=longest <= _WHOLE_NAME, style="cyan")
    table.add_column("Candles", overflow="fold")
    for name in ("Finished", "Failed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Best", justify="right", overflow="fold")
    table.add_column("State", no_wrap=True)
    for one in facts:
        if "cause" in one:
            table.add_row(one["study"], *[""] * 4, one["state"])
            continue
        done = f"{one['finished']:,} of {one['trials']:,}"
        best = f"{words.short(one['objective'])} {words.metric(one['objective'], one['best'])}"
        table.add_row(one["study"], one["candles"], done, f"{one['failed']:,}", best, one["state"])
    return table


@app.command()
def show(name: Name, as_json: JsonOption = False) -> None:
    """Show what a study found."""
    from bittrader.cli.searching import as_json as facts_of  # noqa: PLC0415 - `list` does without
    from bittrader.cli.searching import show as print_study  # noqa: PLC0415 - likewise

    with Study.read(shelf.path_of(name)) as study:
        summary = found.summary(study)
        if as_json:
            where = {"path": str(study.path), "state": _state(study), "experiment": study.experiment.to_json()}
            typer.echo(json.dumps({**facts_of(summary), **where}))
        else:
            print_study(study, summary, running=_state(study) == "running")


@app.command()
def resume(
    name: Name,
    trials: Annotated[int | None, typer.Option(help="Parameter sets to try in all; else as many as before.")] = None,
    candles: Annotated[
        list[str] | None, typer.Option(help="Where the candles are, if they have moved; repeat it for several series.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Where the strategy is, if it has moved.")] = None,
    threads: Annotated[int | None, typer.Option(help="Cores to use; else all.")] = None,
    on: OnOption = "local",
    detach: DetachOption = False,
    notify: NotifyOption = False,
    no_verdict: NoVerdictOption = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a study that was stopped, or give it more trials."""
    from bittrader.cli.searching import bar, conclude  # noqa: PLC0415 - the engine takes a second to import
    from bittrader.optimize.search import resume as search  # noqa: PLC0415 - likewise

    with Study.read(shelf.path_of(name)) as study:
        objective = study.experiment.objectives[0].metric
        if trials is None and found.is_complete(study):
            say = Console(stderr=True).print
            say(f"{name} is complete: {_what_is_left(study)}", soft_wrap=True, highlight=False)
            if detach:
                return
    if detach:
        require_cluster(on)
    with bar(objective) as progress, place("local" if detach else on) as opened, strategy_speaks():
        result = search(
            name,
            strategy=strategy,
            candles=candles,
            trials=trials,
            threads=threads,
            on=opened,
            verdict=not no_verdict,
            run=not detach,
            progress=progress,
        )
    if detach:
        asked = words_of(threads, no_verdict=no_verdict, no_report=no_report)
        leave_it(name, on, tell=notify, words=asked, json_wanted=as_json)
        return
    raise typer.Exit(conclude(result, on, json_wanted=as_json, report_wanted=not no_report, tell=notify))


def _what_is_left(study: Study) -> str:
    """Whether a complete study can be given more trials, and how."""
    if not study.counts().finished:
        return f"no evaluation finished. Why: bittrader studies show {study.name}"
    if found.is_exhausted(study):
        return "every parameter set there is was tried."
    there = " --on cluster" if found.was_elsewhere(study) else ""
    more = f"bittrader studies resume {study.name} --trials {2 * study.budget}{there}"
    return f"there is nothing left to do. More: {more}"


@app.command()
def attach(name: Name, as_json: JsonOption = False) -> None:
    """Watch a study that was left to this computer's node, until it is complete; Ctrl-C leaves it alone again."""
    from bittrader.cli.searching import bar  # noqa: PLC0415 - `list` does without

    try:
        with Study.read(shelf.path_of(name)) as study, bar(study.experiment.objectives[0].metric) as progress:
            code, why = watch(study, progress)
    except KeyboardInterrupt:
        say = Console(stderr=True).print
        say(f"{name} goes on. Stop it: bittrader studies stop {name}", soft_wrap=True, highlight=False)
        raise
    show(name, as_json)
    if why:
        say = Console(stderr=True).print
        say(f"The node of this computer has given up {name}: {why}", soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(code)


@app.command()
def stop(name: Name) -> None:
    """Stop a study that was left to this computer's node; what it has is kept."""
    with Study.read(shelf.path_of(name)) as study:
        withdraw(name)
        until = time.monotonic() + _STOP_SECONDS
        while (running := _state(study) == "running") and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        finished = study.counts().finished
    if running:
        raise StudyError(f"{name} has not ended yet: see `bittrader studies list`")
    on = f"Go on: bittrader studies resume {name} --on cluster"
    say = Console(stderr=True).print
    say(f"{name} has stopped, with {finished:,} finished evaluations. {on}", soft_wrap=True, highlight=False)


@app.command()
def judge(
    name: Name,
    permutations: Annotated[int, typer.Option(help="Shuffled markets to try the best on.")] = 39,
    candles: Annotated[
        list[str] | None, typer.Option(help="Where the candles are, if they have moved; repeat it for several series.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Where the strategy is, if it has moved.")] = None,
    threads: Annotated[int | None, typer.Option(help="Cores to use; else all.", min=1)] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge again how much of a study's best set is luck."""
    from bittrader.optimize.search import cores  # noqa: PLC0415 - likewise
    from bittrader.optimize.verdict.judge import judge_again  # noqa: PLC0415 - the engine takes a second to import

    with strategy_speaks():
        judge_again(name, strategy=strategy, candles=candles, threads=threads or cores(), permutations=permutations)
    show(name, as_json)


@app.command()
def holdout(
    name: Name,
    candles: Annotated[
        list[str] | None, typer.Option(help="Where the candles are, if they have moved; repeat it for several series.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Where the strategy is, if it has moved.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Try the best on the bars that the search held out, which is a test only the first time."""
    from bittrader.cli.searching import verdict_lines  # noqa: PLC0415 - only this needs it
    from bittrader.cli.validating import holdout_table, opening_said  # noqa: PLC0415 - only this needs it
    from bittrader.optimize.verdict.holdout import open_holdout  # noqa: PLC0415 - the engine takes a second to import

    with strategy_speaks():
        opened = open_holdout(name, strategy=strategy, candles=candles)
    if as_json:
        typer.echo(json.dumps({"study": name, **opened.to_json()}))
        return
    with Study.read(shelf.path_of(name)) as study:
        summary = found.summary(study)
    console = Console()
    console.print(holdout_table(opened, summary))
    console.print(opening_said(opened), soft_wrap=True, highlight=False)
    for table in verdict_lines(summary):
        console.print("", table)


@app.command()
def export(
    name: Name,
    form: Annotated[Literal["csv", "parquet", "optuna"], typer.Option("--format", help="What to write.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file; else the study's name, here.")] = None,
) -> None:
    """Write a study as CSV, as Parquet, or as an Optuna storage for optuna-dashboard."""
    from bittrader.optimize.studies.export import SUFFIXES  # noqa: PLC0415 - only this needs it
    from bittrader.optimize.studies.export import export as write  # noqa: PLC0415 - likewise

    target = (output or Path(f"{name}{SUFFIXES[form]}")).resolve()
    with Study.read(shelf.path_of(name)) as study:
        write(study, form, target)
        trials, in_folds = study.counts().asked, found.in_folds(study)
    console = Console(stderr=True)
    more = f", and {in_folds:,} of the folds," if in_folds else ""
    console.print(f"{trials:,} trials{more} are in {target}", soft_wrap=True, highlight=False, markup=False)
    if form == "optuna":
        console.print(f"Look at them: optuna-dashboard sqlite:///{target}", soft_wrap=True, highlight=False)


@app.command()
def write(
    name: Name,
    number: Annotated[int | None, typer.Option(help="Which evaluation; else the best.")] = None,
    output: Annotated[Path | None, typer.Option(help="The file; else the study's name, here.")] = None,
) -> None:
    """Write the rules that `bittrader mine` found as a strategy file."""
    from bittrader.cli.mine import target_of, write_rules  # noqa: PLC0415 - the engine takes a second to import

    write_rules(name, number, target_of(name, output))


def _content(name: str) -> str:
    """What would be lost with a study, also with one that can no longer be read."""
    path = shelf.path_of(name)
    require(path)
    try:
        with Study.read(path) as study:
            return f"its {study.counts().finished:,} finished evaluations"
    except StudyError:
        return "all that it holds"


@app.command()
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a study, for good."""
    if not yes and not typer.confirm(f"Delete {name} with {_content(name)}?", err=True):
        raise InputError(f"{name} is kept.")
    shelf.delete(name)
    Console(stderr=True).print(f"{name} is deleted.", highlight=False)
