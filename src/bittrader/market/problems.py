"""The kinds of problem that candles can have, and the choices that mend them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bittrader.errors import InputError, did_you_mean
from bittrader.market.table import utc

Drop = Literal["refuse", "drop"]
Sort = Literal["refuse", "sort"]
Duplicates = Literal["refuse", "drop", "first", "last"]
BadTicks = Literal["refuse", "drop", "keep"]
Gaps = Literal["refuse", "fill", "keep"]

_CHOICES = {
    "invalid": Drop,
    "unordered": Sort,
    "duplicates": Duplicates,
    "unfinished": Drop,
    "off_grid": Drop,
    "bad_ticks": BadTicks,
    "gaps": Gaps,
}


@dataclass(frozen=True)
class Choices:
    """What to do about each kind of problem; whatever is not chosen is refused."""

    invalid: Drop = "refuse"
    """`drop`: drop rows with impossible prices or volumes."""
    unordered: Sort = "refuse"
    """`sort`: put the rows in order of time."""
    duplicates: Duplicates = "refuse"
    """`drop`: keep one of several equal rows. `first`, `last`: also keep that one, in the rows' order, where rows of
    one time differ."""
    unfinished: Drop = "refuse"
    """`drop`: drop a last bar that had not ended."""
    off_grid: Drop = "refuse"
    """`drop`: drop rows that start between two bars."""
    bad_ticks: BadTicks = "refuse"
    """`drop`: drop bars with a bad tick. `keep`: they are real."""
    gaps: Gaps = "refuse"
    """`fill`: a flat bar at the last close, with volume 0, for each missing one. `keep`: leave them out."""

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            value, allowed = getattr(self, name), get_args(kind)
            if value not in allowed:
                hint = did_you_mean(str(value), allowed)
                raise InputError(f"{flag(name)} takes {', '.join(allowed)}, not {value!r}.{hint}")


@dataclass(frozen=True)
class Problem:
    """One kind of problem in a table, with all its places taken together."""

    kind: str
    count: int
    """Rows concerned; for gaps, missing bars."""
    places: tuple[int, ...]
    """The first few bars concerned, in UTC milliseconds."""
    sentence: str
    """What is wrong, without a full stop."""
    choice: str = ""
    """The field of `Choices` that is asked; empty when no choice can mend it."""
    options: tuple[str, ...] = ()
    """The values of that choice which mend it."""
    note: bool = False
    """Worth knowing, and no error."""

    @property
    def mend(self) -> str:
        """The flag that mends it and its possible values, as in `--gaps fill (or keep)`; empty when none does."""
        return _words(self.choice, self.options) if self.choice else ""

    def as_dict(self) -> dict[str, object]:
        """The problem as plain values, its places as words."""
        return {
            "kind": self.kind,
            "count": self.count,
            "places": [utc(place) for place in self.places],
            "sentence": self.sentence,
            "mend": self.mend,
            "note": self.note,
        }


def flag(choice: str) -> str:
    """The command line's flag for a choice."""
    return "--" + choice.replace("_", "-")


def needed(problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """For each choice that these problems ask for, the values that mend all of them."""
    options: dict[str, tuple[str, ...]] = {}
    for problem in problems:
        if problem.choice:
            before = options.get(problem.choice, problem.options)
            options[problem.choice] = tuple(option for option in before if option in problem.options)
    return options


def flags(problems: list[Problem]) -> str:
    """The flags that mend all these problems together, with their possible values."""
    return ", ".join(_words(choice, values) for choice, values in needed(problems).items())


def example(problems: list[Problem]) -> str:
    """Flags that mend all these problems together, as they may be typed."""
    return " ".join(f"{flag(choice)} {values[0]}" for choice, values in needed(problems).items())


def _words(choice: str, values: tuple[str, ...]) -> str:
    others = f" (or {', '.join(values[1:])})" if len(values) > 1 else ""
    return f"{flag(choice)} {values[0]}{others}"
