"""Options that several commands share: one spelling, one meaning, one way from words to types."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer

from bittrader.backtest.costs import Costs, Sizing
from bittrader.errors import InputError
from bittrader.optimize.folds import Mode, Validation

_COSTS = "Costs"
_SIZING = "Sizing"
_BELIEF = "Validation"

Gaps = Literal["fill", "keep", "refuse"]

StrategyRef = Annotated[str, typer.Argument(metavar="STRATEGY", help="A built-in name, or file.py:Class.")]
CandlesRef = Annotated[str, typer.Argument(metavar="CANDLES", help="A stored name, or a file.")]
FeeOption = Annotated[float, typer.Option("--fee", help="Per side, as a fraction of notional.", rich_help_panel=_COSTS)]
SlippageOption = Annotated[
    float,
    typer.Option("--slippage-bps", help="Basis points by which every fill is worse.", rich_help_panel=_COSTS),
]
FundingRateOption = Annotated[
    float,
    typer.Option("--funding-rate", help="Fraction of notional that longs pay shorts.", rich_help_panel=_COSTS),
]
FundingHoursOption = Annotated[
    float, typer.Option("--funding-hours", help="Hours from one funding to the next.", rich_help_panel=_COSTS)
]
FractionOption = Annotated[
    float, typer.Option("--fraction", help="Fraction of equity in each position.", rich_help_panel=_SIZING)
]
RiskOption = Annotated[
    float | None,
    typer.Option(
        "--risk-per-trade", help="Instead: fraction of equity lost when the stop is hit.", rich_help_panel=_SIZING
    ),
]
LeverageOption = Annotated[
    float, typer.Option("--leverage", help="Notional for each unit of equity.", rich_help_panel=_SIZING)
]
MarginOption = Annotated[
    float,
    typer.Option(
        "--maintenance-margin", help="Equity / notional at which a position is liquidated.", rich_help_panel=_SIZING
    ),
]
GapsOption = Annotated[
    Gaps | None, typer.Option("--gaps", help="What to do with missing bars of a file: fill, keep or refuse.")
]
NoVerdictOption = Annotated[bool, typer.Option("--no-verdict", help="Do not judge how much of the best is luck.")]
ValidateOption = Annotated[
    Mode | None,
    typer.Option(
        "--validate", help="Repeat the search on parts of the bars, and test it on others.", rich_help_panel=_BELIEF
    ),
]
FoldsOption = Annotated[
    int | None, typer.Option("--folds", help="Tests to make, 5 if not said; for cpcv, blocks.", rich_help_panel=_BELIEF)
]
TestBlocksOption = Annotated[
    int | None,
    typer.Option("--test-blocks", help="For cpcv: blocks tested at once, 2 if not said.", rich_help_panel=_BELIEF),
]
PurgeOption = Annotated[
    str | None,
    typer.Option("--purge", help="Left out before each test: bars, 2d or 1%; 0 if not said.", rich_help_panel=_BELIEF),
]
EmbargoOption = Annotated[
    str | None,
    typer.Option("--embargo", help="Left out after each test, likewise; 1% if not said.", rich_help_panel=_BELIEF),
]
HoldoutOption = Annotated[
    str | None,
    typer.Option("--holdout", help="The last bars, as in 20%, that no search sees.", rich_help_panel=_BELIEF),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def strategy_speaks() -> redirect_stdout[TextIO]:
    """While this is open, what a strategy prints goes to standard error: standard output is for the answer."""
    return redirect_stdout(sys.stderr)


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """The parameter set that `--set name=value` options spell; InputError for one that does not read so."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not (name and equals and value):
            raise InputError(f"--set {setting} gives no value. Write --set name=value, as in --set fast=20.")
        if name in found:
            raise InputError(f"--set gives {name} twice: {found[name]} and {value}. Keep one.")
        found[name] = value
    return found


def reading_of(gaps: Gaps | None, candles: Sequence[str]) -> dict[str, str]:
    """How to read files of candles, as `read_candles` takes it; InputError for stored ones."""
    for one in candles if gaps else ():
        if not Path(one).exists():
            raise InputError(
                f"--gaps says how to read a file, and there is no file {one!r}. Stored candles keep theirs."
            )
    return {"gaps": gaps} if gaps else {}


def validation_of(
    mode: Mode | None, folds: int | None, test_blocks: int | None, purge: str | None, embargo: str | None
) -> Validation | None:
    """The validation that the options name; InputError for one of its options without `--validate`."""
    said = {"folds": folds, "tests": test_blocks, "purge": purge, "embargo": embargo}
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if mode is not None:
        _require_use(mode, given)
        return Validation(mode, **given)
    if given:
        option = {"tests": "test-blocks"}.get(next(iter(given)), next(iter(given)))
        raise InputError(f"--{option} is about a validation: say which, as in --validate walk-forward.")
    return None


def _require_use(mode: Mode, given: Mapping[str, Any]) -> None:
    """InputError for an option that this validation would not look at."""
    if "tests" in given and mode != "cpcv":
        raise InputError(f"--test-blocks is for --validate cpcv: {mode} tests one block at a time.")
    if "embargo" in given and mode in {"walk-forward", "anchored"}:
        raise InputError(f"--embargo is for purged-kfold and cpcv: in {mode} no training begins after its test.")


def costs_and_sizing(
    *,
    fee: float,
    slippage_bps: float,
    funding_rate: float,
    funding_hours: float,
    fraction: float,
    risk_per_trade: float | None,
    leverage: float,
    maintenance_margin: float,
) -> tuple[Costs, Sizing]:
    """The costs and the sizing that the options name; InputError for a value out of its range."""
    return (
        Costs(fee=fee, slippage_bps=slippage_bps, funding_rate=funding_rate, funding_hours=funding_hours),
        Sizing(
            fraction=fraction,
            risk_per_trade=risk_per_trade,
            leverage=leverage,
            maintenance_margin=maintenance_margin,
        ),
    )
