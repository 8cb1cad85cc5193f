"""A strategy that is being checked, and what it says."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bittrader.errors import BittraderError, cause_of, is_interrupt
from bittrader.strategies.activity import enabling
from bittrader.strategies.base import checked, plain
from bittrader.strategies.differences import kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bittrader.market.candles import Candles
    from bittrader.strategies.base import Signals, Strategy
    from bittrader.strategies.chart import Chart

_DRAWN = 4


@dataclass(frozen=True)
class Subject:
    """A strategy, and the candles and parameter sets it is tried with."""

    strategy: type[Strategy]
    candles: Candles
    seed: int

    def drawn(self) -> list[Strategy]:
        """The defaults, where they are allowed, and a few random parameter sets."""
        rng = np.random.default_rng(self.seed)
        rows = self.strategy.space.sample(rng, _DRAWN) if self.strategy.space.names else np.empty((0, 0))
        return [*_allowed(self.strategy, [{}]), *map(self.strategy.from_row, rows)]

    def edges(self) -> list[Strategy]:
        """Every parameter at its lowest and highest, alone and all together, as far as the constraints allow."""
        space, ends = self.strategy.space, (0.0, np.nextafter(1.0, 0.0))
        corners = space.at(np.array([[end] * len(space.names) for end in ends]))
        alone = [
            {**enabling(one), one.name: one.decode(one.at(np.array([end]))[0])}
            for end in ends
            for one in space.parameters
        ]
        return _allowed(self.strategy, [*map(space.decode, corners), *alone])


class Raised(Exception):  # noqa: N818 - it is no error of ours
    """The strategy raised something."""


def signals_of(strategy: Strategy, chart: Chart) -> Signals:
    """The strategy's signals, checked for type and length."""
    try:
        return plain(checked(strategy.signals(chart), len(chart)))
    except BittraderError as error:
        raise Raised(f"{error}{having(strategy)}") from error
    except BaseException as error:
        if is_interrupt(error):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise Raised(f"{cause_of(error)} ({last.filename}, line {last.lineno}){having(strategy)}.") from error


def _allowed(strategy: type[Strategy], sets: list[dict[str, Any]]) -> list[Strategy]:
    made = []
    for params in sets:
        try:
            made.append(strategy(**params))
        except BittraderError:  # a constraint forbids this corner
            continue
    return made


def kept_signals(strategy: Strategy, chart: Chart) -> Signals:
    """A copy of its signals, in case it writes into its arrays again."""
    return kept(signals_of(strategy, chart))


def flags_of(flags: NDArray[np.bool_] | None, bars: int) -> NDArray[np.bool_]:
    """The flags; none set where the strategy gave none."""
    return np.zeros(bars, np.bool_) if flags is None else flags


def entries(signals: Signals, bars: int) -> NDArray[np.bool_]:
    """Where it enters, on either side."""
    return flags_of(signals.enter_long, bars) | flags_of(signals.enter_short, bars)


def having(strategy: Strategy) -> str:
    """The end of a sentence: with which parameters."""
    values = ", ".join(f"{name}={value}" for name, value in strategy.params.items())
    return f", with {values}" if values else ""
