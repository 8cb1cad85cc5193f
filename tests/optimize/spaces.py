"""Spaces that samplers and studies are tried on."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from bittrader.optimize.narrowing import narrowed
from bittrader.strategies.parameters import Choice, Float, Int
from bittrader.strategies.space import Space


def named(**parameters):
    for name, parameter in parameters.items():
        parameter.name = name
    return tuple(parameters.values())


def crossing():
    fast, slow = named(fast=Int(5, 60), slow=Int(10, 100))
    return Space((fast, slow), (fast < slow,))


def mixed():
    low, high, stop, side, length = named(
        low=Float(10, 60, step=2.5),
        high=Float(40, 90),
        stop=Float(0.5, 8, log=True),
        side=Choice("long", "short", "both"),
        length=Int(2, 200, log=True),
    )
    return Space((low, high, stop, side, length), (low < high, length > 3))


def one_point():
    return Space(named(fast=Int(5, 5), side=Choice("long")))


def no_parameters():
    return Space(())


def tiny():
    a, b = named(a=Int(0, 3), b=Choice("x", "y"))
    return Space((a, b))


def conditional():
    entry = Choice("cross", "rsi", "always", default="always")
    entry.name = "entry"
    fast, slow, length, smooth, window, stop = named(
        fast=Int(2, 4).when(entry, "cross"),
        slow=Int(3, 6).when(entry, "cross"),
        length=Int(2, 9).when(entry, "rsi", "cross"),
        smooth=Choice("no", "yes").when(entry, "rsi"),
        window=Int(2, 4),
        stop=Int(1, 3),
    )
    window = window.when(smooth, "yes")
    return Space((entry, fast, slow, length, smooth, window, stop), (fast < slow, length > 2))


SPACES = {
    "conditional": conditional(),
    "crossing": crossing(),
    "mixed": mixed(),
    "one point": one_point(),
    "no parameters": no_parameters(),
    "tiny": tiny(),
}


@st.composite
def numeric(draw):
    """A numeric parameter of any kind."""
    low, wide = draw(st.integers(1, 50)), draw(st.integers(1, 400))
    kind = draw(st.sampled_from(["int", "step", "log int", "float", "step float", "log float"]))
    return {
        "int": lambda: Int(low - 20, low - 20 + wide),
        "step": lambda: Int(low, low + wide, step=draw(st.integers(1, 7))),
        "log int": lambda: Int(low, low + wide, log=True),
        "float": lambda: Float(-low / 3, wide / 7),
        "step float": lambda: Float(low / 10, (low + wide) / 10, step=draw(st.sampled_from([0.1, 0.25, 3.0]))),
        "log float": lambda: Float(low / 10, (low + wide) / 10, log=True),
    }[kind]()


@st.composite
def spaces(draw):
    """Spaces of up to six parameters: numbers, a choice, what depends on it, some fixed, a constraint or two."""
    side = Choice(*draw(st.sampled_from([("long",), ("long", "both"), (1, 2, 3, 4), (True, False)])))
    side.name = "side"
    numbers = {f"n{index}": one for index, one in enumerate(draw(st.lists(numeric(), max_size=5)))}
    if numbers and draw(st.booleans()):
        numbers["n0"] = numbers["n0"].when(side, side.values[0])
    parameters = (side, *named(**numbers))
    lower = [(one, one.decode(one.at(np.array([0.3]))[0])) for one in parameters[2:4]]
    middle = [one > value for one, value in lower if value < one.high]  # of one value, nothing would be left
    space = Space(parameters, tuple(draw(st.lists(st.sampled_from(middle), max_size=2)) if middle else ()))
    fixed = draw(st.sets(st.sampled_from(space.names)))
    free = {name for one in space.constraints for name in [one.left.name]}
    return narrowed(space, {}, {one.name: one.default for one in parameters if one.name in fixed - free})
