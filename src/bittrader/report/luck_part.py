"""The part of a page that says how much of a study's best result is luck, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.report import interval_figure, luck_figures, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bittrader.belief.figures import Figures, Ratio
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.plot import Figure


@dataclass(frozen=True)
class LuckRow:
    """A figure, of plain returns and beyond the market (or one value for both), and what it says in plain words."""

    label: str
    values: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class LuckPart:
    """All that the template shows of the luck in a result."""

    lead: str
    rows: tuple[LuckRow, ...]
    trials: Figure | None
    beside: tuple[Figure, ...]
    robustness: Figure | None

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the part."""
        return tuple(figure for figure in (self.trials, *self.beside, self.robustness) if figure)


def luck_part(study: StudySummary, known: Figures) -> LuckPart:
    """What these figures say about the best of the study."""
    overfitting = known.overfitting and luck_figures.ranks(known.overfitting)
    spans = interval_figure.intervals(study, known.intervals) if known.intervals and study.best else None
    return LuckPart(
        lead=_lead(known),
        rows=tuple(_rows(known)),
        trials=luck_figures.trials(study, known.plain.hurdle if known.plain else None),
        beside=tuple(figure for figure in (overfitting, spans) if figure),
        robustness=luck_figures.robustness(study, known) if study.best else None,
    )


def _lead(known: Figures) -> str:
    others = ", others of the same space among them," if known.sets > known.trials else ""
    return (
        f"{known.trials:,} parameter sets were tried, worth about {known.independent_trials:,.0f} independent ones. "
        "The best of so many looks good even when none has any skill, so its figures are held against what luck alone "
        f"would give. Looked at were the returns of {known.sets:,} sets{others} over {words.days(known.days)}."
    )


def _rows(known: Figures) -> Iterator[LuckRow]:
    yield from _ratio_rows(known)
    if (half := known.overfitting) is not None:
        yield LuckRow(
            "Probability of backtest overfitting",
            (words.share(half.probability),),
            f"How often, over {half.splits:,} ways to halve the history, the best set of one half was no better than "
            "the middle set in the other (Bailey, Borwein, López de Prado and Zhu 2016). 50% is pure chance.",
        )
        yield LuckRow(
            "Loss in the other half",
            (words.share(half.loss),),
            "How often the best set of one half had a Sharpe ratio below 0 in the other.",
        )
    if (reality := known.reality) is not None:
        yield LuckRow(
            "Reality check, best of all sets",
            (words.share(reality.consistent),),
            "How often the best of all sets does as well beyond the market in resampled histories without skill "
            f"(Hansen 2005); by White's test (2000) {words.share(reality.white)}.",
        )
        yield LuckRow(
            "Reality check, this set",
            (words.share(reality.chosen),),
            "How often the best of all sets does as well as this one in such histories (Romano and Wolf 2005).",
        )
    for one in known.outside:
        yield LuckRow(
            f"Bars that no search saw, {one.kind}",
            (words.share(one.p_value),),
            f"How often so high a Sharpe ratio beyond the market ({words.minus(words.ratio(one.sharpe))} over "
            f"{words.days(one.days)}) comes without skill there. Choosing the best cannot have helped.",
        )
    if (shuffled := known.permutation) is not None:
        yield LuckRow(
            "Bars in another order",
            (words.share(shuffled.p_value),),
            f"How often these parameters do as well on the same bars shuffled ({shuffled.count:,} times; Masters, and "
            "Aronson 2006). It does not know how many sets were tried.",
        )
    if (near := known.neighbourhood) is not None and near.kept is not None:
        yield LuckRow(
            "Kept by the neighbours",
            (words.minus(words.percent(near.kept)),),
            f"What the middle one of {near.count:,} sets, each one small step away, keeps of the best objective. A "
            "plateau keeps most of it, a lucky spike little.",
        )


def _ratio_rows(known: Figures) -> Iterator[LuckRow]:
    both = (known.plain, known.beyond)
    if both == (None, None):
        return

    def row(label: str, meaning: str, value: Callable[[Ratio], str]) -> LuckRow:
        return LuckRow(label, tuple(words.UNDEFINED if one is None else value(one) for one in both), meaning)

    yield row(
        "Sharpe ratio",
        f"Annual, of the returns of {known.bars_per_period:,} bars at a time. Beyond the market: without what holding "
        f"{words.minus(words.ratio(known.beta))} times the market would have earned (Jensen 1968).",
        lambda one: words.minus(words.ratio(one.sharpe)),
    )
    yield row(
        "Best to expect of luck",
        "The Sharpe ratio that the best of so many sets reaches without any skill. A result below it is no news.",
        lambda one: words.ratio(one.hurdle),
    )
    yield row(
        "Probabilistic Sharpe ratio",
        "The chance that the true ratio is above 0, had this set been the only one tried (Bailey and López de Prado "
        "2012).",
        lambda one: words.share(one.probabilistic),
    )
    yield row(
        "Deflated Sharpe ratio",
        "The same chance, knowing how many were tried (Bailey and López de Prado 2014). Under 95% is weak.",
        lambda one: words.share(one.deflated),
    )
    yield row(
        "Record needed",
        f"The shortest record that would show the ratio to be above luck; there are {words.days(known.days)}. A dash: "
        "no record would, for it is below.",
        lambda one: words.UNDEFINED if one.needed_days is None else words.days(one.needed_days),
    )
