"""What a search is for: objectives to push, and conditions that what it finds must keep."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bittrader.backtest.metrics import direction as natural_direction
from bittrader.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Direction = Literal["maximize", "minimize"]
Relation = Literal["<", "<=", ">", ">="]

_SIDES: dict[str, Direction] = {"max": "maximize", "min": "minimize"}
_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONDITION = re.compile(
    r"\s*(?P<metric>[^<>=]*[^<>=\s])\s*(?P<relation>[<>]=?)\s*(?P<value>[^<>=\s]+?)\s*(?P<percent>%?)\s*"
)

# An undefined metric is further off than any measured one, and still a number that a sampler can order by.
UNDEFINED_SHORTFALL = 1e6
_LEAST_SHORTFALL = 1e-12


@dataclass(frozen=True)
class Objective:
    """A metric, and which way a search pushes it."""

    metric: str
    direction: Direction

    @classmethod
    def parse(cls, text: str) -> Objective:
        """The objective that `sharpe`, `sharpe:max` or `loss:min` spells; InputError for another end."""
        metric, colon, side = (part.strip() for part in text.partition(":"))
        if not metric or (colon and side not in _SIDES):
            raise InputError(f"the objective {text!r} does not read as one. Write a metric, metric:max or metric:min.")
        return cls(metric, _SIDES[side] if colon else natural_direction(metric))

    def losses(self, values: Floats) -> Floats:
        """Values as samplers take them: smaller is better, infinite is failed (NaN)."""
        signed = -values if self.direction == "maximize" else values
        return np.where(np.isnan(signed), np.inf, signed)

    def __str__(self) -> str:
        return f"{self.metric}:{'max' if self.direction == 'maximize' else 'min'}"


@dataclass(frozen=True)
class Condition:
    """A bound on a metric, which a parameter set keeps or breaks."""

    metric: str
    relation: Relation
    value: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that `trades >= 100` or `max_drawdown < 20%` spells; InputError for anything else."""
        found = _CONDITION.fullmatch(text)
        value = _number(found["value"]) if found else math.nan
        if found is None or not math.isfinite(value):
            raise InputError(
                f"the condition {text!r} does not read as one. Write a metric, one of >= > <= < and a number,"
                " as in 'trades >= 100'."
            )
        relation: Any = found["relation"]
        return cls(found["metric"], relation, value / 100 if found["percent"] else value)

    def shortfalls(self, values: Floats) -> Floats:
        """How far each value is off: 0 where the condition is kept, else the gap relative to the bound (to 1 where that
        is 0); an undefined value (NaN) counts as `UNDEFINED_SHORTFALL`, which is also the most.
        """
        gaps = self.value - values if self.relation in (">", ">=") else values - self.value
        with np.errstate(over="ignore"):  # next to nothing as a bound: any gap is the largest
            gaps = gaps / (abs(self.value) or 1.0)
        kept = _RELATIONS[self.relation](values, self.value)
        off = np.where(kept, 0.0, np.clip(gaps, _LEAST_SHORTFALL, UNDEFINED_SHORTFALL))
        return np.where(np.isnan(values), UNDEFINED_SHORTFALL, off)

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.value:g}"


def violations(conditions: Sequence[Condition], names: Sequence[str], metrics: Floats) -> Floats:
    """How far each row of metrics (in columns of `names`) is from keeping all conditions: the sum of its shortfalls."""
    total = np.zeros(len(metrics))
    for one in conditions:
        column = metrics[:, names.index(one.metric)] if one.metric in names else np.full(len(metrics), np.nan)
        total += one.shortfalls(column)
    return total


def require_known(metrics: Iterable[str], known: Sequence[str]) -> None:
    """InputError for a metric that is none of the known ones."""
    for metric in metrics:
        if metric not in known:
            hint = did_you_mean(metric, known) or f" There are {', '.join(known)}."
            raise InputError(f"there is no metric {metric!r}.{hint}")


def objectives_of(given: str | Sequence[str]) -> tuple[Objective, ...]:
    """The objectives that these words spell; InputError when there is none, or one metric is given twice."""
    words = [given] if isinstance(given, str) else list(given)
    found = tuple(map(Objective.parse, words))
    metrics = [one.metric for one in found]
    if not metrics:
        raise InputError("there is no objective. Name a metric, as in sharpe.")
    for metric in metrics:
        if metrics.count(metric) > 1:
            raise InputError(f"the objective {metric} is given twice. Keep one.")
    return found


def conditions_of(given: str | Sequence[str]) -> tuple[Condition, ...]:
    """The conditions that these words spell."""
    return tuple(map(Condition.parse, [given] if isinstance(given, str) else given))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
