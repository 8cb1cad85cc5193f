"""Readings that a file gives in place of the computer's own."""

from __future__ import annotations

import json

import pytest

from bittrader.errors import InputError
from bittrader.host.base import Readings
from bittrader.host.override import overridden, parse_readings

REAL = Readings(idle_seconds=5.0, on_battery=False, other_load=1.5)


def test_without_the_variable_the_readings_are_the_computers_own(monkeypatch):
    monkeypatch.delenv("BITTRADER_READINGS", raising=False)
    assert overridden(REAL) is REAL


def test_what_the_file_says_is_taken_and_the_rest_is_real(monkeypatch, tmp_path):
    file = tmp_path / "readings.json"
    file.write_text(json.dumps({"on_battery": True, "charge": 0.35, "idle_seconds": None}))
    monkeypatch.setenv("BITTRADER_READINGS", str(file))
    assert overridden(REAL) == Readings(idle_seconds=None, on_battery=True, charge=0.35, other_load=1.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is no JSON"),
        ("[1]", "no JSON object"),
        ('{"chrage": 0.5}', "no reading 'chrage'. Did you mean 'charge'?"),
        ('{"charge": 35}', "charge cannot be 35"),
        ('{"idle_seconds": -1}', "idle_seconds cannot be -1"),
        ('{"other_load": NaN}', "other_load cannot be nan"),
        ('{"other_load": null}', "other_load cannot be None"),
        ('{"hot": 1}', "hot cannot be 1"),
        ('{"charge": true}', "charge cannot be True"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(text, words):
    with pytest.raises(InputError) as refused:
        parse_readings(text)
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_refused_with_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("BITTRADER_READINGS", str(tmp_path / "none.json"))
    with pytest.raises(InputError, match=r"BITTRADER_READINGS=.*none\.json: No such file or directory\.$"):
        overridden(REAL)
