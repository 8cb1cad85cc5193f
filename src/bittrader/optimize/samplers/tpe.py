"""Parameter sets that a model of the earlier ones finds promising: Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.samplers.base import Sampler, best_first, nearest_allowed
from bittrader.optimize.spaces import Fixed
from bittrader.strategies.parameters import Choice, Float, Int

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Parameter, Rows, Space

# Sets drawn at random before there is anything to model.
_START_UP = 10
# The model's cost grows with what it looks at: the best and the latest are enough.
_BEST, _LATEST = 200, 800


class TpeSampler(Sampler):
    """TPE (Bergstra et al. 2011; multivariate after Falkner et al. 2018), a generation at a time.

    A new in-memory Optuna study a generation, filled with what was told, keeps the state a function of the history.
    Sets of one generation keep apart, because Optuna counts those still running as bad ones (the constant liar).
    """

    def __init__(self, space: Space, seed: int, objectives: int) -> None:
        super().__init__(space, seed)
        self._rows = np.empty((0, len(space.names)))
        self._losses = np.empty((0, objectives))
        self._violations = np.empty(0)
        self._free = [(index, one) for index, one in enumerate(space.parameters) if one.count > 1]

    def ask(self, start: int, count: int) -> Rows:
        rng = self.rng(start)
        if len(self._rows) < _START_UP or not self._free:
            return self.space.sample(rng, count)
        asked = self._suggest(int(rng.integers(2**31)), count)
        return nearest_allowed(self.space, asked, rng)

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        self._rows = np.concatenate([self._rows, rows])
        self._losses = np.concatenate([self._losses, losses])
        self._violations = np.concatenate([self._violations, violations])
        if len(self._rows) > _BEST + _LATEST:
            older = best_first(self._losses[:-_LATEST], self._violations[:-_LATEST])[:_BEST]
            kept = np.concatenate([np.sort(older), np.arange(len(self._rows) - _LATEST, len(self._rows))])
            self._rows, self._losses, self._violations = self._rows[kept], self._losses[kept], self._violations[kept]

    def _suggest(self, seed: int, count: int) -> Rows:
        import optuna  # noqa: PLC0415 - up to a second that other samplers need not spend

        logging.getLogger("optuna").setLevel(logging.WARNING)
        distributions = {one.name: distribution(one) for _, one in self._free}
        sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=seed, multivariate=True)
        study = optuna.create_study(sampler=sampler, directions=["minimize"] * self._losses.shape[1])
        told = zip(self._rows, self._losses.tolist(), self._violations.tolist(), strict=True)
        for row, losses, violation in told:
            params = {one.name: one.decode(row[index]) for index, one in self._free}
            kept = {"conditions": violation}
            study.add_trial(
                optuna.create_trial(params=params, distributions=distributions, values=losses, constraints=kept)
            )
        asked = [study.ask(distributions).params for _ in range(count)]
        return np.array([self._row(params) for params in asked])

    def _row(self, params: dict[str, Any]) -> NDArray[np.float64]:
        row: NDArray[np.float64] = self.space.at(np.full((1, len(self.space.names)), 0.5))[0]
        for index, one in self._free:
            row[index] = one.encode(params[one.name])
        return row


def distribution(one: Parameter[Any]) -> Any:
    """A parameter as Optuna has it."""
    from optuna import distributions  # noqa: PLC0415 - as above

    if isinstance(one, Int):
        return distributions.IntDistribution(one.low, one.high, log=one.log, step=one.step)
    if isinstance(one, Float):
        return distributions.FloatDistribution(one.low, one.high, log=one.log, step=one.step)
    if isinstance(one, Choice):
        return distributions.CategoricalDistribution(one.values)
    assert isinstance(one, Fixed)
    return distribution(one.of)
