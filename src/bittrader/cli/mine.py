"""`bittrader mine`: the best combination of rules, searched like parameters, and written out as a strategy file."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from bittrader.cli.optimize import optimize
from bittrader.errors import InputError
from bittrader.strategies.registry import MINED

if TYPE_CHECKING:
    from bittrader.optimize.studies.summary import StudySummary, Trial

app = typer.Typer(add_completion=False)

_TRIALS = 20_000
_OF_OPTIMIZE_ALONE = ("strategy", "space")
_CHANGED = "bittrader has changed since this was found, so the file may give other numbers. Run it: bittrader backtest"
_TOLD = ("sharpe", "total_return", "max_drawdown", "trades")

Side = Annotated[
    Literal["long", "short", "both"] | None, typer.Option(help="Trade only this; else the search decides that too.")
]
File = Annotated[Path | None, typer.Option(metavar="FILE", help="The strategy file to write; else the study's name.")]


def _with_the_options_of_optimize(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer sees it: the candles, all that `optimize` offers for a strategy, then what is its own."""
    given = inspect.signature(optimize).parameters
    own = [one for one in inspect.signature(command).parameters.values() if one.kind is not one.VAR_KEYWORD]
    defaults = {"candles": inspect.Parameter.empty, "trials": _TRIALS}
    shared = [one.replace(default=defaults.get(one.name, one.default)) for one in given.values()]
    parameters = [*(one for one in shared if one.name not in _OF_OPTIMIZE_ALONE), *own]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _quoted(file: Path) -> str:
    """A file's path as the shells of all systems take it."""
    return f'"{file}"' if re.search(r"\s", str(file)) else str(file)


@app.command()
@_with_the_options_of_optimize
def mine(side: Side = None, write: File = None, **options: Any) -> None:
    """Search over combinations of rules, and write the best ones as a strategy file."""
    from bittrader.optimize.studies import shelf  # noqa: PLC0415 - `--help` does without

    first, *others = options["candles"]
    words = (MINED, Path(first).stem, *([f"and-{len(others)}-more"] if others else []))
    study = options["study"] or shelf.free_name(*words)
    target = target_of(study, write)  # a file that is in the way is better told before the search than after
    settings = [*(options["settings"] or ()), *([f"side={side}"] if side else [])]
    code = _exit_code(lambda: optimize(MINED, **{**options, "study": study, "settings": settings}))
    if code == 0 and options["detach"]:
        later = f"bittrader studies write {study}" + (f" --output {_quoted(write)}" if write else "")
        say = Console(stderr=True).print
        say(f"When it is complete, have its rules written: {escape(later)}", soft_wrap=True, highlight=False)
    elif code == 0:
        write_rules(study, None, target)
    raise typer.Exit(code)


def _exit_code(command: Callable[[], None]) -> int:
    try:
        command()
    except typer.Exit as end:
        return end.exit_code
    return 0


def target_of(study: str, wanted: Path | None) -> Path:
    """The file to write a study's rules to; InputError when it is there already."""
    target = wanted or Path(f"{re.sub(r'[^0-9a-z]+', '_', study.lower()).strip('_')}.py")
    if target.suffix != ".py":
        raise InputError(f"{target} is no name for a strategy file. Let it end in .py.")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}.")
    if target.exists():
        raise _in_the_way(target)
    return target


def write_rules(name: str, number: int | None, target: Path) -> None:
    """Writes what an evaluation of a study over rules does, the best or that with a number, as a strategy file."""
    from bittrader.market.timeframe import Timeframe  # noqa: PLC0415 - `--help` does without
    from bittrader.mining.writing import class_name, strategy_file  # noqa: PLC0415 - it needs the engine
    from bittrader.optimize.evaluators import engine_digest  # noqa: PLC0415 - likewise
    from bittrader.optimize.studies import found, shelf  # noqa: PLC0415 - likewise
    from bittrader.optimize.studies.study import Study  # noqa: PLC0415 - likewise

    with Study.read(shelf.path_of(name)) as study:
        if not found.is_mined(study):
            raise InputError(f"{name} searched the parameters of {study.experiment.name}, which has its file already.")
        summary = found.summary(study, rows=1)
        if number is None and not summary.best:
            raise InputError(f"no evaluation of {name} finished, so there are no rules to write.")
        trial = summary.best[0] if number is None else found.numbered(study, number)
        changed = study.experiment.engine != engine_digest()
    timeframe = Timeframe.parse(summary.series[0].timeframe)
    text = strategy_file(trial.params, class_name(target.stem), _origin(summary, trial), timeframe)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _in_the_way(target) from None
    say = Console(stderr=True).print
    say(f"[bold]{'Strategy':12}[/bold]{escape(str(target))}", soft_wrap=True, highlight=False)
    if changed:
        say(f"[bold]{'Beware':12}[/bold]{_CHANGED}", soft_wrap=True, highlight=False)


def _in_the_way(target: Path) -> InputError:
    return InputError(f"{target} is there already, and stays as it is. Take another name.")


def _origin(summary: "StudySummary", trial: "Trial") -> str:
    """Where rules came from, and what they gave there."""
    from bittrader.report import words  # noqa: PLC0415 - `--help` does without

    figures = ", ".join(f"{words.short(name)} {words.metric(name, trial.metrics[name])}" for name in _TOLD)
    verdict = f" Verdict: {summary.belief.verdict.call}." if summary.belief else ""
    return (
        f"Evaluation {trial.number:,} of {summary.asked:,} in the study {summary.name}, on "
        f"{' and '.join(map(str, summary.series))}. There, in sample: {figures}.{verdict}"
    )
