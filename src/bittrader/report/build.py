"""From a result and its study to a page's facts: pure, so that what is shown can be tested without a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bittrader
from bittrader.market.table import utc
from bittrader.report import words
from bittrader.report.luck_part import LuckPart, luck_part
from bittrader.report.run_part import RunPart, run_part
from bittrader.report.study_part import StudyPart, study_part
from bittrader.report.verdict import VerdictBox, verdict_box

if TYPE_CHECKING:
    from bittrader.backtest.result import Result
    from bittrader.optimize.summary import StudySummary
    from bittrader.report.plot import Figure


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    title: str
    strategy: str
    params: tuple[tuple[str, str], ...]
    symbol: str
    timeframe: str
    facts: str
    synthetic: bool
    verdict: VerdictBox | None
    run: RunPart
    luck: LuckPart | None
    study: StudyPart | None
    version: str

    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the page."""
        parts = (self.run, self.luck, self.study)
        return tuple(figure for part in parts if part for figure in part.figures())


def build(result: Result, study: StudySummary | None = None) -> Page:
    """The page of a result, and of the study that found it."""
    candles = result.candles
    known = study.belief.figures if study and study.belief else None
    return Page(
        title=f"{result.strategy} on {candles.symbol} {candles.timeframe}",
        strategy=result.strategy,
        params=tuple((name, words.parameter(value)) for name, value in result.params.items()),
        symbol=candles.symbol,
        timeframe=str(candles.timeframe),
        facts=_facts(result, study),
        synthetic=candles.synthetic,
        verdict=verdict_box(study, result.params) if study else None,
        run=run_part(result),
        luck=luck_part(study, known) if study and known else None,
        study=study_part(study, result.params) if study else None,
        version=bittrader.__version__,
    )


def _facts(result: Result, study: StudySummary | None) -> str:
    candles = result.candles
    span = f"{utc(candles.time[0])} to {utc(candles.time[-1])} UTC"
    return " · ".join([span, f"{len(candles):,} bars", *([f"study {study.name}"] if study else [])])
