"""Spaces that samplers and studies are tried on."""

from __future__ import annotations

from bittrader.strategies.parameters import Choice, Float, Int, Space


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
