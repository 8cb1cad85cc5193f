"""The owner's `config.toml`, shown and changed one setting at a time; whatever else stands in it stays as it is."""

from __future__ import annotations

import re
import tomllib
from io import StringIO
from itertools import pairwise
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from bittrader import paths
from bittrader.cluster.sections import keys, secret_keys
from bittrader.cluster.settings import Settings, parse_settings, require_key, text_of, value_of
from bittrader.errors import InputError
from bittrader.files import make_folder, written_whole
from bittrader.notify.masks import masked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BETWEEN_URLS = r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)"
"""A URL may have commas of its own."""
_HEADER = re.compile(r"\s*\[\s*([\w.]+)\s*\]\s*(#.*)?")


def shown(settings: Settings) -> Iterator[tuple[str, object, bool]]:
    """Every setting: its key, its value with what is secret masked, and whether that is the default."""
    for key, _ in keys(Settings):
        value = value_of(settings, key)
        is_default = value == value_of(Settings(), key)
        if key in secret_keys(Settings) and isinstance(value, tuple):
            value = tuple(map(masked, value))
        yield key, value, is_default


def in_words(value: object) -> str:
    """A value as its owner writes it into the file."""
    return "(not set)" if value is None else toml_value(value)


def set_key(folder: Path, key: str, said: str | None) -> None:
    """Sets a key of the folder's `config.toml` to what was said on the command line; None takes it out.

    InputError if there is no such key, or it cannot be that: then the file is as it was.
    """
    path = folder / paths.SETTINGS
    value = None if said is None else typed(key, said)
    before = text_of(path)
    parse_settings(before, str(path))  # a file that is wrong already is not to be written around
    after = changed(before, key, value)
    parse_settings(after, str(path))
    try:
        make_folder(folder)
        with written_whole(path) as part:
            part.touch(mode=0o600)  # nobody else's business: a URL to tell the owner by holds a token
            part.write_text(after, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from None


def typed(key: str, said: str) -> object:
    """What was said on the command line, as the type that the setting has."""
    kind = dict(keys(Settings))[require_key(key)]
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        between = _BETWEEN_URLS if key in secret_keys(Settings) else ","
        return tuple(part.strip() for part in re.split(between, said) if part.strip())
    if kind is str or get_origin(kind) is Literal:
        return said
    if kind is bool:
        return _one_of(key, said, {"true": True, "yes": True, "false": False, "no": False})
    try:
        return kind(said)
    except ValueError:
        raise InputError(f"{key} is a {'whole ' if kind is int else ''}number, not {said!r}.") from None


def _one_of(key: str, said: str, words: dict[str, bool]) -> bool:
    if said.lower() not in words:
        raise InputError(f"{key} is true or false, not {said!r}.")
    return words[said.lower()]


def changed(text: str, key: str, value: object) -> str:
    """The file's text with one key set, or taken out for None, and nothing else touched.

    What comes out is read again; InputError if the file is written in a way that we cannot change so.
    """
    lines = StringIO(text, newline="\n").readlines()
    section, _, name = key.rpartition(".")
    inside = _section(lines, section)
    at = next((place for place in inside or () if _assigns(lines[place], name)), None)
    ending = "\r\n" if "\r\n" in text else "\n"
    line = f"{name} = {toml_value(value)}"
    if at is not None:
        lines[at] = "" if value is None else line + _comment(lines[at]) + ending
    elif value is not None:
        _insert(lines, section, inside, line, ending)
    after = "".join(lines)
    if not _is_toml(after) or _said(after, key) != value or _without(after, key) != _without(text, key):
        raise InputError(f"config.toml is written in a way that only you can change: set {key} in it by hand.")
    return after


def _section(lines: list[str], section: str) -> range | None:
    """The places of a section's own lines."""
    headers = [(place, found[1]) for place, line in enumerate(lines) if (found := _HEADER.fullmatch(line.rstrip()))]
    for (place, name), (stop, _) in pairwise([*headers, (len(lines), "")]):
        if name == section:
            return range(place + 1, stop)
    return None


def _insert(lines: list[str], section: str, inside: range | None, line: str, ending: str) -> None:
    """Puts a line below its section's last, or below a new header at the end."""
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    if inside is None:
        lines += [*([ending] if lines else []), f"[{section}]{ending}", line + ending]
        return
    filled = [place for place in inside if lines[place].strip()]
    lines.insert(filled[-1] + 1 if filled else inside.start, line + ending)


def _assigns(line: str, name: str) -> bool:
    return bool(re.match(rf"\s*{name}\s*=", line))


def _comment(line: str) -> str:
    """The comment behind a value, with the space before it."""
    value = line.partition("=")[2].rstrip()
    for place in (found.start() for found in re.finditer(r"\s*#", value)):
        if _is_toml(f"value = {value[:place]}"):
            return value[place:]
    return ""


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _said(text: str, key: str) -> object:
    """What a text says of a key, None if nothing."""
    found: Any = tomllib.loads(text)
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return tuple(found) if isinstance(found, list) else found


def _without(text: str, key: str) -> dict[str, object]:
    """All that a text says but for one key."""
    return {one: said for one, _ in keys(Settings) if one != key and (said := _said(text, one)) is not None}


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(toml_value, value))}]"
    return str(value)


_ESCAPES = {chr(code): f"\\u{code:04x}" for code in (*range(32), 127)} | {'"': '\\"', "\\": "\\\\"}
