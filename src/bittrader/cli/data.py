"""`bittrader data`: bring candles in, look at them, and make others of them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from bittrader.market import store
from bittrader.market.problems import Choices, example
from bittrader.market.table import moment, table_of, utc
from bittrader.market.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bittrader.market.candles import Candles
    from bittrader.market.download import Progress
    from bittrader.market.importers import Reading
    from bittrader.market.problems import Problem

app = typer.Typer(
    help="Import, check, resample, list and download candles.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_READ, _MEND = "Where the file leaves a doubt", "What to do about problems (each is refused unless you choose)"

Name = Annotated[
    str | None, typer.Option(help="Name to store under, as in btcusdt-1h.", show_default="from the symbol")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace stored candles of that name.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Symbol = Annotated[str | None, typer.Option(help="The market, as in BTC/USDT.", rich_help_panel=_READ)]
Frame = Annotated[str | None, typer.Option("--timeframe", help="Length of a bar, as in 1h.", rich_help_panel=_READ)]
Since = Annotated[str | None, typer.Option(help="Leave out what is before this UTC date.", rich_help_panel=_READ)]
Until = Annotated[str | None, typer.Option(help="Leave out this UTC date and what is after.", rich_help_panel=_READ)]
Columns = Annotated[
    str | None,
    typer.Option(help="Each column in order: time,open,high,low,close,volume; - skips.", rich_help_panel=_READ),
]
Unit = Annotated[
    str | None,
    typer.Option("--time-unit", metavar="s|ms|us|ns", help="Unit of times that are numbers.", rich_help_panel=_READ),
]
Dates = Annotated[
    str | None,
    typer.Option(
        "--dates", metavar="day-first|month-first", help="Order in dates like 3/4/2020.", rich_help_panel=_READ
    ),
]


def _choice(values: str, words: str) -> Any:
    return typer.Option(metavar=values, help=words, rich_help_panel=_MEND)


Gaps = Annotated[str, _choice("fill|keep|refuse", "Missing bars: fill with flat ones of volume 0, or leave out.")]
Duplicates = Annotated[
    str, _choice("drop|first|last|refuse", "Repeated bars: drop equal ones; first, last: also of differing ones.")
]
Unordered = Annotated[str, _choice("sort|refuse", "Rows out of order.")]
BadTicks = Annotated[str, _choice("drop|keep|refuse", "Bars with a price that nobody paid.")]
Invalid = Annotated[str, _choice("drop|refuse", "Rows with impossible prices or volumes.")]
OffGrid = Annotated[str, _choice("drop|refuse", "Rows between two bars.")]
Unfinished = Annotated[str, _choice("drop|refuse", "A last bar that had not ended.")]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of one series, or a folder of them.")],
    name: Name = None,
    overwrite: Overwrite = False,
    symbol: Symbol = None,
    timeframe: Frame = None,
    since: Since = None,
    until: Until = None,
    columns: Columns = None,
    time_unit: Unit = None,
    dates: Dates = None,
    gaps: Gaps = "refuse",
    duplicates: Duplicates = "refuse",
    unordered: Unordered = "refuse",
    bad_ticks: BadTicks = "refuse",
    invalid: Invalid = "refuse",
    off_grid: OffGrid = "refuse",
    unfinished: Unfinished = "refuse",
) -> None:
    """Read candles from files (Parquet, CSV, Feather, JSON), check them, and store them under a name."""
    from bittrader.market import importers, quality  # noqa: PLC0415 - takes pyarrow

    if name is not None:
        store.free(name, overwrite=overwrite)
    choices = _choices(gaps, duplicates, unordered, bad_ticks, invalid, off_grid, unfinished)
    reading = _reading(symbol, timeframe, columns, time_unit, dates, since, until)
    imported = importers.read(files, reading, choices, now=store.now())
    candles = imported.candles
    remarks = quality.remarks(table_of(candles), candles.timeframe)
    lines = [("read", note) for note in imported.notes] + [("mended", deed) for deed in imported.done]
    _save(candles, name, [*lines, *(("note", remark.sentence) for remark in remarks)], overwrite=overwrite)


@app.command()
def check(
    source: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file, a folder of files, or a stored name.")],
    as_json: Json = False,
    symbol: Symbol = None,
    timeframe: Frame = None,
    columns: Columns = None,
    time_unit: Unit = None,
    dates: Dates = None,
) -> None:
    """List every problem of candles, with its places and the choice that mends it.

    Exit code 0 when there is none, 1 when there are some, 2 when the candles cannot be read.
    """
    from bittrader.market import importers, quality  # noqa: PLC0415 - takes pyarrow

    if store.is_stored(source):
        candles = store.load_candles(source)
        scanned = importers.Scanned(table_of(candles), candles.symbol, candles.timeframe, ())
    else:
        store.is_there(source)
        scanned = importers.scan([Path(source)], _reading(symbol, timeframe, columns, time_unit, dates))
    found = quality.inspect(scanned.table, scanned.timeframe, now=store.now())
    errors = [problem for problem in found if not problem.note]
    time = scanned.table.time
    if as_json:
        _print_json(
            {
                "source": source,
                "symbol": scanned.symbol,
                "timeframe": str(scanned.timeframe),
                "rows": len(time),
                "first": utc(time.min()),
                "last": utc(time.max()),
                "read": list(scanned.notes),
                "clean": not errors,
                "problems": [problem.as_dict() for problem in found],
            }
        )
    else:
        span = f"{utc(time.min())} to {utc(time.max())} UTC"
        console = Console(highlight=False)
        console.print(f"[bold]{escape(scanned.symbol)} {scanned.timeframe}[/], {len(time):,} rows, {span}\n")
        console.print(_findings(scanned.notes, found))
        console.print(_verdict(_again(source), errors), soft_wrap=True)
    raise typer.Exit(1 if errors else 0)


@app.command()
def resample(
    source: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A stored name, or a file.")],
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="A multiple of the candles' own, as in 4h.")],
    name: Name = None,
    overwrite: Overwrite = False,
) -> None:
    """Make candles of a longer timeframe; incomplete bars at both ends are left out."""
    from bittrader.market.resample import resample as resampled  # noqa: PLC0415 - named as the command

    frame = Timeframe.parse(timeframe)
    _save(resampled(store.load_candles(source), frame), name, [], overwrite=overwrite)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the stored candles."""
    series = store.stored()
    if as_json:
        _print_json({"candles": [_facts(each) for each in series]})
        return
    if not series:
        _say("Nothing is stored yet. Bring some in: bittrader data import FILE, or bittrader data download.")
        return
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title, justify in (("name", "left"), ("symbol", "left"), ("bars", "right"), ("from", "left"), ("to", "left")):
        grid.add_column(title, justify=justify, no_wrap=title == "name")  # type: ignore[arg-type]
    for each in series:
        symbol = escape(f"{each.symbol} {each.timeframe}")
        grid.add_row(f"[cyan]{each.name}[/]", symbol, f"{each.bars:,}", utc(each.first)[:10], utc(each.last)[:10])
    Console(highlight=False).print(grid)


