"""A space of parameters written down as TOML, for functions that declare none."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bittrader.errors import InputError, StrategyError, did_you_mean
from bittrader.strategies.parameters import Choice, Constraint, Float, Int
from bittrader.strategies.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bittrader.strategies.parameters import Parameter

_KEYS = {
    "int": {"low", "high", "step", "log", "default"},
    "float": {"low", "high", "step", "log", "default"},
    "choice": {"values", "default"},
}
_CONSTRAINT = re.compile(r"\s*(?P<left>\w+)\s*(?P<relation>[<>]=?)\s*(?P<right>[^<>=\s]+)\s*")


def read_space(path: str | Path) -> Space:
    """The space that a TOML file describes; InputError, with the place, for anything that is none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the space {path}: {getattr(error, 'strerror', None) or error}.") from None
    try:
        return space_from_toml(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, InputError, StrategyError) as error:
        words = str(error)
        raise InputError(f"{path}: {words if words.endswith(('.', '?')) else f'{words}.'}") from None


def space_from_toml(facts: Mapping[str, Any]) -> Space:
    """The space of the tables `[parameters.NAME]` and the list `constraints`."""
    _require_known("the file", facts, {"parameters", "constraints"})
    tables = facts.get("parameters")
    if not isinstance(tables, dict) or not tables:
        raise InputError("there is no parameter: write a table [parameters.NAME] for each")
    parameters = {name: _parameter(name, table) for name, table in tables.items()}
    constraints = facts.get("constraints", [])
    if not isinstance(constraints, list):
        raise InputError('constraints is a list, as in constraints = ["fast < slow"]')
    return named_space(parameters, [_constraint(text, parameters) for text in constraints])


def named_space(parameters: Mapping[str, Parameter[Any]], constraints: list[Constraint] | None = None) -> Space:
    """A space of parameters that get the names they are listed under."""
    for name, parameter in parameters.items():
        parameter.name = name
    return Space(tuple(parameters.values()), tuple(constraints or ()))


def _parameter(name: str, table: object) -> Parameter[Any]:
    kind = table.get("kind") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(kind, str) or kind not in _KEYS:
        raise InputError(f'the parameter {name} needs kind = "int", "float" or "choice"')
    rest = {key: value for key, value in table.items() if key != "kind"}
    _require_known(f"the parameter {name}", rest, _KEYS[kind])
    needed = {"values"} if kind == "choice" else {"low", "high"}
    if missing := sorted(needed - set(rest)):
        raise InputError(f"the parameter {name} needs {' and '.join(missing)}")
    try:
        return _made(kind, rest)
    except (InputError, StrategyError, OverflowError) as error:
        raise InputError(f"the parameter {name}: {error}") from None


def _made(kind: str, rest: dict[str, Any]) -> Parameter[Any]:
    if kind == "choice":
        values = rest["values"]
        if not isinstance(values, list) or not all(map(_plain, values)):
            raise InputError('values is a list of plain values, as in values = ["long", "both"]')
        return Choice(*values, default=rest.get("default"))
    if not isinstance(rest.get("log", False), bool):
        raise InputError("log is true or false")
    for key in rest.keys() - {"log"}:
        if isinstance(rest[key], bool) or not isinstance(rest[key], int | float):
            raise InputError(f"{key} is a number, not {rest[key]!r}")
    low, high = rest.pop("low"), rest.pop("high")
    return Int(low, high, **rest) if kind == "int" else Float(low, high, **rest)


def _plain(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _constraint(text: object, parameters: Mapping[str, Parameter[Any]]) -> Constraint:
    found = _CONSTRAINT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(f'the constraint {text!r} does not read as one: write it as in "fast < slow"')
    relation: Any = found["relation"]
    return Constraint(_side(found["left"], parameters), relation, _right(found["right"], parameters))


def _side(name: str, parameters: Mapping[str, Parameter[Any]]) -> Parameter[Any]:
    if name not in parameters:
        hint = did_you_mean(name, parameters) or f" There are {', '.join(parameters)}"
        raise InputError(f"a constraint names {name!r}, which is no parameter.{hint}")
    return parameters[name]


def _right(text: str, parameters: Mapping[str, Parameter[Any]]) -> Parameter[Any] | float:
    try:
        return float(text)
    except ValueError:
        return _side(text, parameters)


def _require_known(what: str, given: Mapping[str, Any], known: set[str]) -> None:
    for key in given:
        if key not in known:
            hint = did_you_mean(key, known) or f" There are {', '.join(sorted(known))}"
            raise InputError(f"{what} has no setting {key!r}.{hint}")
