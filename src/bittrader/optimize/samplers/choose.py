"""The samplers by name, and which of them suits a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.errors import InputError, StudyError, did_you_mean
from bittrader.optimize.samplers.cma_es import CmaEsSampler
from bittrader.optimize.samplers.de import DifferentialEvolutionSampler
from bittrader.optimize.samplers.gp import GpSampler
from bittrader.optimize.samplers.grid import GridSampler, allowed_count
from bittrader.optimize.samplers.latin_hypercube import LatinHypercubeSampler
from bittrader.optimize.samplers.nsga2 import Nsga2Sampler
from bittrader.optimize.samplers.random import RandomSampler
from bittrader.optimize.samplers.sobol import SobolSampler
from bittrader.optimize.samplers.tpe import TpeSampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittrader.optimize.samplers.base import Sampler
    from bittrader.strategies.space import Space

SAMPLERS = ("auto", "tpe", "gp", "de", "cma-es", "nsga2", "sobol", "latin-hypercube", "grid", "random")
MANY_OBJECTIVES = ("nsga2", "tpe", "sobol", "latin-hypercube", "grid", "random")

# Measured on seven years of hourly bars: Documentation/PERFORMANCE_BENCHMARKS.md. Of 2 parameters `de` is as good as
# any from the start. Of 7, a model leaves less to chance in 80 trials (`gp` still less, at 40 times the cost), and `de`
# leads from some hundred on.
_MODELLED_TRIALS = 200
_MODELLED_DIMENSIONS = 4
# Where parameters depend on others (mined rules, three or four seeds), tpe finds more in 400 trials and nsga2 in 4,000;
# in 20,000 de finds the same in a third of the time.
_MODELLED_RULES = 400
_CROSSED_TRIALS = 10_000


@dataclass(frozen=True)
class Chosen:
    """A sampler, why it, and how many parameter sets it is asked for at once."""

    sampler: str
    reason: str
    generation: int


def choose(wanted: str, space: Space, trials: int, objectives: int = 1) -> Chosen:
    """The sampler that is wanted, or for `auto` the one that suits.

    InputError for a name that is none, and for a sampler that cannot search for so many objectives.
    """
    if wanted not in SAMPLERS:
        hint = did_you_mean(wanted, SAMPLERS) or f" There are {', '.join(SAMPLERS)}."
        raise InputError(f"there is no sampler {wanted!r}.{hint}")
    if objectives > 1 and wanted not in ("auto", *MANY_OBJECTIVES):
        raise InputError(f"{wanted} searches for one objective. For several there are {', '.join(MANY_OBJECTIVES)}.")
    name, reason = _suited(space, trials, objectives) if wanted == "auto" else (wanted, "as asked")
    return Chosen(name, reason, generation_size(name, trials))


def _suited(space: Space, trials: int, objectives: int) -> tuple[str, str]:
    count = allowed_count(space)
    if count is not None and count <= trials:
        return "grid", f"{trials:,} trials hold all {count:,} parameter sets" if count > 1 else "there is but one set"
    dimensions = sum(one.count > 1 for one in space.parameters)
    searched = f"{trials:,} trials of {dimensions} parameter{'s' * (dimensions != 1)}"
    if objectives > 1:
        return "nsga2", f"{searched} for {objectives} objectives: it breeds towards their whole front"
    if trials <= (_MODELLED_RULES if space.conditional else _MODELLED_TRIALS) and dimensions >= _MODELLED_DIMENSIONS:
        return "tpe", f"{searched}: a model of the earlier ones leaves less to chance"
    if space.conditional and trials <= _CROSSED_TRIALS:
        return "nsga2", f"{searched}, some of which count only beside others: crossing keeps what goes together"
    return "de", f"{searched}: it finds most, and soon"


def generation_size(sampler: str, trials: int) -> int:
    """How many sets are asked at once. Small enough to learn from, large enough to keep all cores busy."""
    if sampler in ("tpe", "gp"):
        return 10 if trials <= _MODELLED_TRIALS else 20
    if sampler in ("de", "cma-es", "nsga2"):
        return min(256, max(16, trials // 200))
    return 1024


def make(name: str, space: Space, seed: int, trials: int, generation: int, objectives: int = 1) -> Sampler:
    """The sampler called `name`; StudyError for one of another bittrader."""
    makers: dict[str, Callable[[], Sampler]] = {
        "tpe": lambda: TpeSampler(space, seed, objectives),
        "gp": lambda: GpSampler(space, seed),
        "de": lambda: DifferentialEvolutionSampler(space, seed, generation),
        "cma-es": lambda: CmaEsSampler(space, seed, generation),
        "nsga2": lambda: Nsga2Sampler(space, seed, generation, objectives),
        "sobol": lambda: SobolSampler(space, seed),
        "latin-hypercube": lambda: LatinHypercubeSampler(space, seed),
        "grid": lambda: GridSampler(space, seed, trials),
        "random": lambda: RandomSampler(space, seed),
    }
    if name not in makers:
        raise StudyError(f"there is no sampler {name!r} in this bittrader.")
    return makers[name]()
