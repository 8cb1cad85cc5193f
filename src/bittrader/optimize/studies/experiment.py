"""What exactly is searched: everything that decides a study's numbers, frozen, so that nothing else can continue it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, get_args

import bittrader
from bittrader.backtest.costs import Costs, Sizing
from bittrader.optimize.folds import Validation
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.studies.space_json import space_from_json, space_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bittrader.market.candles import Candles
    from bittrader.strategies.space import Space

Aggregate = Literal["mean", "median", "worst"]
"""How a set's metrics on several series become one number each."""

AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

_LIBRARIES = ("numpy", "numba", "scipy", "rustuna", "cmaes", "scikit-learn")


@dataclass(frozen=True)
class CandleFacts:
    """Which candles: enough to find them again, and to know them from any others."""

    reference: str | None
    """What `load_candles` takes; None for candles that were only in memory."""
    fingerprint: str
    symbol: str
    timeframe: str
    bars: int
    first: int
    """Start of the first bar, UTC milliseconds."""
    last: int
    """Start of the last bar, UTC milliseconds."""
    synthetic: bool
    reading: Mapping[str, str] = field(default_factory=dict)
    """How the file was read, as `read_candles` takes it."""

    @classmethod
    def of(cls, candles: Candles, reference: str | None, reading: Mapping[str, str]) -> CandleFacts:
        """The facts about these candles."""
        first, last = int(candles.time[0]), int(candles.time[-1])
        shape = (candles.symbol, str(candles.timeframe), len(candles), first, last)
        return cls(reference, candles.fingerprint, *shape, candles.synthetic, dict(reading))

    def __str__(self) -> str:
        days = " to ".join(f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}" for at in (self.first, self.last))
        return f"{self.bars:,} {'synthetic ' * self.synthetic}bars of {self.symbol} {self.timeframe}, {days}"


