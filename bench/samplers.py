"""Every sampler on the same searches: what it finds with as many evaluations, and in as much time, as the others.

`make bench ARGS=--samplers`. Real candles where they are beside the repository or in `BITTRADER_TEST_DATA`, else
synthetic ones. A set is evaluated once for all samplers and each time charged with the mean time of an evaluation, so
that the samplers alone differ; what they take themselves is processor time.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from measure import HERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

DOCUMENT = HERE.parent / "Documentation" / "PERFORMANCE_BENCHMARKS.md"
BEGIN = "<!-- samplers: written by `make bench ARGS='--samplers --document'` -->"
END = "<!-- samplers end -->"

CANDLES = "binance_btcusdt_1h_clean.parquet"
BARS = 60_000
FEE = 0.001
STRATEGIES = ("sma-cross", "rsi-reversion")
BUDGETS = (80, 400, 2_000)
SECONDS = 2.0
SEEDS = range(1, 6)
ALONE = ("tpe", "gp", "de", "cma-es", "nsga2", "sobol", "latin-hypercube", "grid", "random")
TOGETHER = ("nsga2", "tpe", "sobol", "random")
# The model's time grows with the third power of what it looks at: nobody waits for it that long.
TOO_LONG = {("gp", 2_000)}


@dataclass
class Landscape:
    """A strategy over candles, each parameter set evaluated once."""

    strategy: str
    known: dict[bytes, NDArray[np.float64]] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        from bittrader import Costs
        from bittrader.backtest.run import Evaluator
        from bittrader.mining.strategy import Mined
        from bittrader.strategies.registry import load_strategy

        chosen = Mined if self.strategy == "mine" else load_strategy(self.strategy)
        self.space = chosen.space
        self._evaluator = Evaluator(chosen, candles(), Costs(fee=FEE))
        self(self.space.sample(_random(0), 20))  # compiled
        self.known, self.seconds = {}, 0.0

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sharpe ratio and maximal drawdown of each row, NaN where undefined."""
        import numpy as np

        from bittrader.backtest.metrics import METRICS

        keys = [row.tobytes() for row in rows]
        new = {key: index for index, key in enumerate(keys) if key not in self.known}
        if new:
            started = time.process_time()
            metrics = self._evaluator(rows[list(new.values())]).metrics
            self.seconds += time.process_time() - started
            columns = [METRICS.index("sharpe"), METRICS.index("max_drawdown")]
            self.known.update(zip(new, metrics[:, columns], strict=True))
        return np.array([self.known[key] for key in keys])

    @property
    def each(self) -> float:
        """Mean seconds of an evaluation."""
        return self.seconds / len(self.known)


@dataclass(frozen=True)
class Search:
    """What one search found."""

    values: NDArray[np.float64]
    """Of each trial, in order: Sharpe ratio and maximal drawdown."""
    seconds: float
    """What the sampler took."""


def candles():
    from bittrader.market.sample import synthetic
    from bittrader.market.store import read_candles

    folder = Path(os.environ.get("BITTRADER_TEST_DATA") or HERE.parents[1] / "shared" / "data")
    if not (folder / CANDLES).exists():
        return synthetic(BARS)
    return read_candles(folder / CANDLES)


def search(name: str, landscape: Landscape, trials: int, seed: int, objectives: int = 1, limit: float = 1e9) -> Search:
    """One search of so many trials, or as many as fit into `limit` seconds."""
    import numpy as np

    from bittrader.optimize.samplers.choose import generation_size, make

    generation = generation_size(name, trials)
    sampler = make(name, landscape.space, seed, trials, generation, objectives)
    found, asked, spent, sets = [], 0, 0.0, set()
    while asked < trials and spent + len(sets) * _each(landscape) < limit:
        started = time.process_time()
        rows = sampler.ask(asked, min(generation, trials - asked))
        spent += time.process_time() - started
        if len(rows) == 0:
            break
        values = landscape(rows)
        sets.update(row.tobytes() for row in rows)
        losses = (values * (-1.0, 1.0))[:, :objectives]
        failed = np.isnan(losses).any(axis=1)
        started = time.process_time()
        if sampler.learns:
            sampler.tell(rows, np.where(failed[:, None], np.inf, losses), np.where(failed, np.inf, 0.0))
        spent += time.process_time() - started
        found.append(values)
        asked += len(rows)
    return Search(np.concatenate(found), spent)


def _each(landscape: Landscape) -> float:
    return landscape.each if landscape.known else 0.0


