"""A space as JSON, so that a study can be read without its strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bittrader.errors import StudyError
from bittrader.optimize.narrowing import Fixed
from bittrader.strategies.parameters import Choice, Constraint, Float, Int, Parameter
from bittrader.strategies.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as plain values."""
    return {
        "parameters": [_parameter_to_json(one) for one in space.parameters],
        "constraints": [_constraint_to_json(constraint) for constraint in space.constraints],
    }


def space_from_json(facts: Mapping[str, Any]) -> Space:
    """The space that `space_to_json` wrote."""
    named: dict[str, Parameter[Any]] = {}
    for one in facts["parameters"]:
        named[one["name"]] = _parameter_from_json(one, named)
    constraints = tuple(
        Constraint(named[left], relation, named[right] if isinstance(right, str) else right)
        for left, relation, right in facts["constraints"]
    )
    return Space(tuple(named.values()), constraints)


def _parameter_to_json(one: Parameter[Any]) -> dict[str, Any]:
    if isinstance(one, Fixed):
        return {"name": one.name, "kind": "fixed", "of": _parameter_to_json(one.of), "value": one.default}
    facts = {"name": one.name, **_kind_to_json(one)}
    if one.needs:
        facts["when"] = [[need.switch.name, list(need.values)] for need in one.needs]
    return facts


def _kind_to_json(one: Parameter[Any]) -> dict[str, Any]:
    if isinstance(one, Choice):
        return {"kind": "choice", "values": list(one.values), "default": one.default}
    if not isinstance(one, Int | Float):
        raise StudyError(f"a study cannot keep the parameter {one.name}: {type(one).__name__} is not a kind it knows.")
    kind = "int" if isinstance(one, Int) else "float"
    return {"kind": kind, "low": one.low, "high": one.high, "step": one.step, "log": one.log, "default": one.default}


def _parameter_from_json(facts: Mapping[str, Any], earlier: Mapping[str, Parameter[Any]]) -> Parameter[Any]:
    rest = {key: value for key, value in facts.items() if key not in ("name", "kind", "when")}
    made: Parameter[Any]
    match facts["kind"]:
        case "fixed":
            made = Fixed(_parameter_from_json(rest["of"], earlier), rest["value"])
        case "choice":
            made = Choice(*rest["values"], default=rest["default"])
        case "int":
            made = Int(rest.pop("low"), rest.pop("high"), **rest)
        case _:
            made = Float(rest.pop("low"), rest.pop("high"), **rest)
    for name, values in facts.get("when", ()):
        made = made.when(_choice(earlier[name]), *values)
    made.name = facts["name"]
    return made


def _choice(switch: Parameter[Any]) -> Choice:
    """The `Choice` that a parameter is, or is held to one value of."""
    known = switch.of if isinstance(switch, Fixed) else switch
    if not isinstance(known, Choice):
        raise StudyError(f"{switch.name} is no Choice, so nothing can depend on it.")
    return known


def _constraint_to_json(constraint: Constraint) -> list[Any]:
    right = constraint.right
    return [constraint.left.name, constraint.relation, right.name if isinstance(right, Parameter) else right]
