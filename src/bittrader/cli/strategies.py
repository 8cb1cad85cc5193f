"""`bittrader strategies`: what there is, what is in it, a file to begin with, and whether one keeps the contract."""

from __future__ import annotations

import inspect
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from bittrader.cli.options import strategy_speaks
from bittrader.errors import InputError
from bittrader.strategies.parameters import Choice
from bittrader.strategies.registry import builtin_strategies, load_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.market.candles import Candles
    from bittrader.strategies.base import Strategy
    from bittrader.strategies.parameters import Parameter
    from bittrader.testing.strategies import Check, Finding

app = typer.Typer(
    help="List, show, write and check strategies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reference = Annotated[str, typer.Argument(metavar="STRATEGY", help="A built-in name, or file.py:Class.")]

_MADE_UP = 3_000

_TEMPLATE = '''"""{title}: say here what it believes about the market."""

from bittrader import Chart, Float, Int, Signals, Strategy, crossed_above, crossed_below


class {name}(Strategy):
    """Long while a fast average is above a slow one, with a stop below the entry."""

    fast = Int(5, 50, default=20)
    slow = Int(30, 200, default=80)
    stop_atr = Float(1, 8, default=3)
    constraints = (fast < slow,)

    def signals(self, chart: Chart) -> Signals:
        """What to do at each bar's close; it happens at the next bar's open."""
        fast, slow = chart.ema(self.fast), chart.ema(self.slow)
        return Signals(
            enter_long=crossed_above(fast, slow),
            exit_long=crossed_below(fast, slow),
            stop=self.stop_atr * chart.atr(14),
        )
'''


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the built-in strategies."""
    known = {name: load_strategy(name) for name in builtin_strategies()}
    if as_json:
        _print_json({"strategies": [_described(strategy) for strategy in known.values()]})
        return
    table = _table("strategy", "what it does")
    for name, strategy in known.items():
        table.add_row(name, escape(_headline(strategy)))
    out = Console(highlight=False)
    out.print(table)
    out.print("\n[dim]bittrader strategies show NAME tells more, new NAME begins one of your own.[/dim]")


@app.command()
def show(strategy: Reference, as_json: Json = False) -> None:
    """Show a strategy: what it does, its parameters, its source."""
    with strategy_speaks():
        shown = load_strategy(strategy)
    source = _source(shown)
    if as_json:
        _print_json({**_described(shown), "source": source})
        return
    out = Console(highlight=False)
    out.print(f"[bold]{escape(shown.name)}[/bold]\n{escape(_story(shown) or 'It has no docstring.')}\n")
    if shown.space.names:
        table = _table("parameter", "takes", "default")
        for parameter in shown.space.parameters:
            takes = f"{parameter.describe()}, {parameter.condition}".removesuffix(", ")
            table.add_row(parameter.name, escape(takes), escape(str(parameter.default)))
        out.print(table)
    if shown.constraints:
        out.print(f"\nalways with {escape(', '.join(map(str, shown.constraints)))}")
    out.print()
    out.print(Syntax(source, "python", background_color="default").highlight(source), soft_wrap=True)
    settings = "".join(f" --set {name}={value}" for name, value in shown.space.decode(shown.space.defaults).items())
    out.print(f"[dim]bittrader backtest {escape(strategy)} CANDLES{escape(settings)}[/dim]", soft_wrap=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, as in my-idea.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where to write the file.")] = Path(),
) -> None:
    """Write a strategy file that works, to begin with."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    if not words or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise InputError(f"{name!r} is no name for a strategy. Take letters, digits and dashes: my-idea.")
    if "-".join(words).lower() in builtin_strategies():
        raise InputError(f"{name} is a built-in strategy. Take another name.")
    title = "".join(word[0].upper() + word[1:] for word in words)
    path = folder / f"{'_'.join(words).lower()}.py"
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(name=title, title=title))
    except FileExistsError:
        raise InputError(f"{path} is there already, and stays as it is. Take another name or folder.") from None
    except OSError as error:
        with suppress(OSError):  # what failed first is what is told
            path.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Take another --dir.") from error
    out = Console(highlight=False)
    out.print(f"Wrote {escape(str(path))}.", soft_wrap=True)
    out.print(f"[dim]bittrader strategies check {escape(str(path))}[/dim]", soft_wrap=True)


