"""What came of validating a search and of opening its holdout: plain frozen values that a study keeps as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.strategies.parameters import Value

    Measured = Mapping[str, float | int | None]


@dataclass(frozen=True)
class Period:
    """Some bars of the longest series, and the same time of any others."""

    start: int
    stop: int
    """The first bar after it."""
    first: int
    """Start of its first bar, UTC milliseconds."""
    last: int
    """Start of its last bar, UTC milliseconds."""


@dataclass(frozen=True)
class FoldResult:
    """The best set of the search on a fold's training bars, there and on the test bars, which that search never saw."""

    train: tuple[Period, ...]
    test: tuple[Period, ...]
    number: int | None
    """Of the best trial; None when none of the search finished."""
    params: Mapping[str, Value] | None
    feasible: bool
    """Whether it keeps every condition on the training bars."""
    in_sample: Measured | None
    out_of_sample: Measured | None
    """None where it did not run; `cause` says why."""
    cause: str | None


@dataclass(frozen=True)
class Curve:
    """Equity at some of the closes of a path on one series, the first and the last among them; it begins with 1."""

    symbol: str
    time: tuple[int, ...]
    """Start of the bars, UTC milliseconds."""
    equity: tuple[float, ...]


@dataclass(frozen=True)
class Path:
    """Tests one after the other on one account, each bar traded with the set of a search that did not see it."""

    metrics: Measured | None
    """None where one of its folds has no result."""
    curves: tuple[Curve, ...]
    """One for each series."""


@dataclass(frozen=True)
class Validated:
    """A search repeated on parts of the bars, and how what it found did on the others."""

    mode: str
    trials: int
    """The budget of each fold's search."""
    folds: tuple[FoldResult, ...]
    paths: tuple[Path, ...]

    @property
    def out_of_sample(self) -> Measured | None:
        """The metrics of the one path; None where there are several, or it has none."""
        return self.paths[0].metrics if len(self.paths) == 1 else None

    def over_paths(self, metric: str) -> list[float]:
        """The metric on each path where it is defined."""
        return _defined([path.metrics for path in self.paths], metric)

    def in_sample(self, metric: str) -> float | None:
        """The mean over the folds of the metric of the best set on the training bars."""
        values = _defined([fold.in_sample for fold in self.folds], metric)
        return fmean(values) if values else None

    def efficiency(self, metric: str) -> float | None:
        """The metric out of sample / in sample; of several paths the median. None where in sample it is not above 0.

        For `cagr` the walk-forward efficiency: Pardo, The Evaluation and Optimization of Trading Strategies, 2008.
        """
        before, after = self.in_sample(metric), self.over_paths(metric)
        return median(after) / before if before is not None and before > 0.0 and after else None

    def to_json(self) -> dict[str, Any]:
        """As plain values; what follows from the others is written beside them, for those who read the JSON."""
        sharpe = self.over_paths("sharpe")
        spread = {"lowest": min(sharpe), "median": median(sharpe), "highest": max(sharpe)} if sharpe else None
        return {
            **asdict(self),
            "out_of_sample": self.out_of_sample,
            "sharpe": spread,
            "efficiency": {name: self.efficiency(name) for name in ("cagr", "sharpe")},
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Validated:
        """What `to_json` wrote."""
        folds = tuple(
            FoldResult(**{**one, **{name: _periods(one[name]) for name in ("train", "test")}}) for one in facts["folds"]
        )
        paths = tuple(Path(one["metrics"], tuple(map(_curve, one["curves"]))) for one in facts["paths"])
        return cls(facts["mode"], facts["trials"], folds, paths)


@dataclass(frozen=True)
class Opening:
    """One look at the bars that were held out."""

    at: str
    """UTC, ISO 8601."""
    trials: int
    """How many had been asked by then."""
    number: int
    """Of the trial that was run on them."""
    params: Mapping[str, Value]
    metrics: Measured
    buy_and_hold: tuple[Measured, ...]
    """Holding each series."""
    curves: tuple[Curve, ...]
    """One for each series."""
    held: tuple[Curve, ...] = ()
    """Holding each series."""


@dataclass(frozen=True)
class Holdout:
    """The bars held out at the end, and each look at them."""

    bars: Period
    openings: tuple[Opening, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Holdout:
        """What `to_json` wrote."""
        return cls(Period(**facts["bars"]), tuple(map(_opening, facts["openings"])))


def _defined(measured: Sequence[Measured | None], metric: str) -> list[float]:
    values = [one.get(metric) for one in measured if one is not None]
    return [value for value in values if value is not None]


def _periods(facts: Sequence[Mapping[str, int]]) -> tuple[Period, ...]:
    return tuple(Period(**one) for one in facts)


def _opening(facts: Mapping[str, Any]) -> Opening:
    curves = {name: tuple(map(_curve, facts.get(name, ()))) for name in ("curves", "held")}
    return Opening(**{**facts, "buy_and_hold": tuple(facts["buy_and_hold"]), **curves})


def _curve(facts: Mapping[str, Any]) -> Curve:
    return Curve(facts["symbol"], tuple(facts["time"]), tuple(facts["equity"]))
