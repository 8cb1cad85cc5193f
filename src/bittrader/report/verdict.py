"""The first thing a page says: whether to believe its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.strategies.parameters import Value

_BADGES = {"luck": "Luck", "inconclusive": "Inconclusive", "edge": "Edge"}


@dataclass(frozen=True)
class VerdictBox:
    """The verdict as the page shows it; without a call, how to get one."""

    call: str
    """`luck`, `inconclusive` or `edge`; empty where nobody has judged the study."""
    badge: str
    reasons: tuple[str, ...]
    command: str
    """What to run for a verdict, where there is none."""


def verdict_box(study: StudySummary, params: Mapping[str, Value]) -> VerdictBox:
    """What to believe of the study's best set, on a page that shows these parameters."""
    if study.belief is None:
        return VerdictBox("", "No verdict", (), f"bittrader studies judge {study.name}")
    verdict = study.belief.verdict
    another = study.best and dict(study.best[0].params) != dict(params)
    aside = (f"This speaks of the best set, evaluation {study.best[0].number:,}, not of the one shown here.",)
    return VerdictBox(
        call=verdict.call,
        badge=_BADGES[verdict.call],
        reasons=(*verdict.reasons, *(aside if another else ())),
        command="",
    )
