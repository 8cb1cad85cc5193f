"""The part of a page about bars that the search did not see: its validation and its holdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.market.table import utc
from bittrader.report import out_of_sample_figures, validation_figures, words
from bittrader.report.table import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.market.candles import Candles
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.optimize.studies.validation_result import FoldResult, Holdout, Opening, Period, Validated
    from bittrader.report.plot import Figure

FOLDS_LISTED = 60
_SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "trades")
# Of what does not grow with the length of a record.
_RATES = ("sharpe", "cagr", "max_drawdown")
_MODES = {
    "walk-forward": "Walk-forward: each search learns from a stretch of bars and is tested on those right after it.",
    "anchored": "Anchored walk-forward: each search learns from all bars up to its test.",
    "purged-kfold": "Purged k-fold: each block of bars is tested once, by a search that learned from the others.",
    "cpcv": (
        "Combinatorial purged cross-validation: every choice of blocks is tested by a search that learned from the "
        "others, which gives several histories in place of one (López de Prado 2018)."
    ),
}


@dataclass(frozen=True)
class FoldRow:
    """One fold: when it was tested, with which parameters, and what came of it; or why nothing did."""

    number: str
    test: str
    params: str
    in_sample: str
    out_of_sample: tuple[str, ...]
    cause: str


@dataclass(frozen=True)
class ValidationPart:
    """All that the template shows of a validation."""

    mode: str
    lead: str
    compared: tuple[tuple[str, str, str], ...]
    """Metrics in sample and out of sample."""
    after: str
    """What stands over the column out of sample."""
    windows: Figure
    folds: Figure | None
    equity: Figure | None
    paths: Figure | None
    objective: str
    columns: tuple[str, ...]
    rows: tuple[FoldRow, ...]
    left_out: int

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return tuple(figure for figure in (self.windows, self.folds, self.equity, self.paths) if figure)


@dataclass(frozen=True)
class HoldoutPart:
    """All that the template shows of a holdout."""

    lead: str
    command: str
    """What opens it; empty once it is open."""
    warning: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    equity: Figure | None

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return (self.equity,) if self.equity else ()


def validation_part(study: StudySummary, found: Validated, series: Sequence[Candles]) -> ValidationPart:
    """What a validation says of a search; `series`: the candles it ran on, to hold the result against."""
    several = len(found.paths) > 1
    return ValidationPart(
        mode=_MODES.get(found.mode, found.mode),
        lead=_lead(study, found),
        compared=tuple(_compared(found, metric) for metric in dict.fromkeys((study.objective, *_RATES))),
        after="Out of sample, median path" if several else "Out of sample",
        windows=validation_figures.windows(found),
        folds=validation_figures.folds(found, study.objective),
        equity=out_of_sample_figures.equity(found, series),
        paths=out_of_sample_figures.paths(found) if several else None,
        objective=words.short(study.objective),
        columns=tuple(words.short(metric) for metric in _beside(study)),
        rows=tuple(_row(study, number, fold) for number, fold in enumerate(found.folds[:FOLDS_LISTED], start=1)),
        left_out=max(0, len(found.folds) - FOLDS_LISTED),
    )


def _lead(study: StudySummary, found: Validated) -> str:
    label, metric = words.within(study.objective), study.objective
    before, after = found.in_sample(metric), _middle(found.over_paths(metric))
    said = (
        f"The same search ({found.trials:,} sets) was repeated on {len(found.folds):,} parts of the bars, and the best "
        "set of each was run on bars that it had not seen. "
    )
    if before is None or after is None:
        return said + "There is no figure to compare, because parts of it failed."
    kept = found.efficiency(metric)
    share = "" if kept is None else f", {words.minus(f'{100 * kept:,.0f}%')} of that"
    return (
        f"{said}In sample the {label} was {_word(metric, before)} on average; out of sample it was "
        f"{_word(metric, after)}{share}. Expect the second, not the first."
    )


def _compared(found: Validated, metric: str) -> tuple[str, str, str]:
    before, after = found.in_sample(metric), _middle(found.over_paths(metric))
    return words.label(metric), _word(metric, before), _word(metric, after)


def _middle(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    ordered, half = sorted(values), len(values) // 2
    if not ordered:
        return None
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _beside(study: StudySummary) -> tuple[str, ...]:
    return tuple(dict.fromkeys((study.objective, *_SHOWN)))


def _row(study: StudySummary, number: int, fold: FoldResult) -> FoldRow:
    measured, metric = fold.out_of_sample or {}, study.objective
    return FoldRow(
        number=str(number),
        test=",\n".join(map(_days, fold.test)),
        params=listed(fold.params) if fold.params else words.UNDEFINED,
        in_sample=_word(metric, (fold.in_sample or {}).get(metric)),
        out_of_sample=tuple(_word(name, measured.get(name)) for name in _beside(study)),
        cause=fold.cause or ("" if fold.feasible else "its best set breaks a condition on the training bars"),
    )


def holdout_part(study: StudySummary, found: Holdout) -> HoldoutPart:
    """What is known of the bars that were held out."""
    where = f"The last {found.bars.stop - found.bars.start:,} bars, {_days(found.bars)}, were kept from every search"
    looks = len(found.openings)
    if not looks:
        return HoldoutPart(f"{where}, and nobody has looked at them.", _command(study), "", (), (), None)
    times = "once" if looks == 1 else f"{looks:,} times"
    return HoldoutPart(
        lead=f"{where}, until they were opened {times}.",
        command="",
        warning="" if looks == 1 else _AGAIN,
        columns=("Opened (UTC)", "Trials by then", "Evaluation", *map(words.short, _SHOWN), "Return of holding"),
        rows=tuple(map(_look, found.openings)),
        equity=out_of_sample_figures.holdout(found.openings[0]),
    )


_AGAIN = (
    "Only the first look was a test. Whoever looks, changes something and looks again searches the holdout too, and "
    "its result becomes the best of several."
)


def _command(study: StudySummary) -> str:
    return f"bittrader studies holdout {study.name}"


def _look(opening: Opening) -> tuple[str, ...]:
    held = [one.get("total_return") for one in opening.buy_and_hold]
    return (
        opening.at.replace("T", " ").removesuffix("Z"),
        f"{opening.trials:,}",
        f"{opening.number:,}",
        *(_word(metric, opening.metrics.get(metric)) for metric in _SHOWN),
        ", ".join(_word("total_return", one) for one in held),
    )


def _days(period: Period) -> str:
    return f"{utc(period.first)[:10]} to {utc(period.last)[:10]}"


def _word(metric: str, value: float | None) -> str:
    return words.minus(words.metric(metric, value))