@dataclass(frozen=True, eq=False)
class Experiment:
    """One search, defined: two with the same fingerprint give the same study."""

    strategy: str
    """What `load_strategy`, or `load_function`, takes; empty for a class or function that only a program knows."""
    name: str
    """The strategy's or function's own name."""
    code: str
    """Digest of the strategy's or function's source."""
    engine: str
    """Digest of the source of what evaluates it; empty for a function."""
    series: tuple[CandleFacts, ...]
    """The candles that each set is judged on; empty where a function of the user's own evaluates."""
    aggregate: Aggregate
    space: Space
    costs: Costs
    """Not looked at by functions, nor the sizing."""
    sizing: Sizing
    objectives: tuple[Objective, ...]
    """At least one; the best is the best by the first."""
    where: tuple[Condition, ...]
    """What a set must keep to count as good, however its objectives are."""
    metrics: tuple[str, ...]
    """What is measured of each evaluation, in the order of a row."""
    sampler: str
    sampler_reason: str
    seed: int
    trials: int
    """The budget that the search began with; a resumed one may get more."""
    generation: int
    """Parameter sets asked at once."""
    time_limit: float | None
    versions: Mapping[str, str]
    memory_limit: float | None = None
    """Megabytes that the process of an evaluation may take."""
    holdout: float = 0.0
    """The share of the bars, at their end, that no search sees."""
    validation: Validation | None = None
    """On which parts of the other bars the search is repeated, to be tested on the rest."""

    @property
    def needed(self) -> tuple[str, ...]:
        """The metrics without which nothing can be said of an evaluation: those of objectives and conditions."""
        return tuple(dict.fromkeys([one.metric for one in self.objectives] + [one.metric for one in self.where]))

    @property
    def limited(self) -> bool:
        """Whether an evaluation may take only so much."""
        return self.time_limit is not None or self.memory_limit is not None

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that differ when anything differs that decides the numbers."""
        facts = self.to_json()
        for passing in ("strategy", "sampler_reason", "versions", "trials", "metrics"):
            facts.pop(passing)
        facts["series"] = [one.fingerprint for one in self.series]
        text = json.dumps(facts, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The experiment as plain values."""
        facts = {key: value for key, value in vars(self).items() if key in self.__dataclass_fields__}
        nested: dict[str, Any] = {key: asdict(facts[key]) for key in ("costs", "sizing")}
        nested |= {key: [asdict(one) for one in facts[key]] for key in ("series", "objectives", "where")}
        plain: dict[str, Any] = {"metrics": list(self.metrics), "versions": dict(self.versions)}
        plain["validation"] = self.validation and asdict(self.validation)
        return {**facts, **nested, **plain, "space": space_to_json(self.space)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Experiment:
        """The experiment that `to_json` wrote."""
        nested = {
            "series": tuple(CandleFacts(**one) for one in facts["series"]),
            "objectives": tuple(Objective(**one) for one in facts["objectives"]),
            "where": tuple(Condition(**one) for one in facts["where"]),
            "costs": Costs(**facts["costs"]),
            "sizing": Sizing(**facts["sizing"]),
            "space": space_from_json(facts["space"]),
            "metrics": tuple(facts["metrics"]),
            "validation": facts["validation"] and Validation(**facts["validation"]),
        }
        return cls(**{**facts, **nested})


def versions_now() -> dict[str, str]:
    """The versions of this program, and of the libraries that decide numbers."""
    return {"bittrader": bittrader.__version__, **{name: version(name) for name in _LIBRARIES}}


_PLAIN = ("aggregate", "sampler", "seed", "generation", "time_limit", "memory_limit", "holdout")


def differences(then: Experiment, now: Experiment) -> list[str]:
    """What makes `now` another search than `then`, in words; empty when it would give the same numbers."""
    if then.fingerprint == now.fingerprint:
        return []
    return [
        *_code(then, now),
        *_series(then.series, now.series),
        *_space(then.space, now.space),
        *_values(then, now),
    ]


def _code(then: Experiment, now: Experiment) -> list[str]:
    if then.name != now.name:
        return [f"strategy: {then.name} then, {now.name} now"]
    found = [f"the code of {then.name} has changed"] if then.code != now.code else []
    if then.engine != now.engine:
        before, after = (one.versions.get("bittrader", "unknown") for one in (then, now))
        versions = f" (version {before} then, {after} now)" if before != after else ""
        found.append(f"bittrader's own code has changed{versions}")
    return found


def _series(then: Sequence[CandleFacts], now: Sequence[CandleFacts]) -> list[str]:
    if len(then) != len(now):
        return [f"candles: {_listed(then)} then; {_listed(now)} now"]
    return [words for before, after in zip(then, now, strict=True) for words in _candles(before, after)]


def _candles(then: CandleFacts, now: CandleFacts) -> list[str]:
    if then.fingerprint == now.fingerprint:
        return []
    if str(then) == str(now):
        return [f"candles: the same {then}, but with other values"]
    return [f"candles: {then} then; {now} now"]


def _space(then: Space, now: Space) -> list[str]:
    before, after = ({one.name: one.describe() for one in space.parameters} for space in (then, now))
    found = _changes(before, after)
    constraints = [_listed(space.constraints) for space in (then, now)]
    return found + _changes({"constraints": constraints[0]}, {"constraints": constraints[1]})


def _values(then: Experiment, now: Experiment) -> list[str]:
    return _changes(_stated(then), _stated(now))


def _stated(one: Experiment) -> dict[str, object]:
    plain = {key: getattr(one, key) for key in _PLAIN}
    goals = {"objectives": _listed(one.objectives), "where": _listed(one.where)}
    return {**asdict(one.costs), **asdict(one.sizing), **goals, **plain, "validation": str(one.validation or "none")}


def _listed(things: Sequence[object]) -> str:
    return ", ".join(map(str, things)) or "none"


def _changes(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [
        f"{key}: {then.get(key, 'absent')} then, {now.get(key, 'absent')} now"
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]
