"""`bittrader optimize`: the best parameters of a strategy, searched and kept."""

from typing import Annotated, Literal

import typer

from bittrader.backtest.costs import Costs, Sizing
from bittrader.cli.options import (
    EmbargoOption,
    FeeOption,
    FoldsOption,
    FractionOption,
    FundingHoursOption,
    FundingRateOption,
    GapsOption,
    HoldoutOption,
    JsonOption,
    LeverageOption,
    MarginOption,
    NoVerdictOption,
    PurgeOption,
    RiskOption,
    SlippageOption,
    StrategyRef,
    TestBlocksOption,
    ValidateOption,
    costs_and_sizing,
    parse_settings,
    reading_of,
    strategy_speaks,
    validation_of,
)
from bittrader.cli.placing import DetachOption, NotifyOption, OnOption, leave_it, place, require_cluster, words_of
from bittrader.errors import InputError

app = typer.Typer(add_completion=False)

_COSTS, _SIZING = Costs(), Sizing()
_SPACE = "Parameters"


@app.command()
def optimize(
    strategy: StrategyRef,
    candles: Annotated[
        list[str] | None, typer.Argument(metavar="CANDLES...", help="Stored names or files, one or several.")
    ] = None,
    trials: Annotated[int, typer.Option(help="Parameter sets to try.")] = 80,
    objective: Annotated[
        list[str] | None, typer.Option(help="The metric to search for, sharpe if none; repeat it for several.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="What a set must keep, as in 'trades >= 100'; repeat it for more."),
    ] = None,
    aggregate: Annotated[
        Literal["mean", "median", "worst"], typer.Option(help="How metrics on several series become one.")
    ] = "mean",
    sampler: Annotated[
        str, typer.Option(help="auto, tpe, gp, de, cma-es, nsga2, sobol, latin-hypercube, grid or random.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed gives the same search.", min=0)] = 1,
    study: Annotated[str | None, typer.Option(help="The study's name; else one is made.")] = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Search a function, file.py:function, over this TOML file.", rich_help_panel=_SPACE
        ),
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="NAME=LOW:HIGH", help="Search less of a parameter.", rich_help_panel=_SPACE),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Do not search a parameter.", rich_help_panel=_SPACE),
    ] = None,
    fee: FeeOption = _COSTS.fee,
    slippage_bps: SlippageOption = _COSTS.slippage_bps,
    funding_rate: FundingRateOption = _COSTS.funding_rate,
    funding_hours: FundingHoursOption = _COSTS.funding_hours,
    fraction: FractionOption = _SIZING.fraction,
    risk_per_trade: RiskOption = _SIZING.risk_per_trade,
    leverage: LeverageOption = _SIZING.leverage,
    maintenance_margin: MarginOption = _SIZING.maintenance_margin,
    validate: ValidateOption = None,
    folds: FoldsOption = None,
    test_blocks: TestBlocksOption = None,
    purge: PurgeOption = None,
    embargo: EmbargoOption = None,
    holdout: HoldoutOption = None,
    gaps: GapsOption = None,
    threads: Annotated[int | None, typer.Option(help="Cores to use; else all.")] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds that one evaluation may take; slower ones are ended and fail.")
    ] = None,
    memory_limit: Annotated[
        float | None, typer.Option(help="Megabytes that one evaluation may take; larger ones are ended and fail.")
    ] = None,
    on: OnOption = "local",
    detach: DetachOption = False,
    notify: NotifyOption = False,
    no_verdict: NoVerdictOption = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Search for the best parameters of a strategy, and keep every evaluation as a study."""
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
    held, fixed = parse_ranges(ranges or ()), parse_settings(settings or ())
    validation = validation_of(validate, folds, test_blocks, purge, embargo)
    # The engine takes a second to import, which --help need not wait for.
    from bittrader.cli.searching import bar, conclude  # noqa: PLC0415 - see above
    from bittrader.optimize.search import optimize as search  # noqa: PLC0415 - see above

    if detach:
        require_cluster(on)  # better told before a study is made
    first = objective[0] if objective else "sharpe"
    with bar(first.partition(":")[0]) as progress, place("local" if detach else on) as opened, strategy_speaks():
        result = search(
            strategy,
            candles,
            space=space,
            trials=trials,
            objective=objective,
            where=where or (),
            aggregate=aggregate,
            sampler=sampler,
            seed=seed,
            study=study,
            costs=costs,
            sizing=sizing,
            ranges=held,
            fixed=fixed,
            threads=threads,
            on=opened,
            time_limit=time_limit,
            memory_limit=memory_limit,
            validate=validation,
            holdout=holdout or 0.0,
            reading=reading_of(gaps, candles or ()),
            verdict=not no_verdict,
            run=not detach,
            progress=progress,
        )
    if detach:
        asked = words_of(threads, no_verdict=no_verdict, no_report=no_report)
        leave_it(result.summary.name, on, tell=notify, words=asked, json_wanted=as_json)
        return
    raise typer.Exit(conclude(result, on, json_wanted=as_json, report_wanted=not no_report, tell=notify))


def parse_ranges(options: list[str] | tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The ranges that `--range name=low:high` options spell; InputError for one that does not read so."""
    found: dict[str, tuple[str, str]] = {}
    for option in options:
        name, equals, ends = (part.strip() for part in option.partition("="))
        low, colon, high = (part.strip() for part in ends.partition(":"))
        if not (name and equals and low and colon and high):
            raise InputError(f"--range {option} is not a range. Write --range name=low:high, as in --range fast=5:50.")
        if name in found:
            raise InputError(f"--range gives {name} twice. Keep one.")
        found[name] = (low, high)
    return found
