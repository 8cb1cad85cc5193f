"""Readings from a file, in place of the computer's own: for tests, and for the curious who want to see what happens.

`BITTRADER_READINGS=FILE` names a JSON object such as `{"on_battery": true, "charge": 0.35}`. What it does not say is
read as always. Replace the file as a whole, because it is read at any moment.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bittrader.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from bittrader.host.base import Readings

VARIABLE = "BITTRADER_READINGS"
_NUMBERS = {"idle_seconds": math.inf, "charge": 1.0, "other_load": math.inf}
_SWITCHES = ("on_battery", "hot", "has_screen", "laptop")


def overridden(readings: Readings) -> Readings:
    """The readings, with those of the file that the environment names; InputError if that file cannot be used."""
    path = os.environ.get(VARIABLE)
    if not path:
        return readings
    try:
        said = Path(path).read_text(encoding="utf-8")
        return replace(readings, **parse_readings(said))
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{VARIABLE}={path}: {getattr(error, 'strerror', None) or error}.") from None


def parse_readings(text: str) -> dict[str, Any]:
    """The readings that a file's text holds, each checked."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("it is no JSON") from None
    if not isinstance(facts, dict):
        raise InputError('it is no JSON object such as {"charge": 0.35}')
    for key, value in facts.items():
        if key not in (*_NUMBERS, *_SWITCHES):
            raise InputError(f"there is no reading {key!r}.{did_you_mean(key, (*_NUMBERS, *_SWITCHES))}".rstrip("."))
        if not _fits(key, value):
            raise InputError(f"{key} cannot be {value!r}")
    return facts


def _fits(key: str, value: object) -> bool:
    if value is None:
        return key != "other_load"
    if key in _SWITCHES:
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _NUMBERS[key]
