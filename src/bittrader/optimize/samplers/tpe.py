"""Parameter sets that a model of the earlier ones finds promising: a tree-structured Parzen estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.optimize.samplers.base import Sampler, Told, nearest_allowed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

# Sets drawn at random before there is anything to model.
_START_UP = 10
# The model's cost grows with what it looks at: the best and the latest are enough.
_BEST, _LATEST = 200, 800


class TpeSampler(Sampler):
    """TPE (Bergstra et al. 2011; multivariate after Falkner et al. 2018), a generation at a time; rustuna's.

    A new study a generation, filled with what was told, keeps the state a function of the history. Sets of one
    generation keep apart, because those asked count as bad ones until they are told.
    """

    def __init__(self, space: Space, seed: int, objectives: int) -> None:
        super().__init__(space, seed)
        self._told = Told.nothing(space, objectives)

    def ask(self, start: int, count: int) -> Rows:
        rng = self.rng(start)
        if len(self._told) < _START_UP or self.space.count == 1:
            return self.space.sample(rng, count)
        import rustuna  # noqa: PLC0415 - others need not load the library

        from bittrader.optimize.samplers.rust import RustStudy  # noqa: PLC0415 - as above

        sampler = rustuna.samplers.TPESampler(seed=int(rng.integers(2**63)), n_startup_trials=0)
        study = RustStudy(self.space, sampler, self._told, {})
        asked = study.ask(count, apart=True)
        return nearest_allowed(self.space, asked, rng)

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        self._told = (self._told + Told(rows, losses, violations)).reduced(_BEST, _LATEST)
