"""Parameter sets drawn evenly at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittrader.optimize.samplers.base import Sampler

if TYPE_CHECKING:
    from bittrader.strategies.parameters import Rows


class RandomSampler(Sampler):
    """Each allowed parameter set is as likely as any other."""

    learns = False

    def ask(self, start: int, count: int) -> Rows:
        return self.space.sample(self.rng(start), count)