def best(search: Search) -> float:
    import numpy as np

    return float(np.nanmax(search.values[:, 0]))


def hypervolume(search: Search) -> float:
    """The area that the front dominates, from a Sharpe ratio of 0 and a drawdown of 1: larger is better."""
    import numpy as np

    values = search.values[~np.isnan(search.values).any(axis=1)]
    area, deepest = 0.0, 1.0
    for sharpe, drawdown in values[np.lexsort((values[:, 1], -values[:, 0]))]:
        if drawdown < deepest and sharpe > 0:
            area += sharpe * (deepest - drawdown)
            deepest = drawdown
    return area


def _random(seed: int):
    import numpy as np

    return np.random.default_rng(seed)


@dataclass(frozen=True)
class Cell:
    """Several seeds of one search."""

    strategy: str
    sampler: str
    what: str
    scores: list[float]
    sampler_ms: float
    """What the sampler takes for a trial, in milliseconds."""


def compared() -> Iterator[Cell]:
    """One objective at equal evaluations and at equal time, then two."""
    for strategy in STRATEGIES:
        landscape = Landscape(strategy)
        for budget in BUDGETS:
            for name in ALONE:
                if (name, budget) not in TOO_LONG:
                    runs = [search(name, landscape, budget, seed) for seed in SEEDS]
                    yield _cell(strategy, name, f"{budget:,}", runs, map(best, runs))
        for name in ALONE:
            runs = [search(name, landscape, 10_000, seed, limit=SECONDS) for seed in SEEDS]
            yield _cell(strategy, name, f"{SECONDS:g} s", runs, map(best, runs))
        for budget in BUDGETS[1:]:
            for name in TOGETHER:
                runs = [search(name, landscape, budget, seed, objectives=2) for seed in SEEDS]
                yield _cell(strategy, name, f"{budget:,}, front", runs, map(hypervolume, runs))


def _cell(strategy: str, name: str, what: str, runs: list[Search], scores: Iterable[float]) -> Cell:
    each = 1e3 * sum(run.seconds for run in runs) / sum(len(run.values) for run in runs)
    return Cell(strategy, name, what, list(scores), each)


def markdown(cells: list[Cell]) -> str:
    """A table a strategy: a row a sampler, a column a budget; the best of a column in bold."""
    strategies = dict.fromkeys(cell.strategy for cell in cells)
    return "\n".join(_table(name, [cell for cell in cells if cell.strategy == name]) for name in strategies)


def _table(strategy: str, cells: list[Cell]) -> str:
    columns = list(dict.fromkeys(cell.what for cell in cells))
    tops = {what: max(mean(cell.scores) for cell in cells if cell.what == what) for what in columns}
    lines = [[f"`{strategy}`", *columns, "ms a trial"], ["---", *("---:" for _ in columns), "---:"]]
    for name in dict.fromkeys(cell.sampler for cell in cells):
        own = {cell.what: cell for cell in cells if cell.sampler == name}
        took = [cell.sampler_ms for cell in own.values()]
        shown = (_score(own[what], tops[what]) if what in own else "" for what in columns)
        lines.append([f"`{name}`", *shown, f"{min(took):.2g} to {max(took):.2g}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _score(cell: Cell, top: float) -> str:
    shown = f"{mean(cell.scores):.3f} ± {stdev(cell.scores):.3f}"
    return f"**{shown}**" if mean(cell.scores) == top else shown


def documented(text: str, table: str) -> str:
    """The document with this table in the place of the last one."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table}\n{END}{tail}"


def run(title: str, *, document: bool) -> None:
    """Prints the comparison as it grows, and keeps it."""
    cells = []
    for cell in compared():
        cells.append(cell)
        words = f"{cell.strategy:14} {cell.what:14} {cell.sampler:16}"
        print(f"{words} {mean(cell.scores):8.3f} ± {stdev(cell.scores):.3f} {cell.sampler_ms:9.3g} ms", flush=True)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    table = f"{title}\n\n{markdown(cells)}"
    facts = {"when": title, "cells": [vars(cell) for cell in cells]}
    (results / "samplers.json").write_text(json.dumps(facts, indent=1))
    (results / "samplers.md").write_text(table)
    if document:
        DOCUMENT.write_text(documented(DOCUMENT.read_text(encoding="utf-8"), table), encoding="utf-8")
    print(f"Kept as {results / 'samplers.json'} and samplers.md.")
