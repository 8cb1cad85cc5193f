"""A found set of rules as the text of an ordinary strategy file, which does exactly the same."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NamedTuple

from bittrader.market.timeframe import Timeframe
from bittrader.mining.entries import ENTRIES
from bittrader.mining.exits import EXITS
from bittrader.mining.filters import FILTERS
from bittrader.mining.rules import apart
from bittrader.mining.words import in_words
from bittrader.strategies.base import Strategy
from bittrader.strategies.parameters import Choice, Float, Int

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bittrader.mining.rules import Rule
    from bittrader.strategies.parameters import Parameter, Value

_WIDTH = 120
# Where the names that a file may use come from.
_HOMES = {
    "bittrader": ("Chart", "Choice", "Float", "Int", "Signals", "Strategy", "crossed_above", "crossed_below"),
    "bittrader.strategies.base": ("Multiple",),
    "bittrader.strategies.indicators": ("previous",),
}


class Method(NamedTuple):
    """A rule's method as text."""

    lines: tuple[str, ...]
    """What it works out first."""
    returned: tuple[str, ...]
    """The expressions that it returns."""


def method_of(rule: type[Rule]) -> Method:
    """The text of a rule's own method; nothing for a rule without one."""
    function: Any = next((value for value in vars(rule).values() if inspect.isfunction(value)), None)
    if function is None:
        return Method((), ())
    source = textwrap.dedent(inspect.getsource(function))
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    *before, last = (statement for statement in body if not isinstance(statement, ast.Expr))
    returned = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    return Method(
        tuple(ast.get_source_segment(source, one) or "" for one in before),
        tuple(ast.get_source_segment(source, one) or "" for one in returned),
    )


def class_name(file: str) -> str:
    """A name for the class in a file called so: `my_find` becomes `MyFind`."""
    made = "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", file))
    taken = not made.isidentifier() or iskeyword(made) or any(made in names for names in _HOMES.values())
    return f"Mined{made}" if taken else made


def strategy_file(params: Mapping[str, Value], name: str, origin: str, timeframe: Timeframe) -> str:
    """The text of a file with the strategy class `name`, which does what these parameters of the mined strategy do.

    Its parameters are those that count, with the ranges that were searched, and the found values as defaults. `origin`
    says where it came from, `timeframe` is that of the candles there.
    """
    docstring = _docstring(in_words(params), origin)
    rules = _rules(params)
    parameters = {one.name: one for rule in rules for one in rule.parameters}
    body = [
        *(f"{key} = {_declared(one, params[key])}" for key, one in parameters.items()),
        *_constraints(rules),
        *_warm_up(parameters, timeframe),
        "",
        "def signals(self, chart: Chart) -> Signals:",
        *(f"    {line}" for line in _signals(params)),
    ]
    inside = "\n".join(f"    {line}".rstrip() for line in body).lstrip("\n")
    text = f"class {name}(Strategy):\n{docstring}\n\n{inside}\n"
    return (
        f'"""{name}: an entry, filters and exits that `bittrader mine` put together."""\n\n{_imports(text)}\n\n\n{text}'
    )


def _rules(params: Mapping[str, Value]) -> list[type[Rule]]:
    """The rules that count, in the order in which they act."""
    named = ((FILTERS, "filters"), (EXITS, "exits"))
    return [ENTRIES[str(params["entry"])], *(table[one] for table, key in named for one in apart(str(params[key])))]


def _docstring(words: str, origin: str) -> str:
    paragraphs = [textwrap.fill(part, _WIDTH - 4) for part in (f'"""{words}', origin)]
    return textwrap.indent("\n\n".join(paragraphs) + '\n"""', "    ")


def _declared(one: Parameter[Any], value: Value) -> str:
    """The declaration of a parameter, with this value as its default."""
    if isinstance(one, Choice):
        return f"Choice({', '.join(map(_literal, one.values))}, default={_literal(value)})"
    assert isinstance(one, Int | Float)
    step = f", step={one.step:g}" if one.step not in (None, 1) else ""
    return f"{type(one).__name__}({one.low:g}, {one.high:g}, default={_literal(value)}{step}{', log=True' * one.log})"


def _literal(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:.12g}"


def _constraints(rules: Sequence[type[Rule]]) -> list[str]:
    words = [str(one) for rule in rules for one in rule.constraints]
    return [f"constraints = ({', '.join(words)}{',' if len(words) == 1 else ''})"] if words else []


def _warm_up(parameters: Mapping[str, Parameter[Any]], timeframe: Timeframe) -> list[str]:
    """How many bars it must have seen, where a longer timeframe makes these more than a strategy's usual ones."""
    if "longer_timeframe" not in parameters:
        return []
    names, length = parameters["longer_timeframe"], parameters["longer_length"]
    assert isinstance(names, Choice)
    assert isinstance(length, Int)
    longest = max(Timeframe.parse(str(value)).milliseconds for value in names.values)
    bars = (length.high + 1) * longest // timeframe.milliseconds
    return [f"warm_up = {bars:_}"] if bars > Strategy.warm_up else []


def _signals(params: Mapping[str, Value]) -> list[str]:
    """The lines of the method: what the rules work out, then what they give together."""
    side, chosen = params["side"], [EXITS[name] for name in apart(str(params["exits"]))]
    opposite = any(not rule.signal for rule in chosen)
    long, short = side != "short", side != "long"
    entry = method_of(ENTRIES[str(params["entry"])])
    wanted = (long or opposite, short or opposite)
    filters = [method_of(FILTERS[name]) for name in apart(str(params["filters"]))]
    orders = {rule.signal: method_of(rule) for rule in chosen if rule.signal}
    given = {
        **({"enter_long": _passed("up", [one.returned[0] for one in filters])} if long else {}),
        **({"exit_long": "down"} if long and opposite else {}),
        **({"enter_short": _passed("down", [one.returned[1] for one in filters])} if short else {}),
        **({"exit_short": "up"} if short and opposite else {}),
        **{signal: one.returned[0] for signal, one in orders.items()},
    }
    before = [*entry.lines, *_named(entry.returned, wanted), *_lines(filters), *_lines(orders.values())]
    return [*dict.fromkeys(before), "return Signals(", *(f"    {key}={value}," for key, value in given.items()), ")"]


def _named(returned: Sequence[str], wanted: Sequence[bool]) -> list[str]:
    """`up, down = …`, as far as these are wanted and have no names yet."""
    pairs = [(name, text) for name, text, use in zip(("up", "down"), returned, wanted, strict=True) if use]
    pairs = [(name, text) for name, text in pairs if name != text]
    return [f"{', '.join(name for name, _ in pairs)} = {', '.join(text for _, text in pairs)}"] if pairs else []


def _lines(methods: Iterable[Method]) -> list[str]:
    return [line for one in methods for line in one.lines]


def _passed(flags: str, passes: Sequence[str]) -> str:
    return " & ".join([flags, *(one if one.isidentifier() else f"({one})" for one in passes)])


def _imports(text: str) -> str:
    used = {home: [name for name in names if re.search(rf"\b{name}\b", text)] for home, names in _HOMES.items()}
    return "\n".join(f"from {home} import {', '.join(names)}" for home, names in used.items() if names)
