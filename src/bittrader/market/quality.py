"""What is wrong with a table of candles, and the table mended as somebody chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bittrader.errors import DataError
from bittrader.market.checks import STAGES, Context, notes, whole
from bittrader.market.problems import Choices, Problem, flags

if TYPE_CHECKING:
    from bittrader.market.table import Table
    from bittrader.market.timeframe import Timeframe

# What a walk goes on with behind a problem that nobody chose to mend. A check reports a source's own gaps, so it keeps
# bad ticks; a refusal names every flag that will be needed, those for the holes that dropping leaves included.
_LOOK = Choices("drop", "sort", "first", "drop", "drop", "keep", "keep")
_ASSUME = Choices("drop", "sort", "first", "drop", "drop", "drop", "keep")


@dataclass(frozen=True, eq=False)
class Mended:
    """A table as it was mended, and what was done to it."""

    table: Table
    done: tuple[str, ...]


@dataclass(eq=False)
class _Walk:
    """A table on its way through the stages."""

    table: Table
    problems: list[Problem]
    refused: list[Problem]
    done: list[str]


def inspect(table: Table, timeframe: Timeframe, *, now: int) -> list[Problem]:
    """Every problem of a table of bars of this length, as seen at `now` (UTC milliseconds), notes last."""
    walked = _walk(table, Context(timeframe, now), Choices(), _LOOK)
    return walked.problems + notes(walked.table, Context(timeframe, now))


def remarks(table: Table, timeframe: Timeframe) -> list[Problem]:
    """What is worth knowing about candles that have no problem."""
    return notes(table, Context(timeframe, now=0))


def mend(table: Table, timeframe: Timeframe, choices: Choices, *, now: int) -> Mended:
    """The table with each problem mended as chosen; DataError naming what was not chosen, and the flags that would."""
    walked = _walk(table, Context(timeframe, now), choices, _ASSUME)
    if walked.refused:
        sentences = "; ".join(problem.sentence for problem in walked.refused)
        mending = flags(walked.refused)
        raise DataError(f"{sentences}." + (f" To mend: {mending}." if mending else ""))
    return Mended(walked.table, tuple(walked.done))


def _walk(table: Table, context: Context, choices: Choices, otherwise: Choices) -> _Walk:
    if len(table) == 0:
        raise DataError("there are no bars.")
    problems = whole(table, context)
    walk = _Walk(table, problems, list(problems), [])
    if any(problem.kind == "wrong-timeframe" for problem in problems):
        return walk
    for stage in STAGES:
        found = stage.find(walk.table, context)
        if found:
            choice = getattr(choices, stage.choice)
            refused = [problem for problem in found if choice not in problem.options]
            mended = stage.fix(walk.table, context, getattr(otherwise, stage.choice) if refused else choice)
            walk.done += [] if refused else [_told(found, choice, len(mended) - len(walk.table))]
            walk.table, walk.problems, walk.refused = mended, walk.problems + found, walk.refused + refused
        if len(walk.table) == 0:
            raise DataError("no row is a bar: " + "; ".join(problem.sentence for problem in walk.problems) + ".")
    return walk


def _told(found: list[Problem], choice: str, change: int) -> str:
    deeds = {
        "sort": "sorted",
        "fill": f"filled {change:,} flat bars with volume 0",
        "keep": "kept",
        "drop": f"dropped {-change:,}",
        "first": f"dropped {-change:,}, keeping the first of each time",
        "last": f"dropped {-change:,}, keeping the last of each time",
    }
    return f"{'; '.join(problem.sentence for problem in found)}; {deeds[choice]}"
