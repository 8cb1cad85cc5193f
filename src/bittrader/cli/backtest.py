"""`bittrader backtest`: one strategy with one parameter set over one series."""

import json
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.result import Result
from bittrader.cli.options import (
    CandlesRef,
    FeeOption,
    FractionOption,
    FundingHoursOption,
    FundingRateOption,
    Gaps,
    GapsOption,
    JsonOption,
    LeverageOption,
    MarginOption,
    RiskOption,
    SlippageOption,
    StrategyRef,
    costs_and_sizing,
    parse_settings,
    reading_of,
    strategy_speaks,
)
from bittrader.errors import BittraderError, StrategyError, cause_of
from bittrader.market.table import utc
from bittrader.report import words
from bittrader.strategies.base import Strategy

app = typer.Typer(add_completion=False)

_COSTS, _SIZING = Costs(), Sizing()


@app.command()
def backtest(
    strategy: StrategyRef,
    candles: CandlesRef,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; the rest keep their default.")
    ] = None,
    fee: FeeOption = _COSTS.fee,
    slippage_bps: SlippageOption = _COSTS.slippage_bps,
    funding_rate: FundingRateOption = _COSTS.funding_rate,
    funding_hours: FundingHoursOption = _COSTS.funding_hours,
    fraction: FractionOption = _SIZING.fraction,
    risk_per_trade: RiskOption = _SIZING.risk_per_trade,
    leverage: LeverageOption = _SIZING.leverage,
    maintenance_margin: MarginOption = _SIZING.maintenance_margin,
    gaps: GapsOption = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write an HTML report to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one strategy with one parameter set, and hold the market beside it."""
    costs, sizing = costs_and_sizing(
        fee=fee,
        slippage_bps=slippage_bps,
        funding_rate=funding_rate,
        funding_hours=funding_hours,
        fraction=fraction,
        risk_per_trade=risk_per_trade,
        leverage=leverage,
        maintenance_margin=maintenance_margin,
    )
    with strategy_speaks():
        result = _run(strategy, candles, parse_settings(settings or ()), costs, sizing, gaps)
    written = _write(report, result) if report else None
    if as_json:
        typer.echo(json.dumps(facts(result), allow_nan=False))
    else:
        Console().print(shown(result))
    if written:
        Console(stderr=True).print(f"Report: {written}", soft_wrap=True, highlight=False, markup=False)


def _run(
    strategy: str, candles: str, params: dict[str, str], costs: Costs, sizing: Sizing, gaps: Gaps | None
) -> Result:
    # The engine and Parquet are loaded only when a backtest runs, so that --help stays quick.
    from bittrader.backtest.run import backtest as run  # noqa: PLC0415 - see above
    from bittrader.market.store import load_candles, read_candles  # noqa: PLC0415 - see above
    from bittrader.strategies.registry import load_strategy  # noqa: PLC0415 - see above

    loaded = load_strategy(strategy)
    loaded(**params)  # a mistyped parameter is said before the candles are read
    reading = reading_of(gaps, [candles])
    series = read_candles(candles, **reading) if reading else load_candles(candles)
    try:
        return run(loaded, series, params, costs, sizing)
    except Exception as error:
        if isinstance(error, BittraderError) or not (line := _line_of(error, loaded)):
            raise
        raise StrategyError(f"{loaded.name} raised {cause_of(error)} ({line}).") from error


def _line_of(error: Exception, strategy: type[Strategy]) -> str:
    """Where in the file of a strategy that is not built in an error arose; empty when it did not."""
    file = getattr(sys.modules.get(strategy.__module__), "__file__", None)
    if strategy.__module__.startswith("bittrader."):
        return ""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}, line {places[-1].lineno}" if places else ""


def _write(path: Path, result: Result) -> Path:
    from bittrader.report import write_report  # noqa: PLC0415 - a run without a report does without its page

    return write_report(path, result)


def facts(result: Result) -> dict[str, Any]:
    """A result as one JSON object."""
    candles, position = result.candles, result.open_position
    return {
        "strategy": result.strategy,
        "params": dict(result.params),
        "candles": {
            "symbol": candles.symbol,
            "timeframe": str(candles.timeframe),
            "bars": len(candles),
            "first": words.iso(int(candles.time[0])),
            "last": words.iso(int(candles.time[-1])),
            "fingerprint": candles.fingerprint,
            "synthetic": candles.synthetic,
        },
        "costs": vars(result.costs),
        "sizing": vars(result.sizing),
        "metrics": result.metrics.as_dict(),
        "buy_and_hold": result.buy_and_hold.as_dict(),
        "trades": len(result.trades),
        "open_position": position
        and {
            "entry": words.iso(int(candles.time[position.entry_bar])),
            "side": "long" if position.side > 0 else "short",
            "entry_price": position.entry_price,
            "size": position.size,
        },
    }


def shown(result: Result) -> Group:
    """What was run, and its metrics in words and units, buy and hold beside them."""
    candles = result.candles
    params = ", ".join(f"{name}={words.parameter(value)}" for name, value in result.params.items())
    first, last = (utc(candles.time[bar]) for bar in (0, -1))
    return Group(
        Text(f"{result.strategy} {params}".strip(), style="bold"),
        Text(
            f"{candles.symbol} {candles.timeframe}{' SYNTHETIC' if candles.synthetic else ''}, {len(candles):,} bars, "
            f"{first} to {last} UTC"
        ),
        _table(result),
    )


def _table(result: Result) -> Table:
    grid = Table(box=box.SIMPLE_HEAD)
    grid.add_column("")
    grid.add_column("Strategy", justify="right")
    grid.add_column("Buy and hold", justify="right")
    held = result.buy_and_hold.as_dict()
    for name, value in result.metrics.as_dict().items():
        grid.add_row(words.label(name), words.metric(name, value), words.metric(name, held[name]))
    if result.open_position:
        grid.add_row("Open at the end", "long" if result.open_position.side > 0 else "short", "long")
    return grid