@app.command()
def sample(
    bars: Annotated[int, typer.Option(help="How many bars.")] = 297_000,
    seed: Annotated[int, typer.Option(help="Another seed, another market.")] = 1,
    timeframe: Annotated[str, typer.Option(help="Length of a bar.")] = "1h",
    name: Name = None,
    overwrite: Overwrite = False,
) -> None:
    """Make up a market that moves like Bitcoin's, for trying things out; it is labelled synthetic."""
    from bittrader.market.sample import SYMBOL, synthetic  # noqa: PLC0415 - for this command alone

    chosen = _chosen(name, SYMBOL, Timeframe.parse(timeframe))
    store.free(chosen, overwrite=overwrite)
    note = "the prices are made up: no strategy can be judged by them"
    _save(synthetic(bars, seed, timeframe), chosen, [("note", note)], overwrite=overwrite)


@app.command()
def download(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="The market, as in BTC/USDT.")],
    exchange: Annotated[str, typer.Option(help="The exchange, as ccxt calls it: binance, kraken, ….")],
    since: Annotated[str, typer.Option(help="First UTC date, as in 2020-01-01.")],
    until: Annotated[str | None, typer.Option(help="First UTC date not to fetch.", show_default="now")] = None,
    timeframe: Annotated[str, typer.Option(help="Length of a bar.")] = "1h",
    url: Annotated[str | None, typer.Option(help="Ask this address instead: a mirror, a proxy, a testnet.")] = None,
    name: Name = None,
    overwrite: Overwrite = False,
    gaps: Gaps = "keep",
    bad_ticks: BadTicks = "refuse",
    invalid: Invalid = "refuse",
    off_grid: OffGrid = "refuse",
) -> None:
    """Fetch candles from an exchange (by ccxt) and store them. Interrupted, the same command goes on where it was."""
    from bittrader.market import download as door  # noqa: PLC0415 - for this command alone
    from bittrader.market import quality  # noqa: PLC0415 - likewise

    query = door.Query(symbol, Timeframe.parse(timeframe), moment(since), None if until is None else moment(until))
    chosen = _chosen(name, symbol, query.timeframe)
    store.free(chosen, overwrite=overwrite)
    choices = Choices(gaps=gaps, bad_ticks=bad_ticks, invalid=invalid, off_grid=off_grid)  # type: ignore[arg-type]
    pages = door.pages_file(exchange, query, url)
    try:
        market = door.connect(exchange, url=url)
        _say(f"[dim]connecting to {escape(exchange)} …[/]")
        door.check(market, query, waits=lambda reason: _say(f"[yellow]{escape(reason)}[/]"))
        with _bar(f"{escape(symbol)} {query.timeframe}") as told:
            table = door.download(market, query, pages, told=told)
    except KeyboardInterrupt:
        _say("Stopped. What was fetched is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    mended = quality.mend(table, query.timeframe, choices, now=store.now())
    lines = [("mended", deed) for deed in mended.done]
    if table.time[0] - query.since >= query.timeframe.milliseconds:
        lines.insert(0, ("note", f"the exchange gave nothing from before {utc(table.time[0])}"))
    _save(mended.table.candles(symbol, query.timeframe), chosen, lines, overwrite=overwrite)
    pages.unlink(missing_ok=True)


def _choices(*words: str) -> Choices:
    names = ("gaps", "duplicates", "unordered", "bad_ticks", "invalid", "off_grid", "unfinished")
    return Choices(**dict(zip(names, words, strict=True)))  # type: ignore[arg-type]  # it looks at the values itself


def _reading(
    symbol: str | None,
    timeframe: str | None,
    columns: str | None,
    time_unit: str | None,
    dates: str | None,
    since: str | None = None,
    until: str | None = None,
) -> Reading:
    from bittrader.market.importers import Reading  # noqa: PLC0415 - takes pyarrow

    frame = None if timeframe is None else Timeframe.parse(timeframe)
    return Reading(symbol, frame, since, until, columns, time_unit, dates)


def _chosen(name: str | None, symbol: str, timeframe: Timeframe) -> str:
    return store.default_name(symbol, timeframe) if name is None else name


def _save(candles: Candles, name: str | None, lines: Iterable[tuple[str, str]], *, overwrite: bool) -> None:
    """Stores candles and says what was stored, what was done to them, and how to go on."""
    chosen = _chosen(name, candles.symbol, candles.timeframe)
    path = store.store(candles, chosen, overwrite=overwrite)
    grid = Grid.grid(padding=(0, 2))
    grid.add_row("  [dim]bars[/]", f"{len(candles):,}, {utc(candles.time[0])} to {utc(candles.time[-1])} UTC")
    for kind, words in lines:
        grid.add_row(f"  [dim]{kind}[/]", escape(words))
    grid.add_row("  [dim]file[/]", escape(str(path)))
    console = Console(stderr=True, highlight=False)
    console.print(f"Stored [bold]{escape(candles.symbol)} {candles.timeframe}[/] as [bold cyan]{chosen}[/]")
    console.print(grid)
    console.print(f"\nGo on with: bittrader backtest sma-cross {chosen}", soft_wrap=True)


def _findings(notes: Iterable[str], found: Iterable[Problem]) -> Grid:
    """What was found, one kind of problem after the other: errors in red, notes in grey."""
    grid = Grid.grid(padding=(0, 2))
    for problem in sorted(found, key=lambda each: each.note):
        style = "dim" if problem.note else "red"
        grid.add_row(f"  [{style}]{problem.kind}[/]", escape(problem.sentence))
        if not problem.note:
            more = ", …" if problem.count > len(problem.places) else ""
            if problem.places:
                grid.add_row("", f"[dim]at {', '.join(map(utc, problem.places))}{more}[/]")
            if problem.mend:
                grid.add_row("", f"[green]{problem.mend}[/]")
    for note in notes:
        grid.add_row("  [dim]read[/]", escape(note))
    return grid


def _again(source: str) -> str:
    """What `import` would be given to bring these candles in anew."""
    return f"{store.file_of(source)} --name {source} --overwrite" if store.is_stored(source) else source


def _verdict(source: str, errors: list[Problem]) -> str:
    if not errors:
        return "\n[green]Nothing is wrong with these candles.[/]"
    kinds = f"\n{len(errors)} kind{'' if len(errors) == 1 else 's'} of problem. "
    if not all(problem.mend for problem in errors):
        return kinds + "Not all can be mended by a choice."
    return kinds + f"To mend, for example: bittrader data import {escape(source)} {example(errors)}"


def _facts(each: store.Stored) -> dict[str, object]:
    return {
        "name": each.name,
        "symbol": each.symbol,
        "timeframe": str(each.timeframe),
        "bars": each.bars,
        "first": utc(each.first),
        "last": utc(each.last),
        "synthetic": each.synthetic,
        "bytes": each.bytes,
    }


def _print_json(facts: dict[str, object]) -> None:
    typer.echo(json.dumps(facts, ensure_ascii=False))


def _say(words: str) -> None:
    Console(stderr=True, highlight=False).print(words, soft_wrap=True)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on standard error, and what moves it."""
    from rich import progress as parts  # noqa: PLC0415 - for downloads alone

    shown = (
        parts.TextColumn("{task.description}"),
        parts.BarColumn(),
        parts.TaskProgressColumn(),
        parts.TextColumn("{task.fields[bars]:,} bars, to {task.fields[reached]}"),
        parts.TimeRemainingColumn(),
    )
    with parts.Progress(*shown, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None, bars=0, reached="")

        def told(now: Progress) -> None:
            if now.waiting:
                progress.console.print(f"[yellow]{escape(now.waiting)}[/]", highlight=False)
            progress.update(
                task,
                completed=now.reached - now.first,
                total=now.end - now.first,
                bars=now.bars,
                reached=utc(now.reached)[:10],
            )

        yield told
