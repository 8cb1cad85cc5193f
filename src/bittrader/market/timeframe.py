"""The length of a bar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from bittrader.errors import InputError

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": HOUR_MS, "d": 24 * HOUR_MS, "w": 7 * 24 * HOUR_MS}


@dataclass(frozen=True, order=True)
class Timeframe:
    """A bar's length, in milliseconds; written as exchanges write it (`5m`, `1h`, `1d`)."""

    milliseconds: int

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """The timeframe that `text` names; InputError when it names none."""
        match = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", text.strip())
        if match is None:
            raise InputError(f"{text!r} is not a timeframe. Write a number and s, m, h, d or w: 5m, 1h, 1d.")
        return cls(int(match[1]) * _UNIT_MS[match[2]])

    @cached_property
    def bars_per_year(self) -> float:
        """Bars in 365 days of a market that never closes."""
        return YEAR_MS / self.milliseconds

    @property
    def days(self) -> float:
        """The bar's length in days."""
        return self.milliseconds / _UNIT_MS["d"]

    def __str__(self) -> str:
        for unit in "wdhms":
            if self.milliseconds % _UNIT_MS[unit] == 0:
                return f"{self.milliseconds // _UNIT_MS[unit]}{unit}"
        return f"{self.milliseconds}ms"
