from __future__ import annotations

import pytest

from bittrader.errors import InputError
from bittrader.optimize.space_toml import read_space
from bittrader.optimize.studies.space_json import space_to_json

WHOLE = """
constraints = ["fast < slow", "size >= 0.2"]

[parameters.fast]
kind = "int"
low = 5
high = 100
step = 5
default = 20

[parameters.slow]
kind = "int"
low = 10
high = 400
log = true

[parameters.size]
kind = "float"
low = 0.1
high = 1.0
step = 0.1

[parameters.side]
kind = "choice"
values = ["long", "both"]
default = "both"
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        (tmp_path / "space.toml").write_text(text)
        return tmp_path / "space.toml"

    return write


def test_a_space_is_read_as_written(written):
    assert space_to_json(read_space(written(WHOLE))) == {
        "parameters": [
            {"name": "fast", "kind": "int", "low": 5, "high": 100, "step": 5, "log": False, "default": 20},
            {"name": "slow", "kind": "int", "low": 10, "high": 400, "step": 1, "log": True, "default": 205},
            {"name": "size", "kind": "float", "low": 0.1, "high": 1.0, "step": 0.1, "log": False, "default": 0.5},
            {"name": "side", "kind": "choice", "values": ["long", "both"], "default": "both"},
        ],
        "constraints": [["fast", "<", "slow"], ["size", ">=", 0.2]],
    }


A = '[parameters.a]\nkind = "int"\nlow = 1\nhigh = 5\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no parameter"),
        ("[parameters", "Expected ']'"),
        ("[parameter.a]\nlow = 1", "no setting 'parameter'. Did you mean 'parameters'"),
        ("[parameters.a]\nlow = 1\nhigh = 2", "the parameter a needs kind ="),
        ('[parameters.a]\nkind = "int"\nlow = 1', "the parameter a needs high"),
        ('[parameters.a]\nkind = "choice"', "the parameter a needs values"),
        ('[parameters.a]\nkind = ["int"]', "the parameter a needs kind ="),
        ('[parameters.a]\nkind = "int"\nlow = true\nhigh = 2', "low is a number, not True"),
        ('[parameters.a]\nkind = "int"\nlow = 1\nhigh = "2"', "high is a number, not '2'"),
        ('[parameters.a]\nkind = "float"\nlow = 1\nhigh = 2\nlog = "yes"', "log is true or false"),
        ('[parameters.a]\nkind = "choice"\nvalues = [2020-01-01]', "plain values"),
        ('[parameters.a]\nkind = "choice"\nvalues = [["b"]]', "plain values"),
        ('[parameters.a]\nkind = "choice"\nvalues = [nan, 1.0]', "plain values"),
        (f'[parameters.a]\nkind = "int"\nlow = 1\nhigh = {10**400}', "up to 2"),
        (f'[parameters.a]\nkind = "float"\nlow = 1\nhigh = {10**400}', "the parameter a: "),
        ('[parameters.a]\nkind = "choice"\nvalues = "long"', "values is a list"),
        ('[parameters.a]\nkind = "int"\nlow = 5\nhigh = 1', "is empty"),
        ('[parameters.a]\nkind = "int"\nlow = 1.5\nhigh = 3', "Int takes whole numbers, not 1.5"),
        ('[parameters.a]\nkind = "float"\nlow = "x"\nhigh = 3', "the parameter a: "),
        (A + "stpe = 1", "no setting 'stpe'. Did you mean 'step'"),
        (A + "default = 9", "takes 1 to 5, not 9"),
        ('constraints = ["b < 3"]\n' + A, "'b', which is no parameter"),
        ('constraints = ["a = 3"]\n' + A, "the constraint 'a = 3' does not read as one"),
        ("constraints = 3\n" + A, "constraints is a list"),
    ],
)
def test_what_is_no_space_is_refused_with_the_file_and_what_is_wrong(written, text, words):
    path = written(text)
    with pytest.raises(InputError) as refusal:
        read_space(path)
    assert str(path) in str(refusal.value)
    assert words in str(refusal.value)
    assert str(refusal.value)[:-1] == str(refusal.value).rstrip(".?")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read the space"):
        read_space(tmp_path / "none.toml")
