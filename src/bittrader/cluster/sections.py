"""Frozen dataclasses made from TOML tables, every key and type checked."""

from __future__ import annotations

import math
import types
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from bittrader.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Section = TypeVar("Section")
SECRET = "secret"  # noqa: S105 - the name of a mark
"""What a field's metadata says of a setting whose value is never shown."""


def keys(section: type, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a section and of those in it, as `policy.active_cores`, with its type."""
    for name, kind in get_type_hints(section).items():
        if hasattr(kind, "__dataclass_fields__"):
            yield from keys(kind, f"{above}{name}.")
        else:
            yield above + name, kind


def secret_keys(section: type, above: str = "") -> Iterator[str]:
    """The keys whose values are never shown."""
    kinds = get_type_hints(section)
    for one in fields(section):
        if hasattr(kinds[one.name], "__dataclass_fields__"):
            yield from secret_keys(kinds[one.name], f"{above}{one.name}.")
        elif one.metadata.get(SECRET):
            yield above + one.name


def made(section: type[Section], table: Mapping[str, Any], above: str = "", root: type | None = None) -> Section:
    """The section that a table describes; InputError, with the key, for what is none of its settings."""
    kinds, root = get_type_hints(section), root or section
    given: dict[str, Any] = {}
    for key, value in table.items():
        if key not in kinds:
            hint = _home(key, root) or did_you_mean(key, kinds) or _here(kinds, above)
            raise InputError(f"there is no setting {above + key!r}.{hint}")
        given[key] = _checked(above + key, value, kinds[key], root)
    try:
        return section(**given)
    except InputError as error:
        raise InputError(f"{above}{error}") from None


def _home(key: str, root: type) -> str:
    homes = [one for one, _ in keys(root) if one.rpartition(".")[2] == key]
    return f" It belongs to [{homes[0].rpartition('.')[0]}]." if homes else ""


def _here(kinds: Mapping[str, Any], above: str) -> str:
    return f" {'Here' if above else 'At the top'} are {', '.join(kinds)}."


def _checked(key: str, value: object, kind: Any, root: type) -> object:
    """The value, as the type that the setting has."""
    if hasattr(kind, "__dataclass_fields__"):
        if not isinstance(value, dict):
            raise InputError(f"{key} is a table, written [{key}]")
        return made(kind, value, f"{key}.", root)
    if isinstance(kind, types.UnionType):  # a number that need not be set
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Literal:
        return _require(value in get_args(kind), key, value, f"one of {', '.join(get_args(kind))}", root)
    if get_origin(kind) is tuple:
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return tuple(_require(texts, key, value, 'a list of texts, as in ["20:00-08:00"]', root))
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
        return float(_require(number, key, value, "a number", root))
    words = {int: "a whole number", bool: "true or false", str: "a text in quotes"}
    return _require(type(value) is kind, key, value, words[kind], root)


def _require(holds: bool, key: str, value: Any, what: str, root: type) -> Any:  # noqa: FBT001 - it is the question
    if not holds and key in secret_keys(root):
        raise InputError(f"{key} is {what}; what it is now is not shown, being secret")
    if not holds:
        raise InputError(f"{key} is {what}, not {str(value).lower() if isinstance(value, bool) else repr(value)}")
    return value
