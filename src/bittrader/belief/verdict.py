"""The decision: luck, an edge, or nothing that can be told yet; and why, in words that a trader knows."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from bittrader.belief.figures import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bittrader.belief.figures import Call, Figures, Outside, Ratio
    from bittrader.belief.reality import RealityCheck

# At most this share of the searches on markets without an edge is called anything but luck.
LEVEL = 0.05
# Fewer trades or periods than these have happened too seldom to be called an edge, however well they went.
FEWEST_TRADES = 10
FEWEST_PERIODS = 100
# A set whose neighbours keep less of its objective than this stands on a spike.
_SPIKE = 0.5
# A return with more digits than anyone reads.
_LONG = 1e9
# Longer than any trader waits.
_NEVER_DAYS = 20 * 365.0

_NORMAL = NormalDist()


def verdict(figures: Figures | None, *, traded: bool = True) -> Verdict:
    """The call that the figures come to. None: there are no returns, so nothing can be told.

    `traded`: whether a strategy was searched, as against a function of the user's own.
    """
    if figures is None:
        return Verdict("inconclusive", None, (_NO_COMMON_TIME if traded else _NO_RETURNS,))
    p_value = strongest(figures)
    call = _call(figures, p_value)
    return Verdict(call, p_value, tuple(_reasons(figures, call, p_value)))


def strongest(figures: Figures) -> float:
    """How often so good a result comes without skill, by the strongest evidence there is.

    Results outside the search need no allowance for what was tried, so they stand for those inside it. A holdout is
    independent of both: p-values are combined by Stouffer's method, weighted by the square root of the periods
    (Lipták, 1958).
    """
    inside = figures.reality.chosen if figures.reality and figures.reality.score > 0.0 else 1.0
    validation = _outside(figures, "validation")
    p_value, periods = (inside, figures.periods) if validation is None else (validation.p_value, validation.periods)
    holdout = _outside(figures, "holdout")
    return p_value if holdout is None else _combined((p_value, periods), (holdout.p_value, holdout.periods))


def _combined(*evidence: tuple[float, int]) -> float:
    weights = [math.sqrt(periods) for _, periods in evidence]
    total = sum(_score(p_value) * weight for (p_value, _), weight in zip(evidence, weights, strict=True))
    return 1.0 - _NORMAL.cdf(total / math.hypot(*weights))


def _score(p_value: float) -> float:
    """The normal deviate that is exceeded so often."""
    return _NORMAL.inv_cdf(1.0 - min(max(p_value, 1e-12), 1.0 - 1e-12))


def _outside(figures: Figures, kind: str) -> Outside | None:
    return next((one for one in figures.outside if one.kind == kind), None)


def _call(figures: Figures, p_value: float) -> Call:
    if p_value > LEVEL:
        return "luck"
    if figures.ahead is not None:
        return "inconclusive"
    return "inconclusive" if list(_too_few(figures)) else "edge"


def _reasons(figures: Figures, call: Call, p_value: float) -> Iterator[str]:
    yield _found(figures)
    if figures.ahead is not None:
        yield f"It looks ahead: {figures.ahead} changes when the bars after it are taken away. Nobody could trade that."
        yield "What would change this: signals that use earlier bars alone. `bittrader strategies check` says more."
        return
    if figures.beyond is None:
        yield "It never traded otherwise than the market held as it is, so there is nothing to judge."
        return
    yield from _beyond(figures.beyond, figures)
    for one in figures.outside:
        whose = "what the searches of the folds chose" if one.kind == "validation" else "it"
        yield (
            f"On {_span(one.days)} that no search saw ({one.kind}) {whose} had a Sharpe ratio of {one.sharpe:.2f}"
            f" beyond the market. Without skill, {_often(one.p_value)} do as well."
        )
    if any(one.kind == "holdout" for one in figures.outside):
        yield f"All of this taken together: without skill, {_often(p_value)} do as well."
    yield from _doubts(figures)
    yield from _what_would_change_it(figures, call, p_value)


def _found(figures: Figures) -> str:
    best = f"The best of {figures.trials:,} {'set' if figures.trials == 1 else 'sets'} tried made"
    made, held = _percent(figures.total_return), _percent(figures.market_return)
    if figures.series > 1:
        shared = f"equal parts on {figures.series} series over the {_span(figures.days)} that they share"
        return f"{best} {made} with {shared}; holding them made {held}."
    trades = _trades(figures.trades, "closed ")
    return f"{best} {made} over {_span(figures.days)} with {trades}; holding the market made {held}."


def _beyond(ratio: Ratio, figures: Figures) -> Iterator[str]:
    if ratio.sharpe <= 0.0:
        yield (
            f"Beyond the market held at its own beta ({figures.beta:.2f}) it earned nothing:"
            " holding some of the market does as well."
        )
        return
    hurdle = (
        f"; were it chance alone that tells the sets apart, the best of so many would have about {ratio.hurdle:.2f}"
        if 0.0 < ratio.hurdle <= _hurdle_of_chance(ratio, figures.reality)
        else ""
    )
    over = f" (returns of {figures.bars_per_period} bars at a time)" if figures.bars_per_period > 1 else ""
    yield f"Beyond the market held at its own beta its Sharpe ratio is {ratio.sharpe:.2f} a year{over}{hurdle}."
    if figures.reality is not None:
        yield f"Of searches like this one without any skill, {_often(figures.reality.chosen)} find as much."


def _hurdle_of_chance(ratio: Ratio, reality: RealityCheck | None) -> float:
    """The Sharpe ratio a year that one in twenty searches without skill comes to; infinite where that is not known.

    Sets also differ in skill and in what they pay. The hurdle of the deflated Sharpe ratio takes that for chance too.
    """
    if reality is None:
        return math.inf
    return ratio.sharpe * reality.needed / reality.score if reality.score > 0.0 else 0.0


def _doubts(figures: Figures) -> Iterator[str]:
    yield from _too_few(figures)
    if figures.overfitting is not None and figures.overfitting.probability > 0.5:
        yield (
            f"In {_percent(figures.overfitting.probability)} of the ways to halve the history, the best of one half is"
            " in the lower half of the sets in the other."
        )
    near = figures.neighbourhood
    if near is not None and near.kept is not None and near.kept < _SPIKE:
        yield f"It stands on a spike: one small step of a parameter leaves {_percent(max(near.kept, 0.0))} of it."
    losing = [one.change for one in figures.sensitivity if one.total_return <= 0.0 < figures.total_return]
    if losing:
        yield f"It would have earned nothing with {_listed(losing)}."


def _what_would_change_it(figures: Figures, call: Call, p_value: float) -> Iterator[str]:
    if call == "edge":
        if not figures.outside:
            unseen = "the bars held out" if figures.kept_closed else "bars that no search saw (--holdout 20%)"
            yield f"What would change this: failing on {unseen}, or in a validation (--validate walk-forward)."
        return
    more = _more_days(figures, p_value)
    if p_value > LEVEL and figures.outside and more is None:
        yield "What would change this: gains beyond the market on bars that no search saw."
    elif more is None:
        return
    elif more > _NEVER_DAYS:
        yield "No record that anyone can wait for would tell so small an advantage from luck."
    elif p_value > LEVEL:
        yield f"What would change this: about {_span(more)} more of just such results."
    else:
        unseen = "the bars held out" if figures.kept_closed else "bars that no search saw (--holdout 20%)"
        yield f"What would change this: more trades, a longer history, or {unseen}."


def _more_days(figures: Figures, p_value: float) -> float | None:
    """How much longer such results must last until luck is unlikely: scores grow with the square root of time.

    None where no more of such results would show anything.
    """
    if figures.outside:
        days = sum(one.days for one in figures.outside)
        score, needed = _score(p_value), _score(LEVEL)
    elif figures.reality is not None:
        days, score, needed = figures.days, figures.reality.score, figures.reality.needed
    else:
        return None
    return max(0.0, days * ((needed / score) ** 2 - 1.0)) if score > 0.0 else None


def _too_few(figures: Figures) -> Iterator[str]:
    """What has happened too seldom, where the strongest evidence is."""
    validation, holdout = _outside(figures, "validation"), _outside(figures, "holdout")
    counted = [validation or figures, *([holdout] if holdout else [])]
    trades, periods = sum(one.trades for one in counted), sum(one.periods for one in counted)
    if trades < FEWEST_TRADES:
        yield f"It closed only {_trades(trades)}: too few to tell skill from luck."
    if periods < FEWEST_PERIODS:
        yield f"The record has only {periods} periods: too few to tell skill from luck."


def _often(p_value: float) -> str:
    if p_value >= 0.0995:
        return f"{100.0 * p_value:.0f} of 100"
    return f"{1000.0 * p_value:.0f} of 1,000" if p_value >= 0.0005 else "fewer than 1 of 1,000"


def _percent(fraction: float) -> str:
    value = 100.0 * fraction
    if abs(value) >= _LONG:
        return f"{value:.1e}%"
    return f"{value:,.{1 if abs(value) < 10 else 0}f}%".replace("-0%", "0%")


def _span(days: float) -> str:
    if days < 60.0:
        return f"{days:.0f} days"
    return f"{days / 365.0 * 12.0:.0f} months" if days < 730.0 else f"{days / 365.0:.1f} years"


def _trades(number: float, which: str = "") -> str:
    return f"1 {which}trade" if number == 1 else f"{number:,.0f} {which}trades"


def _listed(things: list[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} or {things[-1]}"


_NO_COMMON_TIME = (
    "What was earned from day to day cannot be compared: the series have no time in common, or the best set fails when"
    " it is run again. So luck cannot be told from skill. Search series that overlap, or one of them at a time."
)
_NO_RETURNS = (
    "Only the numbers that the function gave are known, not what it earned from day to day, so luck cannot be told"
    " from skill. Have it evaluated on data that the search did not see."
)