@app.command()
def check(
    strategy: Reference,
    candles: Annotated[str | None, typer.Option(help="Stored name or file.", show_default="made-up ones")] = None,
    as_json: Json = False,
) -> None:
    """Check that a strategy keeps its contract: above all that it does not look ahead."""
    from bittrader.testing.strategies import CHECKS, check_strategy  # noqa: PLC0415 - only this command needs them

    series = _candles(candles)
    with strategy_speaks():
        checked = load_strategy(strategy)
        findings = check_strategy(checked, series)
    broken = [finding for finding in findings if finding.breaks]
    if as_json:
        told = [{"check": one.check, "breaks_contract": one.breaks, "message": one.words} for one in findings]
        names = [one.name for one in CHECKS]
        _print_json({"strategy": checked.name, "keeps_contract": not broken, "checks": names, "findings": told})
    else:
        _tell(checked, series, CHECKS, findings)
    raise typer.Exit(1 if broken else 0)


def _tell(strategy: type[Strategy], candles: Candles, checks: Sequence[Check], findings: list[Finding]) -> None:
    from bittrader.market.table import utc  # noqa: PLC0415 - only this command needs them
    from bittrader.testing.strategies import MOST_BARS  # noqa: PLC0415 - likewise

    out = Console(highlight=False)
    used = min(len(candles), MOST_BARS)
    part = f"the last {used:,} of " if used < len(candles) else ""
    kind = f"{len(candles):,} {'made-up ' if candles.synthetic else ''}{candles.timeframe} candles of {candles.symbol}"
    out.print(f"[bold]{escape(strategy.name)}[/bold] on {part}{escape(kind)}", soft_wrap=True)
    out.print(f"[dim]Bar 0 begins {utc(candles.time[-used])} UTC.[/dim]\n")
    by_check = {check.name: [finding for finding in findings if finding.check == check.name] for check in checks}
    started = not any(finding.check == checks[0].name for finding in findings)
    for check in checks:
        found = by_check[check.name]
        if not (started or found):
            continue
        word = "[green]pass[/green]" if not found else "[red]FAIL[/red]" if found[0].breaks else "[yellow]note[/yellow]"
        out.print(f"  {word}  {check.promise if not found or found[0].breaks else 'worth knowing'}")
        for finding in found:
            out.print(f"        {escape(finding.words)}", soft_wrap=True)
    broken = sum(finding.breaks for finding in findings)
    if not started:
        out.print("\nThe other checks need signals first.")
    out.print(f"\n{f'[red]It breaks its contract in {broken} of {len(checks)} checks.[/red]' if broken else _KEPT}")


_KEPT = "[green]It keeps its contract[/green], as far as these candles show."


def _candles(ref: str | None) -> Candles:
    if ref is None:
        from bittrader.market.sample import synthetic  # noqa: PLC0415 - only one command needs it

        return synthetic(_MADE_UP)
    from bittrader.market.store import load_candles  # noqa: PLC0415 - only one command needs it

    series: Candles = load_candles(ref)
    return series


def _described(strategy: type[Strategy]) -> dict[str, Any]:
    return {
        "name": strategy.name,
        "description": inspect.getdoc(strategy),
        "parameters": [_parameter(parameter) for parameter in strategy.space.parameters],
        "constraints": [str(constraint) for constraint in strategy.constraints],
    }


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    facts = {"name": parameter.name, "type": type(parameter).__name__.lower(), "default": parameter.default}
    if parameter.needs:
        facts["when"] = {need.switch.name: list(need.values) for need in parameter.needs}
    if isinstance(parameter, Choice):
        return {**facts, "values": list(parameter.values)}
    return {**facts, **{key: getattr(parameter, key) for key in ("low", "high", "step", "log")}}


def _headline(strategy: type[Strategy]) -> str:
    """The first line of its module's words, which is the shortest that says what it is."""
    return (inspect.getdoc(inspect.getmodule(strategy)) or _story(strategy)).split("\n")[0]


def _story(strategy: type[Strategy]) -> str:
    """Its docstring, a line a paragraph."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(strategy) or "")


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="bold")


def _source(strategy: type[Strategy]) -> str:
    file = inspect.getsourcefile(inspect.unwrap(strategy.signals))
    return Path(file).read_text(encoding="utf-8") if file else ""


def _print_json(found: dict[str, Any]) -> None:
    typer.echo(json.dumps(found))
