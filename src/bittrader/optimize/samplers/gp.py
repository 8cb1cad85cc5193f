"""Parameter sets that a Gaussian process expects to be better: for few and dear evaluations."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.optimize.samplers.base import Sampler, Told, rows_at
from bittrader.strategies.parameters import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bittrader.strategies.parameters import Rows
    from bittrader.strategies.space import Space

_START_UP = 10
# The model's cost grows with the third power of what it looks at.
_BEST, _LATEST = 80, 120
# Candidates: sets from everywhere, and from the neighbourhood of the best, near and nearer.
_ANYWHERE, _NEAR, _CENTRES, _WIDTHS = 1000, 100, 5, (0.1, 0.02)


class GpSampler(Sampler):
    """Expected improvement (Jones, Schonlau and Welch 1998) under scikit-learn's Gaussian process, Matérn 5/2.

    It models how the sets rank, as normal scores, so that neither outliers nor failures bend it and broken conditions
    count as `Told.best_first` has it. Each set of a generation is believed to come to what the model expects before the
    next is chosen (the Kriging believer, Ginsbourger et al. 2010).
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._told = Told.nothing(space, 1)

    def ask(self, start: int, count: int) -> Rows:
        rng = self.rng(start)
        if len(self._told) < _START_UP or self.space.count == 1:
            return self.space.sample(rng, count)
        # Half a second, and a thread pool of its own, which would fight with the evaluations'.
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - see above
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - see above

        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its limit: a parameter of no effect
            return np.concatenate([*self._chosen(rng, count)])

    def tell(self, rows: Rows, losses: NDArray[np.float64], violations: NDArray[np.float64]) -> None:
        self._told = (self._told + Told(rows, losses, violations)).reduced(_BEST, _LATEST)

    def _chosen(self, rng: np.random.Generator, count: int) -> Iterator[Rows]:
        """One row after the other, each of which takes those before it for granted."""
        features, scores = _features(self.space, self._told.rows), normal_scores(self._told.standing())
        model = _fitted(features, scores)
        candidates = self._candidates(rng)
        inputs = _features(self.space, candidates)
        for _ in range(count):
            if len(candidates) == 0:
                yield self.space.sample(rng, 1)
                continue
            expected, deviation = model.predict(inputs, return_std=True)
            chosen = int(expected_improvement(expected, deviation, scores.min()).argmax())
            yield candidates[chosen : chosen + 1]
            features, scores = np.vstack([features, inputs[chosen]]), np.append(scores, expected[chosen])
            model = _believing(model, features, scores)
            candidates, inputs = np.delete(candidates, chosen, axis=0), np.delete(inputs, chosen, axis=0)

    def _candidates(self, rng: np.random.Generator) -> Rows:
        """Allowed sets that were not told, each once."""
        centres = self.space.position(self._told.rows[self._told.best_first()[:_CENTRES]])
        around = [
            np.repeat(centres, _NEAR, axis=0) + width * rng.standard_normal((len(centres) * _NEAR, centres.shape[1]))
            for width in _WIDTHS
        ]
        near = rows_at(self.space, np.concatenate(around))
        rows = np.concatenate([self.space.sample(rng, _ANYWHERE), near[self.space.feasible(near)]])
        rows = rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])]
        known = {row.tobytes() for row in self._told.rows}
        return rows[[row.tobytes() not in known for row in rows]]


def normal_scores(standing: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a normal sample would be at these ranks (Blom 1958), equal ranks at their middle."""
    from scipy.stats import norm, rankdata  # noqa: PLC0415 - half a second that other samplers need not spend

    ranks = rankdata(standing)
    scores: NDArray[np.float64] = norm.ppf((ranks - 0.375) / (len(ranks) + 0.25))
    return scores


def expected_improvement(
    expected: NDArray[np.float64], deviation: NDArray[np.float64], best: float
) -> NDArray[np.float64]:
    """By how much a normal variable is below `best`, on average, where it is; 0 where it cannot be."""
    from scipy.stats import norm  # noqa: PLC0415 - as above

    spread = np.maximum(deviation, 1e-12)
    ahead = (best - expected) / spread
    improvement: NDArray[np.float64] = spread * (ahead * norm.cdf(ahead) + norm.pdf(ahead))
    return improvement


def _features(space: Space, rows: Rows) -> NDArray[np.float64]:
    """What the model sees of rows: positions, and one column a value for choices, between which no order is known."""
    columns = []
    for index, one in enumerate(space.parameters):
        if one.count > 1:
            column = rows[:, [index]]
            columns.append(column == np.arange(one.count) if isinstance(one, Choice) else one.position(column))
    return np.concatenate(columns, axis=1).astype(np.float64)


def _fitted(features: NDArray[np.float64], scores: NDArray[np.float64]) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels  # noqa: PLC0415 - as above

    lengths = np.full(features.shape[1], 0.5)
    kernel = kernels.ConstantKernel(1.0) * kernels.Matern(lengths, (0.02, 20.0), nu=2.5)
    noisy = kernel + kernels.WhiteKernel(1e-2, (1e-5, 1.0))
    return GaussianProcessRegressor(noisy).fit(features, scores)


def _believing(model: Any, features: NDArray[np.float64], scores: NDArray[np.float64]) -> Any:
    """The same model, its lengths kept, of more."""
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415 - as above

    return GaussianProcessRegressor(model.kernel_, optimizer=None).fit(features, scores)
