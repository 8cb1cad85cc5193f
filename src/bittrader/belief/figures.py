"""Every figure behind a verdict, and the verdict: plain frozen values that a study keeps as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bittrader.belief.intervals import Interval
from bittrader.belief.overfitting import Overfitting
from bittrader.belief.reality import RealityCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Call = Literal["luck", "inconclusive", "edge"]


@dataclass(frozen=True)
class Ratio:
    """What the best set's Sharpe ratio is worth, on one kind of returns. Ratios are annual."""

    sharpe: float
    skewness: float
    kurtosis: float
    """3 for the normal distribution."""
    probabilistic: float
    """The probability that the true ratio is above 0, were this set the only one tried."""
    deviation: float
    """The standard deviation of the Sharpe ratios of all sets."""
    hurdle: float
    """The best ratio to expect of so many trials without skill."""
    deflated: float
    """The probability that the true ratio is above 0, given how many were tried."""
    needed_days: float | None
    """The shortest record that shows the ratio to be above the hurdle; None when it is not above."""


@dataclass(frozen=True)
class Neighbourhood:
    """How the sets do that differ from the best by one small step of one parameter, by the objective."""

    count: int
    """How many there are."""
    median: float | None
    """None where the middle one fails."""
    worst: float | None
    """None where one fails."""
    kept: float | None
    """The share of the best that the median keeps; None where such a share means nothing (the best is not above 0)."""


@dataclass(frozen=True)
class Permutation:
    """The best set run on the same bars in other orders. It does not know how many sets were tried."""

    count: int
    p_value: float
    """Share of the orders, the true one among them, in which the objective was at least as good."""
    median: float | None
    """The objective in the middle one of them; None where it was mostly undefined."""


@dataclass(frozen=True)
class Change:
    """What the best set gives when one thing is otherwise."""

    change: str
    objective: float | None
    total_return: float
    sharpe: float | None
    trades: float


@dataclass(frozen=True)
class Outside:
    """What the best set, or the best of each fold, earned on bars that no search saw, beyond the market."""

    kind: Literal["validation", "holdout"]
    periods: int
    days: float
    sharpe: float
    """Annual, beyond the market."""
    total_return: float
    p_value: float
    """The probability of so high a Sharpe ratio beyond the market without skill: 1 - PSR."""
    trades: float
    """Closed trades; their mean over paths and series."""


@dataclass(frozen=True)
class Figures:
    """What is known about the luck in a study's best set. None: it cannot be told, or was not asked."""

    trials: int
    """Sets that were tried, failed and repeated ones included."""
    independent_trials: float
    """How many independent ones they are worth."""
    sets: int
    """Sets whose returns were looked at: the best, an even share of all that were tried, and an even spread."""
    periods: int
    bars_per_period: int
    days: float
    """Length of the record."""
    trades: float
    """Closed trades of the best set."""
    total_return: float
    """Of the best set, as a fraction; on several series, with equal parts of the equity on each."""
    market_return: float
    """Of holding the market over the same bars, as a fraction."""
    beta: float
    """How much of the market the best set held on average; negative when it was mostly short."""
    plain: Ratio | None
    """Of returns as they are."""
    beyond: Ratio | None
    """Of returns beyond the market held at the strategy's own beta."""
    overfitting: Overfitting | None
    reality: RealityCheck | None
    """Of returns beyond the market."""
    series: int = 1
    """How many series the sets were run on."""
    kept_closed: bool = False
    """Whether bars are held out that nobody has looked at."""
    ahead: str | None = None
    """Where the best set's signals change when later bars are taken away; None where nothing shows or none looked."""
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    neighbourhood: Neighbourhood | None = None
    permutation: Permutation | None = None
    sensitivity: tuple[Change, ...] = ()
    outside: tuple[Outside, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether to believe a result, in plain words."""

    call: Call
    p_value: float | None
    """How often so good a result comes without any skill, by the strongest evidence there is."""
    reasons: tuple[str, ...]
    """Sentences: what was found, how likely it is luck, what would change it."""


@dataclass(frozen=True)
class Belief:
    """A verdict with the figures behind it; no figures where there were no returns to look at."""

    verdict: Verdict
    figures: Figures | None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `from_json` takes them; what is not finite is None."""
        facts: dict[str, Any] = _plain(asdict(self))
        return facts

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Belief:
        """The belief that `to_json` wrote."""
        verdict, figures = facts["verdict"], facts["figures"]
        return cls(
            verdict=Verdict(**{**verdict, "reasons": tuple(verdict["reasons"])}),
            figures=None if figures is None else _figures(figures),
        )


_PARTS: Mapping[str, Callable[..., Any]] = {
    "plain": Ratio,
    "beyond": Ratio,
    "overfitting": lambda **one: Overfitting(**{**one, "ranks": tuple(one["ranks"])}),
    "reality": RealityCheck,
    "neighbourhood": Neighbourhood,
    "permutation": Permutation,
}


def _figures(facts: Mapping[str, Any]) -> Figures:
    parts = {name: kind(**facts[name]) for name, kind in _PARTS.items() if facts[name] is not None}
    return Figures(
        **{
            **facts,
            **parts,
            "intervals": {name: Interval(**one) for name, one in facts["intervals"].items()},
            "sensitivity": tuple(Change(**one) for one in facts["sensitivity"]),
            "outside": tuple(Outside(**one) for one in facts["outside"]),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
