"""What was told as a study of rustuna, the library behind `tpe` and `nsga2`.

Rustuna is Optuna's own port to Rust: the same algorithms in a thirtieth of the time, without a package beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import rustuna

from bittrader.optimize.samplers.base import rows_at
from bittrader.strategies.parameters import Choice, Float, Int

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.optimize.samplers.base import Told
    from bittrader.strategies.parameters import Parameter, Rows
    from bittrader.strategies.space import Space

# What is summed up must stay finite; nothing that was measured is as far off.
_FARTHEST = 1e300
_CONDITION = "constraints:conditions"


class RustStudy:
    """A new in-memory study that holds what was told: a generation's worth of questions can be put to it.

    Parameters are named by their column, because rustuna takes them in the order of their names.
    """

    def __init__(self, space: Space, sampler: Any, told: Told, attributes: Mapping[str, str]) -> None:
        self._space = space
        self._free = [(index, one) for index, one in enumerate(space.parameters) if one.count > 1]
        self._losses = told.losses.shape[1]
        self._storage = rustuna.storages.InMemoryStorage()
        down: list[Literal["minimize"]] = ["minimize"] * self._losses
        self._study = rustuna.create_study(sampler=sampler, storage=self._storage, directions=down)
        spread = {_name(index): _distribution(one) for index, one in self._free}
        columns = [(_name(index), _whole(one), told.rows[:, index].tolist()) for index, one in self._free]
        violations = np.minimum(told.violations, _FARTHEST).tolist()
        for number, (losses, violation) in enumerate(zip(told.losses.tolist(), violations, strict=True)):
            self._study.add_trial(
                rustuna.create_trial(
                    params={name: int(values[number]) if whole else values[number] for name, whole, values in columns},
                    distributions=spread,
                    values=losses,
                    system_attrs={**attributes, _CONDITION: str(violation)},
                )
            )

    def ask(self, count: int, *, apart: bool) -> Rows:
        """So many sets, which a constraint of the space may forbid.

        To keep them apart, each counts among the bad ones for those after it (the constant liar).
        """
        rows = self._space.at(np.full((count, len(self._space.names)), 0.5))
        for row in rows:
            self._asked = self._study.ask()
            for index, one in self._free:
                row[index] = self._suggested(_name(index), one)
            if apart:
                self._asked.set_constraint("conditions", _FARTHEST)
                self._study.tell(self._asked.number, [np.inf] * self._losses)
        return rows_at(self._space, self._space.position(rows))

    def noted(self, name: str) -> Any:
        """What the sampler noted in the study."""
        return self._storage.get_study_system_attr(self._asked.study_id, name)

    def _suggested(self, name: str, one: Parameter[Any]) -> float:
        if isinstance(one, Int):
            return self._asked.suggest_int(name, one.low, one.high, one.step, one.log)
        if isinstance(one, Float):
            return self._asked.suggest_float(name, one.low, one.high, one.step, one.log)
        index = self._asked.suggest_categorical(name, list(range(int(one.count))))
        assert isinstance(index, int)
        return index


def _name(index: int) -> str:
    return f"{index:04}"


def _whole(one: Parameter[Any]) -> bool:
    return not isinstance(one, Float)


def _distribution(one: Parameter[Any]) -> Any:
    """A parameter as rustuna has it; a choice is the index of its value."""
    if isinstance(one, Int):
        return rustuna.distributions.IntDistribution(one.low, one.high, one.log, one.step)
    if isinstance(one, Float):
        return rustuna.distributions.FloatDistribution(one.low, one.high, one.log, one.step)
    assert isinstance(one, Choice)
    return rustuna.distributions.CategoricalDistribution(list(range(len(one.values))))
