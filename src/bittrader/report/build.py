"""From results and their study to a page's facts: pure, so that what is shown can be tested without a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bittrader
from bittrader.errors import InputError
from bittrader.market.table import utc
from bittrader.report import words
from bittrader.report.luck_part import LuckPart, luck_part
from bittrader.report.run_part import RunPart, run_part
from bittrader.report.series_part import SeriesPart, series_part
from bittrader.report.study_part import StudyPart, study_part
from bittrader.report.validation_part import HoldoutPart, ValidationPart, holdout_part, validation_part
from bittrader.report.verdict import VerdictBox, verdict_box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.backtest.result import Result
    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.plot import Figure
    from bittrader.strategies.parameters import Value


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    title: str
    strategy: str
    params: tuple[tuple[str, str], ...]
    symbol: str
    """Empty where a function was searched, and no market."""
    timeframe: str
    facts: str
    rules: str
    """What a mined strategy does, in words; empty for any other."""
    synthetic: bool
    verdict: VerdictBox | None
    run: RunPart | None
    luck: LuckPart | None
    validation: ValidationPart | None
    holdout: HoldoutPart | None
    series: SeriesPart | None
    study: StudyPart | None
    version: str

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the page."""
        parts = (self.run, self.luck, self.validation, self.holdout, self.series, self.study)
        return tuple(figure for part in parts if part for figure in part.figures())


def build(results: Sequence[Result], study: StudySummary | None = None) -> Page:
    """The page of one set's results, one for each series, and of the study that found it.

    InputError when there is neither a result nor a study.
    """
    if not results and study is None:
        raise InputError("there is neither a result nor a study to report.")
    known = study.belief.figures if study and study.belief else None
    candles = [one.candles for one in results]
    name, params = _subject(results, study)
    symbol = ", ".join(dict.fromkeys(one.candles.symbol for one in results))
    timeframe = ", ".join(dict.fromkeys(str(one.candles.timeframe) for one in results))
    return Page(
        title=f"{name} on {symbol} {timeframe}" if results else name,
        strategy=name,
        params=tuple((key, words.parameter(value)) for key, value in params.items()),
        symbol=symbol,
        timeframe=timeframe,
        facts=_facts(results, study),
        rules=_rules(study, params) if study and study.rules else "",
        synthetic=any(one.candles.synthetic for one in results),
        verdict=verdict_box(study, params) if study else None,
        run=run_part(results[0], of=len(results)) if results else None,
        luck=luck_part(study, known) if study and known else None,
        validation=validation_part(study, study.validation, candles) if study and study.validation else None,
        holdout=holdout_part(study, study.holdout) if study and study.holdout else None,
        series=series_part(results, study) if study and len(results) > 1 else None,
        study=study_part(study, params) if study else None,
        version=bittrader.__version__,
    )


def _subject(results: Sequence[Result], study: StudySummary | None) -> tuple[str, Mapping[str, Value]]:
    """What the page is about, and with which parameters."""
    if results:
        return results[0].strategy, results[0].params
    if study is None:
        return "", {}
    return study.strategy, study.best[0].params if study.best else {}


def _rules(study: StudySummary, params: Mapping[str, Value]) -> str:
    if study.best and dict(study.best[0].params) == dict(params):
        return study.rules
    from bittrader.mining.words import in_words  # noqa: PLC0415 - rules load the compiler, which most pages do without

    return in_words(params)


def _facts(results: Sequence[Result], study: StudySummary | None) -> str:
    facts = []
    if results:
        first, last = (pick(int(one.candles.time[at]) for one in results) for pick, at in ((min, 0), (max, -1)))
        facts += [f"{utc(first)} to {utc(last)} UTC", f"{sum(len(one.candles) for one in results):,} bars"]
    if study is not None:
        facts.append(f"study {study.name}")
    return " · ".join(facts)
