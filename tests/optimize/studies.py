"""Studies and evaluations to try the optimizer on: quick to make, and of known answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from tests.optimize.spaces import crossing

from bittrader.backtest.costs import Costs, Sizing
from bittrader.backtest.metrics import METRICS
from bittrader.execution.threads import ThreadExecutor
from bittrader.optimize.goals import Objective
from bittrader.optimize.loop import Search
from bittrader.optimize.samplers.choose import generation_size, make
from bittrader.optimize.studies.experiment import CandleFacts, Experiment
from bittrader.optimize.studies.study import Study

FACTS = CandleFacts("btc", "f" * 32, "BTC/USDT", "1h", 1000, 1_500_000_000_000, 1_503_596_400_000, synthetic=False)


def experiment(**changes):
    base = Experiment(
        strategy="sma-cross",
        name="sma-cross",
        code="c" * 32,
        engine="e" * 32,
        series=(FACTS,),
        aggregate="mean",
        space=crossing(),
        costs=Costs(),
        sizing=Sizing(),
        objectives=(Objective("sharpe", "maximize"),),
        where=(),
        metrics=METRICS,
        sampler="random",
        sampler_reason="as asked",
        seed=3,
        trials=100,
        generation=10,
        time_limit=None,
        versions={"bittrader": "0.1.0"},
    )
    return replace(base, **changes)


def searching(sampler, trials=60, **changes):
    return experiment(sampler=sampler, trials=trials, generation=min(20, generation_size(sampler, trials)), **changes)


@dataclass(frozen=True)
class Evaluated:
    metrics: np.ndarray
    errors: dict = field(default_factory=dict)
    names: tuple = METRICS


def evaluate(rows):
    """A Sharpe ratio that is best at fast 20, slow 60; one set in seven fails, one in eleven has no trades."""
    metrics = np.full((len(rows), len(METRICS)), 0.25)
    fast, slow = rows[:, 0], rows[:, 1]
    metrics[:, METRICS.index("sharpe")] = 2 - ((fast - 20) / 30) ** 2 - ((slow - 60) / 40) ** 2
    idle = (fast + slow) % 11 == 0
    metrics[:, METRICS.index("trades")] = np.where(idle, 0, 12)
    metrics[idle, METRICS.index("sharpe")] = np.nan
    broken = np.flatnonzero((fast * 3 + slow) % 7 == 0)
    metrics[broken] = np.nan
    return Evaluated(metrics, {int(index): "ValueError: odd\nparameters" for index in broken})


def run(study, evaluate=evaluate, threads=2, progress=lambda _: None, stopped=lambda: False, fold=0):
    facts = study.experiment
    shape = (facts.space, facts.seed, facts.trials, facts.generation)
    sampler = make(facts.sampler, *shape, len(facts.objectives))
    study.begin(threads)
    with ThreadExecutor(evaluate, threads) as executor:
        return Search(study, sampler, executor, fold).run(progress, stopped)


def contents(study):
    """All that a study says about its trials, but for the time they took."""
    facts = ["number", "generation", "state", "cause", "same_as", "fold", "violation"]
    names = [*facts, *study.parameter_columns, *study.metric_columns]
    return study.connection.execute(f"SELECT {', '.join(names)} FROM trials ORDER BY number").fetchall()


def searched(path, facts, **how):
    with Study.create(path, facts) as study:
        run(study, **how)
        return contents(study)
