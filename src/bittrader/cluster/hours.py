"""Spans of the day, as an owner writes them: 20:00-08:00."""

from __future__ import annotations

import re

from bittrader.errors import InputError

_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d) ?[-–] ?([01]?\d|2[0-4]):([0-5]\d)")  # noqa: RUF001 - a dash is typed too


def minutes_of(span: str) -> tuple[int, int]:
    """When a span such as 20:00-08:00 begins and ends, in minutes of the day."""
    found = _SPAN.fullmatch(span)
    if found is None or (found[3] == "24" and found[4] != "00"):
        raise InputError(f'hours holds spans of the day as in "20:00-08:00", not {span!r}')
    start, stop = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start == stop:
        raise InputError(f"the span {span} of hours is empty; leave hours out to run all day")
    return start, stop


def covers(span: tuple[int, int], minute: float) -> bool:
    """Whether a span of minutes holds a minute of the day; one that ends before it begins goes over midnight."""
    start, stop = span
    return start <= minute < stop if start < stop else minute >= start or minute < stop
