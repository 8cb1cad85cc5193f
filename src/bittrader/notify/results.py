"""A study's end in a line, from the facts that `--json` prints of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bittrader.errors import last_words

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_PARAMS = 6


def result_words(facts: Mapping[str, Any]) -> str:
    """What a search found: its best objective, with which parameters, and the verdict."""
    name, best, done = facts["study"], facts["best"], facts["evaluations"]
    count = f"{done['finished']:,} evaluations"
    if best is None:
        return f"Study {name} is done: none of {done['asked']:,} evaluations finished."
    goals = ", ".join(_metric(best["metrics"], goal["metric"]) for goal in facts["objectives"])
    kept = "" if best.get("feasible", True) else " (no set keeps the conditions)"
    verdict = f"; verdict: {facts['verdict']['call']}" if facts.get("verdict") else ""
    return f"Study {name} is done: {goals} with {_params(best['params'])}{kept}{verdict}; {count}."


def ended_words(name: str, code: int, output: str) -> str:
    """How a study ended whose process printed this, and left with this code."""
    facts = _last_object(output)
    if facts is not None and code in (0, 1):
        try:
            return result_words(facts)
        except (KeyError, TypeError, ValueError, AttributeError):  # what another version, or a strategy, printed
            pass
    if code == 0:
        return f"Study {name} is done: bittrader studies show {name}"
    return f"Study {name} failed: {last_words(output) or f'it ended with code {code}'}"


def _metric(metrics: Mapping[str, Any], name: str) -> str:
    value = metrics.get(name)
    return f"{name} undefined" if value is None else f"{name} {value:,.4g}"


def _params(params: Mapping[str, Any]) -> str:
    said = [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in params.items()]
    more = [f"{len(said) - _MOST_PARAMS} more"] if len(said) > _MOST_PARAMS else []
    return ", ".join([*said[:_MOST_PARAMS], *more]) or "no parameters"


def _last_object(output: str) -> dict[str, Any] | None:
    """The last line that is a JSON object about a study."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                facts = json.loads(line)
            except (ValueError, RecursionError):
                continue
            return facts if isinstance(facts, dict) and "study" in facts else None
    return None
