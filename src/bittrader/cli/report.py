"""`bittrader report`: a study's report, one HTML file."""

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bittrader.cli.options import JsonOption, strategy_speaks
from bittrader.paths import reports_dir
from bittrader.report import write_report

app = typer.Typer(add_completion=False)


@app.command()
def report(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file, not to the folder of reports.")
    ] = None,
    trial: Annotated[int | None, typer.Option("--trial", help="The evaluation to show; by default the best.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a study's best parameters again and write what they did, and how they were found, as one HTML file."""
    from bittrader.optimize.rerun import rerun  # noqa: PLC0415 - the engine is loaded only when it runs

    with strategy_speaks():
        results, summary = rerun(study, trial)
    name = summary.name if trial is None else f"{summary.name}-trial-{trial}"  # that of the best stays as it is
    path = write_report(output or reports_dir() / f"{name}.html", results, summary)
    if as_json:
        params = results[0].params if results else summary.best[0].params
        typer.echo(json.dumps({"study": summary.name, "params": dict(params), "report": str(path)}))
    else:
        typer.echo(str(path))
    if open_it and not webbrowser.open(path.as_uri()):
        Console(stderr=True).print("No browser answered: open the file yourself.")
