"""How a process, or this one, makes the function that evaluates."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import bittrader
from bittrader.backtest.run import Evaluator
from bittrader.errors import InputError
from bittrader.optimize.aggregate import SeriesEvaluator, series_names
from bittrader.optimize.samplers.grid import allowed_count, lattice
from bittrader.optimize.studies.experiment import versions_now
from bittrader.strategies.code_tree import tree_digest
from bittrader.strategies.registry import code_digest, load_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.backtest.costs import Costs, Sizing
    from bittrader.backtest.run import Evaluated
    from bittrader.backtest.spans import Span
    from bittrader.execution.base import Evaluate
    from bittrader.market.candles import Candles
    from bittrader.optimize.goals import Objective
    from bittrader.optimize.studies.experiment import Aggregate
    from bittrader.strategies.base import Strategy
    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space


# What turns candles and parameters into metrics.
_ENGINE = (
    "backtest/**/*.py",
    "strategies/*.py",
    "mining/*.py",
    "market/resample.py",
    "market/timeframe.py",
    "jit.py",
    "optimize/aggregate.py",
)


@cache
def engine_digest() -> str:
    """32 hexadecimal digits that differ when our own code that evaluates strategies does; its comments do not count."""
    root = Path(bittrader.__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(file for pattern in _ENGINE for file in root.glob(pattern)):
        digest.update(file.name.encode() + tree_digest(ast.parse(file.read_bytes())))
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class MakeEvaluator:
    """Makes what evaluates; pickled to each process, a strategy from a file as its name, since no module is to be had.

    `spans` has one entry a series: the bars that are traded, None for all.
    """

    strategy: type[Strategy] | str
    series: tuple[Candles, ...]
    costs: Costs
    sizing: Sizing
    aggregate: Aggregate
    objectives: tuple[Objective, ...]
    spans: tuple[Sequence[Span] | None, ...]

    def found_at(self, ref: str) -> MakeEvaluator:
        """The same with the strategy in another place."""
        return replace(self, strategy=ref)

    def facts(self) -> dict[str, str]:
        """What decides its numbers here, beside the candles."""
        return {"code": code_digest(self._known()), "engine": engine_digest(), **versions_now()}

    def _known(self) -> type[Strategy]:
        return load_strategy(self.strategy) if isinstance(self.strategy, str) else self.strategy

    def __call__(self) -> Evaluate[Evaluated]:
        known = self._known()
        each = [
            Evaluator(known, candles, self.costs, self.sizing, spans)
            for candles, spans in zip(self.series, self.spans, strict=True)
        ]
        if len(each) == 1:
            return each[0]
        names = series_names([f"{candles.symbol} {candles.timeframe}" for candles in self.series])
        return SeriesEvaluator(dict(zip(names, each, strict=True)), self.aggregate, self.objectives)


def first_rows(space: Space) -> Rows:
    """What is evaluated once before a search, to compile what a time limit would not forgive, and several threads
    would compile at once; what fails there fails in the search. InputError when the space allows nothing at all.
    """
    if allowed_count(space) is None:
        return space.sample(np.random.default_rng(0), 1)
    rows = lattice(space, None)[:1]
    if len(rows) == 0:
        words = ", ".join(map(str, space.constraints))
        raise InputError(f"no parameter set keeps {words}. Widen the ranges, or fix other values.")
    return rows
